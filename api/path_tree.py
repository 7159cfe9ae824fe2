"""The known paths of a function for one kind of arguments: a tree of what Python saw on the way.

A program of a path says how far the path was right. What the next guard would have had to see is then known,
and so which branch of the tree the call is on: a call tries as many programs as its path has turns, however
many paths there are.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from tapejit.path import Loop
from tapejit.replay import MISS, Exit, Replay

MAX_GUESSES = 4  # branches tried where the program cannot say which one it is


class _Branch:
    """A point that paths have in common; `latest` is the one of them that was used last."""

    __slots__ = ("children", "latest")

    def __init__(self) -> None:
        self.children: dict[Hashable, _Branch] = {}
        self.latest: Replay | None = None


class PathTree:
    """Paths by their steps."""

    def __init__(self) -> None:
        self._root = _Branch()

    @property
    def latest(self) -> Replay | None:
        """The path that was used last."""
        return self._root.latest

    def replays(self) -> Iterator[Replay]:
        """All paths."""
        return _replays(self._root)

    def prefer(self, replay: Replay) -> None:
        """Add a path, or note that it was used."""
        branch = self._root
        branch.latest = replay
        for step in replay.steps:
            branch = branch.children.setdefault(step, _Branch())
            branch.latest = replay

    def remove(self, replay: Replay) -> None:
        """Forget a path."""
        branches = [self._root]
        for step in replay.steps:
            branches.append(branches[-1].children[step])
        branches[-1].latest = None
        for parent, step in zip(branches[-2::-1], replay.steps[::-1], strict=True):
            child = parent.children[step]
            if child.latest is None and not child.children:
                del parent.children[step]
            if parent.latest is replay:
                parent.latest = next((c.latest for c in parent.children.values() if c.latest), None)

    def run(self, args: tuple[Any, ...]) -> Any:
        """The result of a call; MISS if the arguments do not fit, an `Exit` if no known path does."""
        agenda = [(self._root, 0)]
        result: Any = MISS
        while agenda:
            branch, depth = agenda.pop()
            replay = branch.latest
            if replay is None:
                continue
            result = replay.run(args) if depth == 0 or replay.shortcut is None else replay.shortcut(*args)
            if result is MISS and depth:
                result = replay.run(args)
            if type(result) is not Exit:
                if replay is not self._root.latest and result is not MISS:
                    self.prefer(replay)
                return result
            agenda.extend(_alternatives(branch, depth, replay, result))
        return result


def _replays(branch: _Branch) -> Iterator[Replay]:
    if not branch.children and branch.latest is not None:
        yield branch.latest
    for child in list(branch.children.values()):
        yield from _replays(child)


def _alternatives(branch: _Branch, depth: int, replay: Replay, exit: Exit) -> Iterator[tuple[_Branch, int]]:
    """Where else the call may be, below `branch`, after `replay` failed: the likeliest last."""
    turn = replay.turn(exit.reached)
    for at in range(depth, turn):
        step = replay.steps[at]
        yield from ((child, at + 1) for _, child in _unlike(branch, step)[-MAX_GUESSES:])
        branch = branch.children[step]
    failed = replay.steps[turn]
    known = not failed if isinstance(failed, bool) else exit.witness
    others = [(s, c) for s, c in list(branch.children.items()) if s != failed]
    if known is None:
        yield from ((child, turn + 1) for _, child in others[-MAX_GUESSES:])
    else:
        yield from ((child, turn + 1) for _, child in _unlike(branch, failed)[-MAX_GUESSES:])
        yield from (
            (child, turn + 1) for step, child in others if not isinstance(step, Loop) and step == known
        )


def _unlike(branch: _Branch, step: Hashable) -> list[tuple[Hashable, _Branch]]:
    """The branches that may be right beside `step`, whether it was or not: it is a loop, or they are."""
    return [
        (other, child)
        for other, child in list(branch.children.items())
        if other != step and (isinstance(other, Loop) or isinstance(step, Loop))
    ]

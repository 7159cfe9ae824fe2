"""Lists and dicts among the arguments of a decorated function: it gets copies; its changes are carried over.

Inside the call they hold arrays of the trace. Once it is over, those that were changed are put back as they
were, for the trace is about what was given, and the caller's are changed instead. Start at `Containers`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from tapejit import tree
from tapejit.tracer.impure import note_impure

_Items = Sequence[Any]  # of a dict: pairs of key and value


class Containers:
    """The lists and dicts in `given`, beside those in `traced` that the function gets."""

    def __init__(self, given: Any, traced: Any):
        self._own: dict[int, tuple[Any, Any]] = {}  # by id: what the function got, and what was given for it
        self._pairs: list[tuple[Any, Any, _Items]] = []  # the caller's, the function's, and its items
        self._changes: list[tuple[Any, _Items]] = []  # the caller's, and the items that it should have
        self._note(given, traced)

    def take_back(self) -> None:
        """Put what the function changed back as it was; the next call runs the Python again."""
        for given, traced, before in self._pairs:
            now = _items(traced)
            if not _same(before, now):
                self._changes.append((given, now))
                _fill(traced, before)
        if self._changes:
            note_impure("it changes a list or a dict that is an argument")

    def carry_over(self, answer: Any, keep: bool) -> Any:
        """Change the caller's containers, with arrays of ours in them if `keep`; the `answer` of the call."""
        for given, now in self._changes:
            if isinstance(given, dict):
                _fill(given, [(key, self._delivered(x, keep)) for key, x in now])
            else:
                _fill(given, [self._delivered(x, keep) for x in now])
        return answer

    def _note(self, given: Any, traced: Any) -> None:
        if given is traced:
            return
        self._own[id(traced)] = traced, given
        if isinstance(given, list | dict | deque):
            self._pairs.append((given, traced, _items(traced)))
        if isinstance(given, dict):
            for key, x in given.items():
                self._note(x, traced[key])
        elif isinstance(given, list | tuple | deque):
            for x, y in zip(given, traced, strict=True):
                self._note(x, y)

    def _delivered(self, x: Any, keep: bool) -> Any:
        """What the function got is what was given for it; all else is new."""
        if id(x) in self._own:
            return self._own[id(x)][1]
        return tree.delivered(tree.concluded(tree.ours(x) if keep else x), keep)


def _items(container: Any) -> _Items:
    return list(container.items()) if isinstance(container, dict) else list(container)


def _same(before: _Items, now: _Items) -> bool:
    return len(before) == len(now) and all(
        a is b or (isinstance(a, tuple) and isinstance(b, tuple) and _same(a, b))
        for a, b in zip(before, now, strict=True)
    )


def _fill(container: Any, items: _Items) -> None:
    container.clear()
    if isinstance(container, dict):
        container.update(items)
    else:
        container.extend(items)

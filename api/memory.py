"""What a decorated function remembers: the paths it can replay, and why its Python ran.

Paths are kept by situation: the kind of arguments, and what was captured. A call tries the situations, those
used last first; in the one that fits, the tree of paths is walked (`path_tree`). When nothing fits, the
Python runs, is traced, the reason is noted and the path is learnt.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tapejit.capture import RandomSource, Unguardable, guards_of, is_function
from tapejit.donation import Donated
from tapejit.engine import Engine
from tapejit.ir.function import Function
from tapejit.leaf import Leaf, ObjectLeaf, leaf_of
from tapejit.path import path_of
from tapejit.path_argument import Place
from tapejit.path_tree import PathTree
from tapejit.replay import MISS, Exit, Replay, Test
from tapejit.result import Pack, result_handles
from tapejit.tracer.errors import RandomEscapeWarning, RetraceWarning
from tapejit.tracer.handle import Handle
from tapejit.tracer.seen import Escape
from tapejit.tracer.tape import MAX_PERIOD, Tape
from tapejit.tree import flatten
from tapejit.written import Overwritten

MAX_REPLAYS = 64  # paths of one function that are kept compiled, unless `max_paths` says otherwise
MAX_PATHS_MET = 4096  # beyond so many different paths no more are learnt
MAX_RECENT = 4  # replays that a call tries as machine code before it walks the tree
MAX_REASONS = 200  # traces whose reason is kept


@dataclass(frozen=True)
class Call:
    """One traced call, from which a replay can be learnt."""

    tape: Tape
    args: tuple[Any, ...]
    traced_args: Sequence[Any]
    head: Any  # the value that is differentiated, or all of the result
    rest: Any = None  # auxiliary results
    variables: Sequence[Handle] = ()
    chosen: tuple[int, ...] = ()
    written: Mapping[int, Handle] = field(default_factory=dict)  # arguments written to, by leaf
    donated: Donated | None = None

    def key(self) -> Hashable:
        """What distinguishes its path: the segments, and what Python saw of each."""
        return tuple(self._steps(Escape.key))

    def outline(self) -> Hashable:
        """Its path with repetitions cut short, and floats left out."""
        steps: list[Hashable] = []
        for step in self._steps(Escape.outline):
            steps.append(step)
            _cut_short(steps)
        return tuple(steps)

    def _steps(self, key: Callable[[Escape], Hashable]) -> Iterator[Hashable]:
        seen: list[list[Hashable]] = [[] for _ in range(len(self.tape.cuts or ()) + 1)]
        for escape in self.tape.escapes:
            seen[escape.after].append(key(escape))
        yield tuple(seen[0])
        for cut, truths in zip(self.tape.cuts or (), seen[1:], strict=True):
            yield cut.node, tuple(truths)

    def tests(self) -> tuple[Test, ...]:
        """Where Python saw a value, and what it saw."""
        return tuple(Test(e.location or "a test", e.text()) for e in self.tape.escapes)


def _overwritten(call: Call, handles: Sequence[Handle]) -> Overwritten:
    """The arguments of a call in which its results are left, those `handles` and others."""
    given = flatten(call.args)[0]
    donated = call.donated.taken(given, handles, call.written) if call.donated else {}
    returned = donated.values()
    written = {k: x for k, x in call.written.items() if k not in returned}
    return Overwritten(written, donated, {k: given[k] for k in (*written, *returned)})


def _cut_short(steps: list[Hashable]) -> None:
    """Drop the last round of a loop once the same was there three times."""
    for period in range(1, MAX_PERIOD + 1):
        rounds = [steps[len(steps) - k * period :][:period] for k in range(1, 5)]
        if len(steps) >= 4 * period and all(r == rounds[0] for r in rounds):
            del steps[-period:]
            return


@dataclass(eq=False, slots=True)
class Situation:
    """Arguments of one kind, and captures as they are: what the paths in `tree` have in common."""

    kind: Hashable  # the leaves, and their structure
    tree: PathTree = field(default_factory=PathTree)


def _kind(call: Call) -> tuple[tuple[Leaf, ...], Any]:
    """The kind of its arguments: how to check each leaf, and their structure."""
    given, structure = flatten(call.args)
    traced = flatten(tuple(call.traced_args))[0]
    differentiated = {id(v) for v in call.variables}
    leaves = (leaf_of(x, t, id(t) in differentiated) for x, t in zip(given, traced, strict=True))
    return tuple(leaves), structure


class Memory:
    """The replays of one function."""

    __slots__ = ("__dict__", "shortcut")

    def __init__(self, where: str, function: Callable[..., Any], parameters: Sequence[str], engine: Engine):
        self._where, self._function, self._parameters, self._engine = where, function, parameters, engine
        self._replays: dict[tuple[Hashable, Hashable], Replay] = {}  # by kind and steps, the oldest first
        self._situations: tuple[Situation, ...] = ()  # the one used last first
        self._constants: dict[
            int, tuple[Place, ...]
        ] = {}  # of the last path with the same operations, by hash
        self._met: set[int] = set()  # hashes of the paths traced so far
        self._hopeless: set[Hashable] = set()  # outlines of paths that Python has to be run for
        self._warned_of_random = False
        self._reasons: deque[str] = deque(maxlen=MAX_REASONS)
        self._recent: tuple[Replay, ...] = ()  # those used last that are machine code
        self.shortcut: Callable[..., Any] | None = None  # of the first of them
        self.max_paths = MAX_REPLAYS  # that are kept; settable
        self.traces = 0  # how often the Python ran
        self.why_python: str | None = "it has not been called"  # None once calls are replayed
        self._lock = threading.Lock()  # of what is learnt

    @property
    def paths(self) -> int:
        """How many paths can be replayed."""
        return len(self._replays)

    @property
    def python_stays(self) -> bool:
        """Whether the Python will run again: on some paths always, or as there is no room for more."""
        return bool(self._hopeless) or not self._has_room()

    def _has_room(self) -> bool:
        return self.paths < self.max_paths

    def latest_path(self) -> Function:
        """The IR of the path that was learnt or used last."""
        latest = self._latest()
        assert latest is not None
        return latest.function

    def run(self, args: tuple[Any, ...]) -> Any:
        """The result of the call by a replay, or MISS; `shortcut` has been tried."""
        for replay in self._recent[1:]:
            assert replay.shortcut is not None
            result = replay.shortcut(*args)
            if result is not MISS:
                self._use(replay)
                return result
        for situation in self._situations:
            result = situation.tree.run(args)
            if result is MISS:
                continue
            if situation is not self._situations[0]:
                self._prefer(situation)
            if situation.tree.latest is not None:
                self._use(situation.tree.latest)
            return MISS if type(result) is Exit else result
        return MISS

    def _use(self, replay: Replay) -> None:
        """If it is machine code, try this one first from now on."""
        if replay.shortcut is not None:
            others = (other for other in self._recent if other is not replay)
            self._recent = (replay, *others)[:MAX_RECENT]
            self.shortcut = replay.shortcut

    def learn(self, call: Call, pack: Callable[[Sequence[Handle], Sequence[int]], Pack]) -> Replay | None:
        """Make a replay of the call that was just traced, if everything it depended on can be checked.

        Paths are learnt at once as long as there is room. Then the path has to be taken a second time:
        compiling one that never comes back would cost more than it saves, and another is dropped for it.
        """
        with self._lock:
            return self._learn(call, pack)

    def _learn(self, call: Call, pack: Callable[[Sequence[Handle], Sequence[int]], Pack]) -> Replay | None:
        self._note(call)
        first_time = self._meet(hash(call.key()))
        if (self._hopeless and call.outline() in self._hopeless) or (first_time and not self._has_room()):
            return None
        try:
            return self._store(_kind(call), call, pack)
        except Unguardable as obstacle:
            self._warn_of_random(obstacle)
            self.why_python = obstacle.reason
            self._hopeless.add(call.outline())
        return None

    def _warn_of_random(self, obstacle: Unguardable) -> None:
        """Say once that what a generator draws cannot be part of a program."""
        if isinstance(obstacle, RandomSource) and not self._warned_of_random:
            self._warned_of_random = True
            warnings.warn(
                f"{self._where} draws random numbers at {obstacle.place} that no trace can repeat "
                f"({obstacle.reason}): they are constants of their call, and the Python runs at every call; "
                "pass them as an argument, or draw from a key (tapejit.random)",
                RandomEscapeWarning,
                stacklevel=7,
            )

    def explain(self) -> str:
        """One line per trace with its reason, one per known path with how often it was taken."""
        first = self.traces - len(self._reasons) + 1
        lines = [f"{self._where}: traced {self.traces} times, {self.paths} paths known"]
        lines += [f"  trace {first + n}: {reason}" for n, reason in enumerate(self._reasons)]
        lines += [f"  path {n}: {replay.describe()}" for n, replay in enumerate(self._replays.values(), 1)]
        if self.why_python is not None:
            lines.append(f"  the Python runs at such calls: {self.why_python}")
        return "\n".join(lines)

    def _latest(self) -> Replay | None:
        return self._situations[0].tree.latest if self._situations else None

    def _meet(self, key: int) -> bool:
        """Note a path, and whether it is new; warn once when there are more than can be kept."""
        before = len(self._met)
        if key in self._met:
            return False
        if before < MAX_PATHS_MET:
            self._met.add(key)
        if before == self.max_paths and len(self._met) > before:
            warnings.warn(
                f"{self._where} has taken more than {self.max_paths} different paths (last: "
                f"{self._reasons[-1]}); calls on paths that are not kept run the Python. See explain()",
                RetraceWarning,
                stacklevel=7,
            )
        return True

    def _store(
        self,
        kind: tuple[tuple[Leaf, ...], Any],
        call: Call,
        pack: Callable[[Sequence[Handle], Sequence[int]], Pack],
    ) -> Replay | None:
        made = self._replay(kind, call, pack)
        key = (kind, made.steps)
        known = self._replays.get(key)
        if known is not None and known.still_holds():
            return None
        self._make_room(key, made)
        same = (s for s in self._situations if s.kind == kind)
        situation = next(same, None) or Situation(kind)
        situation.tree.prefer(made)
        self._replays[key] = made
        self._prefer(situation)
        self.why_python = None
        return made

    def _make_room(self, key: tuple[Hashable, Hashable], made: Replay) -> None:
        """Drop paths that `made` covers or whose captures changed; if too many are left, those used least."""
        for each, replay in list(self._replays.items()):
            if each == key or not replay.still_holds() or (each[0] == key[0] and made.covers(replay)):
                self._drop(each)
        while len(self._replays) >= self.max_paths:
            self._drop(min(self._replays, key=lambda k: self._replays[k].hits))

    def _drop(self, key: tuple[Hashable, Hashable]) -> None:
        gone = self._replays.pop(key)
        self._recent, self.shortcut = (), None
        for situation in self._situations:
            if any(replay is gone for replay in situation.tree.replays()):
                situation.tree.remove(gone)
        self._situations = tuple(s for s in self._situations if s.tree.latest is not None)

    def _prefer(self, situation: Situation) -> None:
        """Try this one first next time."""
        others = (other for other in self._situations if other is not situation)
        self._situations = (situation, *others)

    def _replay(
        self,
        kind: tuple[tuple[Leaf, ...], Any],
        call: Call,
        pack: Callable[[Sequence[Handle], Sequence[int]], Pack],
    ) -> Replay:
        if call.tape.impure is not None:
            raise Unguardable(call.tape.impure)
        guards = guards_of(self._function, *self._objects(call.args, kind[0]))
        handles = result_handles((call.head, call.rest))
        overwritten = _overwritten(call, handles)
        head = call.head if call.variables else None
        if call.variables and not isinstance(head, Handle):
            raise Unguardable("the result does not depend on the arguments")
        operations = hash(tuple(cut.node for cut in call.tape.cuts or ()))
        before = self._constants.get(operations, ())
        leaves = flatten(tuple(call.traced_args))[0]
        path = path_of(call.tape, leaves, handles, head, call.variables, before, overwritten)
        if before or len(self._constants) < MAX_PATHS_MET:
            self._constants[operations] = path.constants
        program = self._engine.program(path.function, path.by_value, frozenset(), path.homes, path.guards)
        pick = pack(handles, path.places)
        return Replay(*kind, guards, path, program, pick, call.tests(), call.written)

    def _objects(self, args: tuple[Any, ...], leaves: Sequence[Leaf]) -> tuple[dict[str, Any], list[Any]]:
        """The arguments that are objects, by the names of the parameters, and those that are functions."""
        opaque = {id(leaf.value) for leaf in leaves if isinstance(leaf, ObjectLeaf)}
        found = {name: x for name, x in zip(self._parameters, args, strict=False) if id(x) in opaque}
        if len(found) < len(opaque):
            raise Unguardable("an object is inside an argument, or passed by keyword")
        functions = [x for x in found.values() if is_function(x)]
        return {name: x for name, x in found.items() if not is_function(x)}, functions

    def _note(self, call: Call) -> None:
        """Keep, and log if asked, why the Python ran."""
        self.traces += 1
        reason = self._reason(call) if self.traces > 1 else "first call"
        self._reasons.append(reason)
        if "trace" in os.environ.get("TAPEJIT_LOG", "").split(","):
            sys.stderr.write(f"tapejit: {self._where}: trace {self.traces}: {reason}\n")

    def _reason(self, call: Call) -> str:
        nearest = self._latest()
        if nearest is None:
            return self.why_python or "the function's captures changed"
        changed = nearest.difference(call.args, self._parameters)
        if changed is not None:
            return changed
        for before, now in zip(nearest.tests, call.tests(), strict=False):
            if before != now:
                return f"{now.where} was {before.seen}, now {now.seen}"
        return "another path after the last common test"

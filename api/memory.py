"""What a decorated function remembers: the paths it can replay, and why its Python ran.

A call first tries the replays used last. When none fits, the Python runs, is traced, and the reason is
noted; the path is learnt when it is the function's first or comes back a second time.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from tapejit.capture import Unguardable, guards_of
from tapejit.ir.function import Function
from tapejit.path import path_of
from tapejit.replay import MISS, Pack, Replay, leaf_of, result_handles
from tapejit.tracer.engine import Engine
from tapejit.tracer.errors import RetraceWarning
from tapejit.tracer.handle import Handle
from tapejit.tracer.tape import MAX_PERIOD, Tape
from tapejit.tree import flatten

MAX_REPLAYS = 64  # paths of one function that are kept compiled, unless `max_paths` says otherwise
MAX_TRIES = 4  # of them, how many a call tries before it runs the Python
MAX_PATHS_MET = 4096  # beyond so many different paths no more are learnt
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

    def key(self) -> Hashable:
        """What distinguishes its path: the segments, and what Python saw of each; repetitions cut short."""
        seen: list[list[Hashable]] = [[] for _ in range(len(self.tape.cuts or ()) + 1)]
        for escape in self.tape.escapes:
            seen[escape.after].append(escape.key())
        steps: list[Hashable] = [tuple(seen[0])]
        for cut, truths in zip(self.tape.cuts or (), seen[1:], strict=True):
            steps.append((cut.node, tuple(truths)))
            _cut_short(steps)
        return tuple(steps)

    def tests(self) -> tuple[tuple[str | None, Any], ...]:
        """Where Python saw a value, and what it saw."""
        return tuple((e.location, e.key()) for e in self.tape.escapes)


def _cut_short(steps: list[Hashable]) -> None:
    """Drop the last round of a loop once the same was there three times."""
    for period in range(1, MAX_PERIOD + 1):
        rounds = [steps[len(steps) - k * period :][:period] for k in range(1, 5)]
        if len(steps) >= 4 * period and all(r == rounds[0] for r in rounds):
            del steps[-period:]
            return


class Memory:
    """The replays of one function, by path."""

    def __init__(self, where: str, function: Callable[..., Any], parameters: Sequence[str], engine: Engine):
        self._where, self._function, self._parameters, self._engine = where, function, parameters, engine
        self._replays: dict[Hashable, Replay] = {}
        self._favourites: tuple[Replay, ...] = ()  # those that a call tries, the last one used first
        self._met: set[Hashable] = set()  # paths traced so far
        self._hopeless: set[Hashable] = set()  # paths that Python has to be run for
        self._reasons: deque[str] = deque(maxlen=MAX_REASONS)
        self.max_paths = MAX_REPLAYS  # that are kept; settable
        self.traces = 0  # how often the Python ran
        self.why_python: str | None = "it has not been called"  # None once calls are replayed

    @property
    def paths(self) -> int:
        """How many paths can be replayed."""
        return len(self._replays)

    def latest_path(self) -> Function:
        """The IR of the path that was learnt or used last."""
        return self._favourites[0].function

    def run(self, args: tuple[Any, ...]) -> Any:
        """The result of the call by a replay, or MISS."""
        for replay in self._favourites:
            result = replay.run(args)
            if result is not MISS:
                if replay is not self._favourites[0]:
                    self._prefer(replay)
                return result
        return MISS

    def learn(self, call: Call, pack: Callable[[Sequence[Handle], Sequence[int]], Pack]) -> None:
        """Make a replay of the call that was just traced, if everything it depended on can be checked.

        The first path is learnt at once, another when it is taken for the second time: compiling a path
        that never comes back would cost more than it saves.
        """
        self._note(call)
        key = call.key()
        known = self._replays.get(key)
        if known is not None and known.still_holds():
            return self._prefer(known)
        first_time = key not in self._met
        self._meet(key)
        if key in self._hopeless or (self._replays and first_time):
            return
        try:
            self._store(key, self._replay(call, pack))
            self.why_python = None
        except Unguardable as obstacle:
            self.why_python = obstacle.reason
            self._hopeless.add(key)

    def explain(self) -> str:
        """One line per trace with its reason, one per known path with how often it was taken."""
        first = self.traces - len(self._reasons) + 1
        lines = [f"{self._where}: traced {self.traces} times, {self.paths} paths known"]
        lines += [f"  trace {first + n}: {reason}" for n, reason in enumerate(self._reasons)]
        lines += [f"  path {n}: {replay.describe()}" for n, replay in enumerate(self._replays.values(), 1)]
        if self.why_python is not None:
            lines.append(f"  the Python runs at such calls: {self.why_python}")
        return "\n".join(lines)

    def _meet(self, key: Hashable) -> None:
        """Note a path; warn once when there are more than can be kept."""
        before = len(self._met)
        if before < MAX_PATHS_MET:
            self._met.add(key)
        if before == self.max_paths and len(self._met) > before:
            warnings.warn(
                f"{self._where} has taken more than {self.max_paths} different paths (last: "
                f"{self._reasons[-1]}); calls on paths that are not kept run the Python. See explain()",
                RetraceWarning,
                stacklevel=6,
            )

    def _store(self, key: Hashable, made: Replay) -> None:
        kept = {k: r for k, r in self._replays.items() if k != key and r.still_holds()}
        while len(kept) >= self.max_paths:
            del kept[min(kept, key=lambda k: kept[k].hits)]
        self._replays = {**kept, key: made}
        self._favourites = tuple(r for r in self._favourites if r in kept.values())
        self._prefer(made)

    def _prefer(self, replay: Replay) -> None:
        """Try this one first next time."""
        others = (other for other in self._favourites if other is not replay)
        self._favourites = (replay, *others)[:MAX_TRIES]

    def _replay(self, call: Call, pack: Callable[[Sequence[Handle], Sequence[int]], Pack]) -> Replay:
        guards = guards_of(self._function)
        given, structure = flatten(call.args)
        traced = flatten(tuple(call.traced_args))[0]
        differentiated = {id(v) for v in call.variables}
        leaves = [leaf_of(x, t, id(t) in differentiated) for x, t in zip(given, traced, strict=True)]
        handles = result_handles((call.head, call.rest))
        head = call.head if call.variables else None
        if call.variables and not isinstance(head, Handle):
            raise Unguardable("the result does not depend on the arguments")
        path = path_of(call.tape, traced, handles, head, call.variables)
        program = self._engine.program(path.function, path.by_value, frozenset())
        return Replay(leaves, structure, guards, path, program, pack(handles, path.places), call.tests())

    def _note(self, call: Call) -> None:
        """Keep, and log if asked, why the Python ran."""
        self.traces += 1
        reason = self._reason(call) if self.traces > 1 else "first call"
        self._reasons.append(reason)
        if "trace" in os.environ.get("TAPEJIT_LOG", "").split(","):
            sys.stderr.write(f"tapejit: {self._where}: trace {self.traces}: {reason}\n")

    def _reason(self, call: Call) -> str:
        if not self._favourites:
            return self.why_python or "the function's captures changed"
        nearest = self._favourites[0]
        changed = nearest.difference(call.args, self._parameters)
        if changed is not None:
            return changed
        for before, now in zip(nearest.tests, call.tests(), strict=False):
            if before != now:
                return f"the test at {now[0]} was {before[1]}, now {now[1]}"
        return "another path after the last common test"

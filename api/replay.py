"""Calls that do not run the user's Python: check the arguments and guards, run the native program.

A `Replay` answers with one path of a function. It knows where each argument of the path's program comes
from (an argument of the call, or a constant of the trace), how to tell from its first result that Python
would have gone another way, and how the other results are packed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tapejit.capture import Guard
from tapejit.ir.footprint import peak_bytes
from tapejit.leaf import ArrayLeaf, Leaf, laid_out, shown
from tapejit.path import Loop, Path
from tapejit.result import Pack
from tapejit.runtime.entry_plan import Argument, Constant, EntryPlan
from tapejit.runtime.program import Executable
from tapejit.shortcut import shortcut_of
from tapejit.structure import Structure
from tapejit.tree import flatten
from tapejit.written import Claim, overlapping

MISS = object()  # this replay does not fit the call


class Exit(NamedTuple):
    """Python would go another way: how many guards held, and the integer that the next one saw, if any."""

    reached: int
    witness: int | None


class Test(NamedTuple):
    """A place where Python saw a value, and what it saw, as `explain` shows it."""

    where: str
    seen: str


SHORTEN_AFTER = 4  # answers, after which machine code does what `Replay.run` does


class Replay:
    """One way to answer calls without Python; `run` gives MISS when it does not fit."""

    def __init__(
        self,
        leaves: Sequence[Leaf],
        structure: Structure,
        guards: Sequence[Guard],
        path: Path,
        program: Executable,
        pack: Pack,
        tests: tuple[Test, ...] = (),
        written: Iterable[int] = (),
    ):
        self._leaves, self._structure, self._guards = tuple(leaves), structure, tuple(guards)
        self._holds = tuple(guard.holds for guard in guards)
        self.tests = tests  # where Python saw a value, and what it saw
        self.steps = path.steps  # what Python saw at each guard, with loops between them
        self.function = path.function
        self.shortcut: Callable[..., Any] | None = None  # of the call's arguments: its result, or MISS
        self._runs = 0
        self._written = tuple(written)  # array arguments that the function wrote to, by leaf
        homes = dict.fromkeys(path.homes.values())
        self._claims = [Claim(k, path.entered[k], path.entered[k] in self._written) for k in homes]
        self._flat = structure == flatten((0,) * len(leaves))[1]
        arrays = [(x.shape, x.dtype) for x in leaves if isinstance(x, ArrayLeaf)]
        self._arrays = tuple(arrays) if self._flat and len(arrays) == len(leaves) else None
        self._template = [None if k in path.entered else x for k, x in enumerate(path.arguments)]
        self._constants = [x for x in self._template if isinstance(x, np.ndarray)]
        self._entered = tuple(
            (k, leaf, not isinstance(leaves[leaf], ArrayLeaf) and k not in path.by_value)
            for k, leaf in path.entered.items()
        )
        self._worked_out = tuple((k, e, k not in path.by_value) for k, e in path.worked_out.items())
        self._program, self._pack, self._guarded = program, pack, path.guarded
        self._reached, self._witness = path.reached, path.witness
        self._turns = [at for at, step in enumerate(path.steps) if not isinstance(step, Loop)]

    @property
    def program(self) -> Executable:
        """What answers the calls."""
        return self._program

    @property
    def hits(self) -> int:
        """How many calls it answered."""
        return self._runs + self._program.entry_runs

    def run(self, args: tuple[Any, ...]) -> Any:
        """The result of the call; MISS if arguments or captures do not fit, `Exit` if the path does not."""
        leaves = self._fitting_leaves(args) if self._arrays is None else self._fitting_arrays(args)
        if leaves is None:
            return MISS
        for holds in self._holds:
            if not holds():
                return MISS
        if self._written and overlapping(leaves, self._written):
            return MISS
        filled = self._template.copy()
        for k, position, is_number in self._entered:
            filled[k] = np.asarray(leaves[position]) if is_number else laid_out(leaves[position])
        right = self._work_out(leaves, filled)
        for claim in self._claims:
            given = claim.laid_out(leaves, filled, self._constants)
            filled[claim.parameter] = given if right else given.copy()
        outs = self._program.results_for(filled)
        self._program.run(filled, outs)
        if self._guarded and not outs[0]:
            return self._exit(outs)
        if not right:
            return MISS
        self._runs += 1
        if self._runs == SHORTEN_AFTER:
            self._shorten()
        for claim in self._claims:
            claim.settle(leaves, filled)
        return self._pack([x if x.ndim else x[()] for x in outs[self._guarded :]])

    def _work_out(self, leaves: Sequence[Any], filled: list[Any]) -> bool:
        """Fill in what comes of numbers; whether Python would not raise an error over it."""
        right = True
        for k, expression, as_array in self._worked_out:
            try:
                number = expression(leaves)
            except ArithmeticError:
                number = math.nan
                right = False
            right = right and not isinstance(number, complex)
            filled[k] = np.asarray(float(number.real)) if as_array else float(number.real)
        return right

    def _shorten(self) -> None:
        """From now on machine code answers, where it can."""
        if self._worked_out:
            return
        given = [leaf.given() for leaf in self._leaves]
        sources: list[Argument | Constant] = [Constant(x) for x in self._template]
        for k, position, _ in self._entered:
            sources[k] = Argument(position)
        conditions = [guard.condition for guard in self._guards]
        plan = EntryPlan(given, conditions, sources, self._guarded, 0, MISS)
        count = len(self.function.results) - self._guarded
        self.shortcut = shortcut_of(self._program, plan, self._structure, self._pack, count)

    def first(self, args: tuple[Any, ...]) -> Any:
        """The result of the call that this was learnt from; MISS if by rounding it goes another way."""
        result = self.run(args)
        self._runs = 0
        return MISS if type(result) is Exit else result

    def _exit(self, outs: Sequence[np.ndarray]) -> Exit:
        reached = 0 if self._reached is None else int(outs[self._reached])
        step = self.steps[self.turn(reached)]
        return Exit(
            reached, int(outs[self._witness]) if self._witness is not None and type(step) is int else None
        )

    def turn(self, reached: int) -> int:
        """Which step the guard after `reached` others is."""
        return self._turns[reached]

    def _fitting_arrays(self, args: tuple[Any, ...]) -> Sequence[Any] | None:
        """The arguments, if they are arrays that fit: the short way for functions of arrays only."""
        assert self._arrays is not None
        if len(args) != len(self._arrays):
            return None
        for x, (shape, dtype) in zip(args, self._arrays, strict=True):
            if type(x) is not np.ndarray or x.shape != shape or x.dtype != dtype:
                return None
        return args

    def _fitting_leaves(self, args: tuple[Any, ...]) -> Sequence[Any] | None:
        """The leaves of the arguments, if they fit."""
        leaves = self._leaves_of(args)
        fits = leaves is not None and all(
            leaf.accepts(x) for leaf, x in zip(self._leaves, leaves, strict=True)
        )
        return leaves if fits else None

    def covers(self, other: Replay) -> bool:
        """Whether it takes the same path, with loops whose rounds go all the ways that the other's do."""
        return len(self.steps) == len(other.steps) and all(
            a >= b if isinstance(a, Loop) and isinstance(b, Loop) else a == b
            for a, b in zip(self.steps, other.steps, strict=True)
        )

    def still_holds(self) -> bool:
        """Whether what the function captured is unchanged."""
        return all(holds() for holds in self._holds)

    def describe(self) -> str:
        """How often it was taken, and the tests on its way."""
        groups = itertools.groupby(self.tests)
        rows = [(f"{where}: {seen}", len(list(group))) for (where, seen), group in groups]
        tests = ", ".join(text if count == 1 else f"{text} ×{count}" for text, count in rows)
        sizes = ", sizes at run time" if self._program.takes_sizes else ""
        return f"taken {self.hits} times; {tests or 'straight through'} → {self._described()}{sizes}"

    def _described(self) -> str:
        """What the path became."""
        names = [instr.primitive.name for instr in self._program.function.body]
        loops = sum(name in ("while", "while_adjoint") for name in names)
        return (
            f"{len(names)} operations"
            + (f", {loops} native loops" if loops else "")
            + f", {peak_bytes(self._program.function):,} bytes of intermediate values"
        )

    def difference(self, args: tuple[Any, ...], names: Sequence[str]) -> str | None:
        """What about the arguments or the captures does not fit, if that is it."""
        for guard in self._guards:
            if not guard.holds():
                return f"{guard.what} {guard.verb}"
        leaves, structure = flatten(args)
        if self._structure != structure:
            return "the arguments have another structure"
        for k, (leaf, x) in enumerate(zip(self._leaves, leaves, strict=True)):
            if not leaf.accepts(x):
                name = names[k] if self._flat and k < len(names) else str(k)
                return f"argument {name}: {leaf} → {shown(x)}"
        return None

    def _leaves_of(self, args: tuple[Any, ...]) -> Sequence[Any] | None:
        """The leaves of the arguments, if these have the structure of the traced call."""
        if self._flat:
            return args if len(args) == len(self._leaves) else None
        leaves, structure = flatten(args)
        return leaves if self._structure == structure else None

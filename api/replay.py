"""Calls that do not run the user's Python: check the arguments and guards, run the native program.

A `Replay` answers with one path of a function. It knows where each argument of the path's program comes
from (an argument of the call, or a constant of the trace), how to tell from its first result that Python
would have gone another way, and how the other results are packed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import optree

from tapejit.capture import Guard, Unguardable
from tapejit.ir.footprint import peak_bytes
from tapejit.ir.types import TensorType, dtype_name, type_of
from tapejit.path import Loop, Path
from tapejit.runtime.entry_plan import (
    Argument,
    Constant,
    EntryPlan,
    Given,
    GivenArray,
    GivenConstant,
    GivenFloat,
)
from tapejit.runtime.program import Executable
from tapejit.shortcut import Pack, shortcut_of
from tapejit.tracer.handle import Handle
from tapejit.tracer.number import Number
from tapejit.tree import flatten
from tapejit.written import overlapping

MISS = object()  # this replay does not fit the call


class Exit(NamedTuple):
    """Python would go another way: how many guards held, and the integer that the next one saw, if any."""

    reached: int
    witness: int | None


class Test(NamedTuple):
    """A place where Python saw a value, and what it saw, as `explain` shows it."""

    where: str
    seen: str


@dataclass(frozen=True, slots=True)
class ArrayLeaf:
    """An argument that has to be a NumPy array of one exact type, passed on as it is."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def accepts(self, x: Any) -> bool:
        """Whether `x` can be passed to the program."""
        if type(x) is not np.ndarray or x.shape != self.shape or x.dtype != self.dtype:
            return False
        flags = x.flags
        return bool(flags.c_contiguous and flags.aligned)

    def given(self) -> Given:
        """The same as the runtime says it."""
        return GivenArray(TensorType(dtype_name(self.dtype), self.shape))

    def __str__(self) -> str:
        return str(TensorType(dtype_name(self.dtype), self.shape))


@dataclass(frozen=True, slots=True)
class NumberLeaf:
    """A float that is differentiated: the program takes it as an array without dimensions."""

    def accepts(self, x: Any) -> bool:
        """Whether `x` is such a number."""
        return type(x) is float or type(x) is np.float64

    def given(self) -> Given:
        """The same as the runtime says it."""
        return GivenFloat()

    def __str__(self) -> str:
        return "a float"


@dataclass(frozen=True, slots=True)
class FloatLeaf:
    """A float that the program, or what is worked out for it, takes whatever its value."""

    def accepts(self, x: Any) -> bool:
        """Whether `x` is a plain float: one of NumPy's makes other dtypes."""
        return type(x) is float

    def given(self) -> Given:
        """The same as the runtime says it."""
        return GivenFloat(plain=True)

    def __str__(self) -> str:
        return "a float"


@dataclass(frozen=True, slots=True, eq=False)
class ConstantLeaf:
    """An argument whose very value the trace depends on. Equal are leaves of the same type and value."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConstantLeaf) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[type, str]:
        return type(self.value), repr(self.value)

    def accepts(self, x: Any) -> bool:
        """Whether `x` is the same value of the same type; 0.0 and -0.0 differ, NaN never fits."""
        if type(x) is not type(self.value) or x != self.value:
            return False
        return not isinstance(x, float | complex) or repr(x) == repr(self.value)

    def given(self) -> Given:
        """This very object, which is what an equal one mostly is; another is compared in Python."""
        return GivenConstant(self.value)

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True, eq=False)
class ObjectLeaf:
    """A very object: a function, or the `self` of a method. What is read of it is guarded."""

    value: Any

    def accepts(self, x: Any) -> bool:
        """Whether `x` is that object."""
        return x is self.value

    def given(self) -> Given:
        """The same as the runtime says it."""
        return GivenConstant(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectLeaf) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)

    def __str__(self) -> str:
        return f"a {type(self.value).__name__}"


def _described(x: Any) -> str:
    """An argument as `explain` shows it."""
    if isinstance(x, np.ndarray):
        layout = "" if x.flags.c_contiguous else ", not contiguous"
        return f"{x.dtype}{list(x.shape)}{layout}" if x.dtype.kind not in "fib" else f"{type_of(x)}{layout}"
    return repr(x)


Leaf = ArrayLeaf | NumberLeaf | FloatLeaf | ConstantLeaf | ObjectLeaf
SHORTEN_AFTER = 4  # answers, after which machine code does what `Replay.run` does


class Replay:
    """One way to answer calls without Python; `run` gives MISS when it does not fit."""

    def __init__(
        self,
        leaves: Sequence[Leaf],
        structure: Any,
        guards: Sequence[Guard],
        path: Path,
        program: Executable,
        pack: Pack,
        tests: tuple[Test, ...] = (),
        writes: Mapping[int, int] | None = None,
    ):
        self._leaves, self._structure, self._guards = tuple(leaves), structure, tuple(guards)
        self._holds = tuple(guard.holds for guard in guards)
        self.tests = tests  # where Python saw a value, and what it saw
        self.steps = path.steps  # what Python saw at each guard, with loops between them
        self.function = path.function
        self.shortcut: Callable[..., Any] | None = None  # of the call's arguments: its result, or MISS
        self._runs = 0
        self._writes = writes or {}  # array arguments, by leaf: which result goes there
        self._flat = structure == flatten((0,) * len(leaves))[1]
        arrays = [(x.shape, x.dtype) for x in leaves if isinstance(x, ArrayLeaf)]
        self._arrays = tuple(arrays) if self._flat and len(arrays) == len(leaves) else None
        self._template = [None if k in path.entered else x for k, x in enumerate(path.arguments)]
        self._entered = tuple(
            (k, leaf, not isinstance(leaves[leaf], ArrayLeaf) and k not in path.by_value)
            for k, leaf in path.entered.items()
        )
        self._worked_out = tuple((k, e, k not in path.by_value) for k, e in path.worked_out.items())
        self._program, self._pack, self._guarded = program, pack, path.guarded
        self._reached, self._witness = path.reached, path.witness
        self._turns = [at for at, step in enumerate(path.steps) if not isinstance(step, Loop)]
        self._results = tuple((v.type.shape, v.type.numpy_dtype) for v in path.function.results)

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
        if self._writes and overlapping(leaves, self._writes):
            return MISS
        filled = self._template.copy()
        for k, position, is_number in self._entered:
            filled[k] = np.asarray(leaves[position]) if is_number else leaves[position]
        right = self._work_out(leaves, filled)
        outs = [np.empty(shape, dtype) for shape, dtype in self._results]
        self._program.run(filled, outs)
        if self._guarded and not outs[0]:
            return self._exit(outs)
        if not right:
            return MISS
        self._runs += 1
        if self._runs == SHORTEN_AFTER:
            self._shorten()
        results = outs[self._guarded :]
        for leaf, place in self._writes.items():
            np.copyto(leaves[leaf], results[place])
        return self._pack([x if x.ndim else x[()] for x in results])

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
        if self._worked_out or self._writes:
            return
        given = [leaf.given() for leaf in self._leaves]
        sources: list[Argument | Constant] = [Constant(x) for x in self._template]
        for k, position, _ in self._entered:
            sources[k] = Argument(position)
        conditions = [guard.condition for guard in self._guards]
        plan = EntryPlan(given, conditions, sources, self._guarded, 0, MISS)
        count = len(self._results) - self._guarded
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
            flags = x.flags
            if not (flags.carray or (flags.c_contiguous and flags.aligned)):
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
        if structure != self._structure:
            return "the arguments have another structure"
        for k, (leaf, x) in enumerate(zip(self._leaves, leaves, strict=True)):
            if not leaf.accepts(x):
                name = names[k] if self._flat and k < len(names) else str(k)
                return f"argument {name}: {leaf} → {_described(x)}"
        return None

    def _leaves_of(self, args: tuple[Any, ...]) -> Sequence[Any] | None:
        """The leaves of the arguments, if these have the structure of the traced call."""
        if self._flat:
            return args if len(args) == len(self._leaves) else None
        leaves, structure = flatten(args)
        return leaves if structure == self._structure else None


def leaf_of(given: Any, traced: Any, is_variable: bool) -> Leaf:
    """How to check one argument leaf; Unguardable when no check would be enough."""
    if type(given) is np.ndarray and isinstance(traced, Handle):
        return ArrayLeaf(given.dtype, given.shape)
    if is_variable and type(given) in (float, np.float64):
        return NumberLeaf()
    if isinstance(traced, Number):
        return FloatLeaf()
    if is_variable or isinstance(given, Handle | np.ndarray):
        raise Unguardable(f"an argument is a {type(given).__name__}")
    constant = type(given) in (int, float, complex, bool, str) or isinstance(given, np.generic)
    return ConstantLeaf(given) if constant else ObjectLeaf(given)


def result_handles(tree: Any) -> list[Handle]:
    """The traced leaves of a result, each once; Unguardable for leaves that are not immutable."""
    handles: dict[int, Handle] = {}
    for x in optree.tree_leaves(tree, none_is_leaf=True):
        if isinstance(x, Handle):
            handles[id(x)] = x
        elif type(x) not in (int, float, bool, str, type(None)):
            raise Unguardable(f"it returns a {type(x).__name__} that is not a traced array")
    return list(handles.values())


def picker(tree: Any, handles: Sequence[Handle]) -> Pack:
    """How to rebuild the result `tree` from the values of `handles`."""
    leaves, structure = optree.tree_flatten(tree, none_is_leaf=True)
    position = {id(x): k for k, x in enumerate(handles)}
    if len(leaves) == 1 and leaves[0] is tree and isinstance(tree, Handle):
        place = position[id(tree)]
        return lambda outs: outs[place]

    places = [position.get(id(x)) if isinstance(x, Handle) else None for x in leaves]
    constants = [None if isinstance(x, Handle) else x for x in leaves]

    def pick(outs: Sequence[Any]) -> Any:
        picked = [x if k is None else outs[k] for k, x in zip(places, constants, strict=True)]
        return optree.tree_unflatten(structure, picked)

    return pick

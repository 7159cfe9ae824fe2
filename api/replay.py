"""Calls that do not run the user's Python: check the arguments and guards, run the native program.

A `Replay` answers with one path of a function. It knows where each argument of the path's program comes
from (an argument of the call, or a constant of the trace), how to tell from its first result that Python
would have gone another way, and how the other results are packed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optree

from tapejit.capture import Guard, Unguardable
from tapejit.path import Path
from tapejit.tracer.engine import Program
from tapejit.tracer.handle import Handle

MISS = object()  # this replay does not fit the call
MAX_REPLAYS = 64      # paths of one function that are kept compiled
MAX_TRIES = 4         # of them, how many a call tries before it runs the Python
MAX_PATHS_MET = 4096  # beyond so many different paths no more are learnt


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


@dataclass(frozen=True, slots=True)
class NumberLeaf:
    """A float that is differentiated: the program takes it as an array without dimensions."""

    def accepts(self, x: Any) -> bool:
        """Whether `x` is such a number."""
        return type(x) is float or type(x) is np.float64


@dataclass(frozen=True, slots=True)
class ConstantLeaf:
    """An argument whose very value the trace depends on."""

    value: Any

    def accepts(self, x: Any) -> bool:
        """Whether `x` is the same value of the same type; 0.0 and -0.0 differ, NaN never fits."""
        if type(x) is not type(self.value) or x != self.value:
            return False
        return not isinstance(x, float) or math.copysign(1.0, x) == math.copysign(1.0, self.value)


Leaf = ArrayLeaf | NumberLeaf | ConstantLeaf
Pack = Callable[[list[np.ndarray]], Any]


class Replay:
    """One way to answer calls without Python; `run` gives MISS when it does not fit."""

    def __init__(
        self, leaves: Sequence[Leaf], structure: Any, guards: Sequence[Guard], path: Path, program: Program,
        pack: Pack,
    ):
        self._leaves, self._structure, self._guards = tuple(leaves), structure, tuple(guards)
        self._flat = structure == optree.tree_structure((0,) * len(leaves))
        self._template = [None if k in path.entered else x for k, x in enumerate(path.arguments)]
        self._entered = tuple(
            (k, leaf, isinstance(leaves[leaf], NumberLeaf)) for k, leaf in path.entered.items()
        )
        self._program, self._pack, self._guarded = program, pack, path.guarded
        self._results = tuple((v.type.shape, v.type.numpy_dtype) for v in path.function.results)
        self.path = path

    def run(self, args: tuple[Any, ...]) -> Any:
        """The result of the call, or MISS."""
        leaves = self._leaves_of(args)
        if leaves is None:
            return MISS
        for leaf, x in zip(self._leaves, leaves, strict=True):
            if not leaf.accepts(x):
                return MISS
        for guard in self._guards:
            if not guard():
                return MISS
        filled = self._template.copy()
        for k, position, is_number in self._entered:
            filled[k] = np.asarray(leaves[position]) if is_number else leaves[position]
        outs = [np.empty(shape, dtype) for shape, dtype in self._results]
        self._program.run(filled, outs)
        if self._guarded and not outs.pop(0):
            return MISS
        return self._pack(outs)

    def still_holds(self) -> bool:
        """Whether what the function captured is unchanged."""
        return all(guard() for guard in self._guards)

    def _leaves_of(self, args: tuple[Any, ...]) -> Sequence[Any] | None:
        """The leaves of the arguments, if these have the structure of the traced call."""
        if self._flat:
            return args if len(args) == len(self._leaves) else None
        leaves, structure = optree.tree_flatten(args)
        return leaves if structure == self._structure else None


def leaf_of(given: Any, traced: Any, is_variable: bool) -> Leaf:
    """How to check one argument leaf; Unguardable when no check would be enough."""
    if type(given) is np.ndarray and isinstance(traced, Handle):
        return ArrayLeaf(given.dtype, given.shape)
    if is_variable and type(given) in (float, np.float64):
        return NumberLeaf()
    if not is_variable and type(given) in (int, float, bool, str):
        return ConstantLeaf(given)
    raise Unguardable(f"an argument is a {type(given).__name__}")


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
        return lambda outs: _delivered(outs[place])

    def pick(outs: list[np.ndarray]) -> Any:
        picked = [_delivered(outs[position[id(x)]]) if isinstance(x, Handle) else x for x in leaves]
        return optree.tree_unflatten(structure, picked)

    return pick


def _delivered(out: np.ndarray) -> Any:
    return out if out.ndim else out[()]

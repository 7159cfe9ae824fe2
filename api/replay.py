"""Calls that do not run the user's Python: check the arguments and guards, run the native program.

A `Replay` is made of one traced call that ran straight through: no truth test, no number that left for
Python. It knows where each argument of the program comes from (an argument of the call, or a constant
of the trace) and how the results are packed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optree

from tapejit.capture import Guard
from tapejit.tracer.handle import Handle
from tapejit.tracer.segment import Cut

MISS = object()  # this replay does not fit the call
MAX_REPLAYS = 64


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

    def __init__(self, leaves: Sequence[Leaf], structure: Any, guards: Sequence[Guard], cut: Cut, pack: Pack,
                 entered: dict[int, int]):
        """`entered`: per argument of the program that comes from the call, the leaf it comes from."""
        assert cut.plan is not None
        self._leaves, self._structure, self._guards = tuple(leaves), structure, tuple(guards)
        self._flat = structure == optree.tree_structure((0,) * len(leaves))
        self._template = [None if k in entered else x for k, x in enumerate(cut.values)]
        self._entered = tuple((k, leaf, isinstance(leaves[leaf], NumberLeaf)) for k, leaf in entered.items())
        self._program, self._pack = cut.plan.program, pack
        self._results = tuple((v.type.shape, v.type.numpy_dtype) for v in cut.plan.function.results)

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


def leaf_of(given: Any, traced: Any, is_variable: bool) -> Leaf | None:
    """How to check one argument leaf; None when no check would be enough."""
    if type(given) is np.ndarray and isinstance(traced, Handle):
        return ArrayLeaf(given.dtype, given.shape)
    if is_variable:
        return NumberLeaf() if type(given) in (float, np.float64) else None
    return ConstantLeaf(given) if type(given) in (int, float, bool, str) else None


def entries(cut: Cut, traced: Sequence[Any], inputs: Sequence[int | None]) -> dict[int, int]:
    """Per argument of the program that is an argument of the call: which leaf of `traced` it is."""
    position = {id(x): k for k, x in enumerate(traced) if isinstance(x, Handle)}
    found = {}
    for k, i in enumerate(inputs):
        leaf = None if i is None else position.get(id(cut.sources[i].handle))
        if leaf is not None:
            found[k] = leaf
    return found


def picker(tree: Any, cut: Cut) -> Callable[[list[np.ndarray]], Any] | None:
    """How to rebuild a result of the call from the program's results; None if it cannot be.

    Handles must be values of the program, and everything else immutable.
    """
    leaves, structure = optree.tree_flatten(tree, none_is_leaf=True)
    places: list[tuple[int | None, Any]] = []
    for x in leaves:
        if isinstance(x, Handle) and x._index in cut.live and x._leaf is None and x._storage is None:
            places.append((cut.live.index(x._index), None))
        elif type(x) in (int, float, bool, str, type(None)):
            places.append((None, x))
        else:
            return None

    def pick(outs: list[np.ndarray]) -> Any:
        picked = [x if k is None else _delivered(outs[k]) for k, x in places]
        return optree.tree_unflatten(structure, picked)

    only = places[0][0] if len(places) == 1 else None
    if only is not None and structure == optree.tree_structure(0, none_is_leaf=True):
        return lambda outs: _delivered(outs[only])
    return pick


def _delivered(out: np.ndarray) -> Any:
    return out if out.ndim else out[()]

"""Which elements of a result depend on which elements of a parameter, as seen in the IR.

Sets of column numbers, one per element, are carried through a function row by row: a map unites those of
its operands, a move takes them along, a reduction unites what it reduces. Where nothing better is known an
element depends on all that goes in, so the pattern may be too large, and is never too small. Start at
`dependence`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tapejit.ir.emission import (
    Branch,
    Call,
    Constant,
    Fold,
    Gathered,
    IndexMap,
    Padded,
    Pieces,
    Product,
    Reinterpret,
    Scalar,
    Scattered,
)
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.primitive import Discrete
from tapejit.ir.shape import free_dims
from tapejit.ir.types import TensorType


@dataclass(frozen=True)
class Pattern:
    """Per element (row) the sorted columns it depends on, in compressed rows."""

    starts: np.ndarray  # rows + 1
    columns: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """The row of each entry."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


Known = Callable[[Value], np.ndarray | None]  # the numbers in an index, if they can be told


def dependence(f: Function, given: Mapping[int, Pattern], known: Known = lambda value: None) -> list[Pattern]:
    """The patterns of the results, where the parameters have those `given` and the others none."""
    found: dict[Value, Pattern] = {}
    for i, v in enumerate(f.params):
        found[v] = given.get(i) or nothing(v.type.size)
    for instr in f.body:
        for v, pattern in zip(instr.results, _patterns(instr, found, known), strict=True):
            found[v] = pattern if v.type.is_inexact else nothing(v.type.size)
    return [found[v] for v in f.results]


def nothing(rows: int) -> Pattern:
    """No element depends on anything."""
    return Pattern(np.zeros(rows + 1, np.int64), np.zeros(0, np.int64))


def diagonal(rows: int, first: int = 0) -> Pattern:
    """Each element depends on a column of its own, from `first` on."""
    return Pattern(np.arange(rows + 1), np.arange(first, first + rows))


def of_pairs(rows: np.ndarray, columns: np.ndarray, count: int) -> Pattern:
    """The pattern of `count` rows with these entries, each kept once."""
    width = int(columns.max(initial=-1)) + 1
    if not width:
        return nothing(count)
    pairs = np.unique(rows * width + columns)
    return Pattern(np.searchsorted(pairs, np.arange(count + 1) * width), pairs % width)


def _patterns(instr: Instr, found: Mapping[Value, Pattern], known: Known) -> Sequence[Pattern]:
    operands = [found[v] for v in instr.operands]
    sizes = [v.type.size for v in instr.results]
    touched = any(len(p.columns) for p in operands)
    if not touched or isinstance(instr.primitive.jvp, Discrete):
        return [nothing(size) for size in sizes]
    rule = _RULES.get(type(instr.primitive.emission), _everything)
    return rule(instr, operands, known)


def _everything(instr: Instr, operands: Sequence[Pattern], known: Known) -> Sequence[Pattern]:
    """Every element depends on all that goes in."""
    columns = np.unique(np.concatenate([p.columns for p in operands]))
    return [
        Pattern(np.arange(v.type.size + 1) * len(columns), np.tile(columns, v.type.size))
        for v in instr.results
    ]


def _map(instr: Instr, operands: Sequence[Pattern], known: Known) -> Sequence[Pattern]:
    used = [p for p in operands if len(p.columns)]
    if len(used) == 1:
        return used
    rows, columns = (np.concatenate([getattr(p, name) for p in used]) for name in ("rows", "columns"))
    return [of_pairs(rows, columns, instr.results[0].type.size)]


def _move(instr: Instr, operands: Sequence[Pattern], known: Known) -> Sequence[Pattern]:
    """What the row does to elements shows in what it does to their numbers; 0 is what it fills with."""
    labels, first = [], 1
    for v in instr.operands:
        labels.append(np.arange(first, first + v.type.size).reshape(v.type.shape))
        first += v.type.size
    attrs = dict(instr.attrs, value=0) if "value" in instr.attrs else instr.attrs
    moved = np.asarray(instr.primitive.reference(*labels, **attrs)).ravel()
    return [_taken(_stacked([nothing(1), *operands]), moved)]


def _fold(instr: Instr, operands: Sequence[Pattern], known: Known) -> Sequence[Pattern]:
    (x,) = instr.operands
    return [_relabelled(operands[0], _kept(x.type, instr.attrs["axes"]), instr.results[0].type.size)]


def _product(instr: Instr, operands: Sequence[Pattern], known: Known) -> Sequence[Pattern]:
    """An element of a product depends on a row of one operand and a column of the other."""
    result, total = instr.results[0].type, nothing(instr.results[0].type.size)
    batch, rank = len(instr.attrs["batch"][0]), instr.results[0].type.rank
    rows = len(free_dims(instr.operands[0].type.rank, instr.attrs["contract"][0], instr.attrs["batch"][0]))
    own = (range(batch, batch + rows), range(batch + rows, rank))
    targets = np.arange(result.size).reshape(result.shape)
    for k, (v, pattern) in enumerate(zip(instr.operands, operands, strict=True)):
        if not len(pattern.columns):
            continue
        dims = [
            *instr.attrs["batch"][k],
            *free_dims(v.type.rank, instr.attrs["contract"][k], instr.attrs["batch"][k]),
        ]
        kept = _grouped(v.type, dims)
        inner = _relabelled(pattern, kept, int(kept.max(initial=-1)) + 1)
        mine = [*range(batch), *own[k]]
        groups = np.arange(len(inner.starts) - 1).reshape([result.shape[d] for d in mine])
        shape = [result.shape[d] if d in mine else 1 for d in range(rank)]
        chosen = np.broadcast_to(groups.reshape(shape), result.shape).ravel()
        total = _union(total, _taken(inner, chosen), targets.size)
    return [total]


def _gather(instr: Instr, operands: Sequence[Pattern], known: Known) -> Sequence[Pattern]:
    x, where = instr.operands
    index, axis = known(where), instr.attrs["axis"]
    if index is not None:
        labels = np.arange(1, x.type.size + 1).reshape(x.type.shape)
        moved = np.asarray(instr.primitive.reference(labels, index, **instr.attrs)).ravel()
        return [_taken(_stacked([nothing(1), operands[0]]), moved)]
    along = _relabelled(operands[0], _kept(x.type, (axis,)), x.type.size // max(1, x.type.shape[axis]))
    shape, rank = instr.results[0].type.shape, where.type.rank
    return [_taken(along, _without(shape, range(axis, axis + rank)))]


def _scatter(instr: Instr, operands: Sequence[Pattern], known: Known) -> Sequence[Pattern]:
    result, where = instr.results[0].type, instr.operands[-1]
    index, axis = known(where), instr.attrs["axis"]
    if index is None or len(instr.operands) != 2:
        return _everything(instr, operands, known)
    updates = instr.operands[0].type
    grid = np.indices(updates.shape) if updates.rank else np.zeros((0,), int)
    taken = range(axis, axis + where.type.rank)
    place = np.broadcast_to(
        np.expand_dims(index, [d for d in range(updates.rank) if d not in taken]), updates.shape
    )
    others = [grid[d] for d in range(updates.rank) if d not in taken]
    inside = (place >= 0) & (place < result.shape[axis])
    target = np.ravel_multi_index((*others[:axis], np.where(inside, place, 0), *others[axis:]), result.shape)
    rows = operands[0].rows
    kept = inside.ravel()[rows]
    return [of_pairs(target.ravel()[rows][kept], operands[0].columns[kept], result.size)]


def _call(instr: Instr, operands: Sequence[Pattern], known: Known) -> Sequence[Pattern]:
    """Through the regions; of a choice either may be taken."""
    skipped = len(instr.operands) - len(instr.regions[0].params)
    given = dict(enumerate(operands[skipped:]))
    every = [dependence(region, given) for region in instr.regions]
    first, *others = every
    for other in others:
        sizes = (v.type.size for v in instr.results)
        first = [_union(a, b, n) for a, b, n in zip(first, other, sizes, strict=True)]
    return first


# -- Rows of patterns --------------------------------------------------------------------------------


def _taken(pattern: Pattern, rows: np.ndarray) -> Pattern:
    """The rows of these numbers, in this order."""
    counts = np.diff(pattern.starts)[rows]
    starts = np.concatenate([[0], np.cumsum(counts)])
    at = np.arange(starts[-1]) - np.repeat(starts[:-1] - pattern.starts[rows], counts)
    return Pattern(starts, pattern.columns[at])


def _stacked(patterns: Sequence[Pattern]) -> Pattern:
    """All rows, one pattern after the other."""
    counts = np.concatenate([np.diff(p.starts) for p in patterns])
    return Pattern(np.concatenate([[0], np.cumsum(counts)]), np.concatenate([p.columns for p in patterns]))


def _relabelled(pattern: Pattern, rows: np.ndarray, count: int) -> Pattern:
    """`count` rows: the union of those with the same new number."""
    return of_pairs(rows[pattern.rows], pattern.columns, count)


def _union(x: Pattern, y: Pattern, count: int) -> Pattern:
    return of_pairs(np.concatenate([x.rows, y.rows]), np.concatenate([x.columns, y.columns]), count)


def _kept(type_: TensorType, axes: Sequence[int]) -> np.ndarray:
    """Per element the number of the group that it is in, when `axes` are reduced."""
    return _without(type_.shape, axes)


def _without(shape: Sequence[int], axes: Sequence[int]) -> np.ndarray:
    reduced = [1 if d in axes else n for d, n in enumerate(shape)]
    numbers = np.arange(int(np.prod(reduced))).reshape(reduced)
    return np.broadcast_to(numbers, shape).ravel()


def _grouped(type_: TensorType, dims: Sequence[int]) -> np.ndarray:
    """Per element its number in the space of `dims`, in this order."""
    number = np.arange(int(np.prod([type_.shape[d] for d in dims]))).reshape([type_.shape[d] for d in dims])
    order = np.argsort(dims)
    inner = np.transpose(number, order) if len(dims) else number
    shape = [n if d in dims else 1 for d, n in enumerate(type_.shape)]
    return np.broadcast_to(inner.reshape(shape), type_.shape).ravel()


_Rule = Callable[[Instr, Sequence[Pattern], Known], Sequence[Pattern]]
_RULES: dict[type[Any], _Rule] = {
    Scalar: _map,
    Constant: _everything,
    IndexMap: _move,
    Padded: _move,
    Pieces: _move,
    Reinterpret: _move,
    Fold: _fold,
    Product: _product,
    Gathered: _gather,
    Scattered: _scatter,
    Call: _call,
    Branch: _call,
}

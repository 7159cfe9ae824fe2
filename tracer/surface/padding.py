"""`np.pad`: numbers, elements of the array itself, ramps or statistics around it, one dimension at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.tracer.errors import UnsupportedError
from tapejit.tracer.surface.composed import array, composed
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.indexing import take_of

Width = tuple[int, int]
_COPIES = ("edge", "reflect", "symmetric", "wrap")
_STATISTICS = {"maximum": np.max, "mean": np.mean, "median": np.median, "minimum": np.min}


@traced(name="pad", numpy=lambda x, *, widths, value: np.pad(x, widths, constant_values=value))
def _pad(x: Var, *, widths: tuple[Width, ...], value: float) -> Var:
    low, high = zip(*widths, strict=True)
    held = np.full((), value, x.type.numpy_dtype).item()
    return ops.pad(x, low=low, high=high, interior=(0,) * len(low), value=held)


@composed(np.pad)
def pad(
    array: Any,
    pad_width: Any,
    mode: Any = "constant",
    *,
    stat_length: Any = None,
    constant_values: Any = 0,
    end_values: Any = 0,
    reflect_type: str = "even",
) -> Any:
    widths = _widths(pad_width, len(array.shape))
    if mode == "empty" or (mode == "constant" and type(constant_values) in (int, float, bool)):
        value = 0 if mode == "empty" else constant_values
        return _pad(array, widths=widths, value=value) if widths else array
    ways = {"constant": constant_values, "linear_ramp": end_values}
    ways.update(dict.fromkeys(_STATISTICS, stat_length), **dict.fromkeys(_COPIES, reflect_type))
    if not isinstance(mode, str) or mode not in ways:
        raise UnsupportedError(
            f"the mode {getattr(mode, '__name__', mode)!r} is not traced; known are {', '.join(ways)}"
        )
    for axis, width in enumerate(widths):
        if width != (0, 0):
            array = _along(array, axis, width, mode, ways[mode], len(widths))
    return array


def _widths(given: Any, rank: int) -> tuple[Width, ...]:
    if isinstance(given, dict):
        pairs = {axis % rank: np.broadcast_to(width, (2,)) for axis, width in given.items()}
        given = [pairs.get(axis, (0, 0)) for axis in range(rank)]
    widths = tuple((int(low), int(high)) for low, high in np.broadcast_to(given, (rank, 2)))
    if any(n < 0 for width in widths for n in width):
        raise ValueError("index can't contain negative values")
    return widths


def _along(x: Any, axis: int, width: Width, mode: str, how: Any, rank: int) -> Any:
    """x padded along one axis."""
    if mode in _COPIES:
        if how == "odd" and mode in ("reflect", "symmetric"):
            return _mirrored(x, axis, width, mode == "symmetric")
        pad_positions: Any = np.pad
        return take_of(x, pad_positions(np.arange(x.shape[axis]), width, mode), axis)
    if mode in _STATISTICS:
        pieces = _statistics(x, axis, width, _STATISTICS[mode], how, rank)
    elif mode == "linear_ramp":
        pieces = _ramps(x, axis, width, _sides(how, axis, rank))
    else:
        pieces = [_layers(v, x, axis, n) for v, n in zip(_sides(how, axis, rank), width, strict=True)]
    return np.concatenate([pieces[0], x, pieces[1]], axis=axis)


def _sides(given: Any, axis: int, rank: int) -> tuple[Any, Any]:
    """What a value per side and dimension says of both sides of one dimension."""
    values = array(given)
    pairs = np.broadcast_to(values, (rank, 2))
    return pairs[axis, 0], pairs[axis, 1]


def _layers(value: Any, x: Any, axis: int, count: int) -> Any:
    """`count` layers of what broadcasts to one."""
    return np.broadcast_to(value, (*x.shape[:axis], count, *x.shape[axis + 1 :])).astype(x.dtype)


def _layer(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    return x[(slice(None),) * axis + (slice(start, stop),)]


def _statistics(x: Any, axis: int, width: Width, statistic: Any, length: Any, rank: int) -> list[Any]:
    size = x.shape[axis]
    both = (size, size) if length is None else np.broadcast_to(length, (rank, 2))[axis]
    if min(both) < 1:
        raise ValueError("stat_length of 0 yields no value for padding")
    counts = [min(int(n), size) for n in both]
    parts = _layer(x, axis, None, counts[0]), _layer(x, axis, size - counts[1], None)
    found = [statistic(p, axis=axis, keepdims=True) for p in parts]
    if np.issubdtype(x.dtype, np.integer):
        found = [_rounded(f) for f in found]
    return [_layers(f, x, axis, n) for f, n in zip(found, width, strict=True)]


def _rounded(x: Any) -> Any:
    """To the nearest integer, halves to the even one."""
    half_up = np.floor(x + 0.5)
    return np.where((half_up - x == 0.5) & (half_up % 2 != 0), half_up - 1, half_up)


def _ramps(x: Any, axis: int, width: Width, ends: tuple[Any, Any]) -> list[Any]:
    edges = _layer(x, axis, None, 1), _layer(x, axis, -1, None)
    found = []
    for end, edge, count, backwards in zip(ends, edges, width, (False, True), strict=True):
        last = np.broadcast_to(end, edge.shape)
        ramp = np.linspace(last, edge, count, endpoint=False, dtype=x.dtype, axis=axis)
        ramp = np.squeeze(ramp, axis + 1)
        found.append(np.flip(ramp, axis) if backwards else ramp)
    return found


def _mirrored(x: Any, axis: int, width: Width, edge_twice: bool) -> Any:
    """Reflected in a point: twice the edge minus the elements, again and again until it is wide enough."""
    period = x.shape[axis] - (not edge_twice)
    left, right = width
    while left or right:
        if not period:
            ends = [_layers(x, x, axis, n) for n in (left, right)]
            return np.concatenate([ends[0], x, ends[1]], axis=axis)
        low, high = min(left, period), min(right, period)
        size, skip = x.shape[axis], not edge_twice
        before = 2 * _layer(x, axis, None, 1) - np.flip(_layer(x, axis, skip, skip + low), axis)
        after = 2 * _layer(x, axis, -1, None) - np.flip(
            _layer(x, axis, size - skip - high, size - skip), axis
        )
        x = np.concatenate([before, x, after], axis=axis)
        left, right = left - low, right - high
    return x

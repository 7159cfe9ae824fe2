"""Functions of the `nd` face that rearrange elements, with MXNet's arguments and defaults.

They are written on arrays, in terms of the array surface. Start at `target_shape`, which reads the
special codes that MXNet allows in a shape.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from tapejit.tracer.errors import ShapeError
from tapejit.tracer.surface import join
from tapejit.tracer.surface import shape as surface


def target_shape(codes: Sequence[int], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that MXNet's codes ask for: 0 keeps a dimension, -1 is for `reshape` to infer, -2 keeps
    all the rest, -3 joins two dimensions, -4 splits one into the two that follow.

    >>> target_shape((0, -1), (2, 3)), target_shape((-4, 2, -1, -2), (6, 5))
    ((2, -1), (2, 3, 5))
    """
    sizes, wanted = iter(shape), iter(codes)
    try:
        target = [n for code in wanted for n in _dimensions(code, sizes, wanted)]
    except StopIteration:
        raise ShapeError(
            f"cannot reshape {shape} to {tuple(codes)}: it asks for more dimensions than there are"
        ) from None
    return tuple(target)


def _dimensions(code: int, sizes: Iterator[int], wanted: Iterator[int]) -> list[int]:
    """What one code stands for; takes from `sizes` the dimensions that it uses up."""
    if code == -2:
        return list(sizes)
    if code == -3:
        return [next(sizes) * next(sizes)]
    if code == -4:
        return _halves(next(sizes), next(wanted), next(wanted))
    if code == 0:
        return [next(sizes)]
    next(sizes, None)
    return [code]


def _halves(size: int, first: int, second: int) -> list[int]:
    if first == -1:
        first = size // second
    elif second == -1:
        second = size // first
    if first * second != size:
        raise ShapeError(f"cannot split a dimension of {size} into {first} and {second}")
    return [first, second]


def _arrays(given: tuple[Any, ...]) -> list[Any]:
    """Arrays given one by one, or as one list."""
    return list(given[0]) if len(given) == 1 and isinstance(given[0], list | tuple) else list(given)


def reshape(data: Any, *shape: Any, **kwargs: Any) -> Any:
    """The same elements in another shape, which may hold the codes of `target_shape`."""
    asked = kwargs.get("shape", shape[0] if len(shape) == 1 else shape)
    codes = (asked,) if isinstance(asked, int) else tuple(asked)
    return surface.reshape(data, shape=target_shape(codes, data.shape))


def reshape_like(lhs: Any, rhs: Any) -> Any:
    """The elements of `lhs` in the shape of `rhs`."""
    return surface.reshape(lhs, shape=rhs.shape)


def flatten(data: Any) -> Any:
    """A matrix: the first dimension stays, the others become one."""
    return surface.reshape(data, shape=(data.shape[0], math.prod(data.shape[1:])))


def expand_dims(data: Any, axis: int) -> Any:
    """A dimension of 1 added before `axis`."""
    return surface.expand_dims(data, axis=axis)


def squeeze(data: Any, axis: Any = None) -> Any:
    """Dimensions of 1 taken out: those of `axis`, or all (one is left)."""
    result = surface.squeeze(data, axis=axis)
    return result if result.shape else surface.reshape(result, shape=(1,))


def transpose(data: Any, axes: Sequence[int] = ()) -> Any:
    """The dimensions in another order; reversed by default."""
    return surface.transpose(data, axes=tuple(axes) or None)


def swapaxes(data: Any, dim1: int = 0, dim2: int = 0) -> Any:
    """Two dimensions exchanged."""
    return surface.swapaxes(data, dim1, dim2)


def flip(data: Any, axis: Any) -> Any:
    """The elements in reverse order along `axis`."""
    return surface.flip(data, axis=axis)


def broadcast_to(data: Any, shape: Sequence[int]) -> Any:
    """Dimensions of 1 repeated to fit `shape`, where 0 keeps a dimension."""
    kept = zip(shape, data.shape, strict=False)
    asked = tuple(have if want == 0 else want for want, have in kept) + tuple(shape[len(data.shape) :])
    return surface.broadcast_to(data, shape=asked)


def broadcast_like(lhs: Any, rhs: Any) -> Any:
    """`lhs` broadcast to the shape of `rhs`."""
    return surface.broadcast_to(lhs, shape=rhs.shape)


def broadcast_axis(data: Any, axis: Any, size: Any) -> Any:
    """The dimensions `axis`, which are 1, repeated `size` times."""
    sizes = dict(zip(*([x] if isinstance(x, int) else x for x in (axis, size)), strict=True))
    return surface.broadcast_to(data, shape=tuple(sizes.get(k, n) for k, n in enumerate(data.shape)))


def concat(*data: Any, dim: int = 1) -> Any:
    """Arrays joined along `dim`, the second dimension by default."""
    return surface.concatenate(_arrays(data), axis=dim)


def concatenate(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Arrays joined along `axis`, the first dimension by default."""
    return surface.concatenate(arrays, axis=axis)


def stack(*data: Any, axis: int = 0) -> Any:
    """Arrays of one shape joined along a new dimension."""
    return surface.stack(_arrays(data), axis=axis)


def split(data: Any, num_outputs: int, axis: int = 1, squeeze_axis: bool = False) -> Any:
    """Equal parts along `axis`: a list, or the array itself if there is only one part."""
    parts = join.split(data, num_outputs, axis)
    if squeeze_axis:
        parts = [squeeze(part, axis) for part in parts]
    return parts if len(parts) > 1 else parts[0]


def slice_axis(data: Any, axis: int, begin: int, end: int | None) -> Any:
    """The elements from `begin` up to `end` along one axis."""
    axis = surface.normal_axis(axis, len(data.shape))
    return data[(slice(None),) * axis + (slice(begin, end),)]


def slice_(data: Any, begin: Sequence[Any], end: Sequence[Any], step: Sequence[Any] = ()) -> Any:
    """The elements from `begin` up to `end`, along the leading axes."""
    steps = tuple(step) or (None,) * len(begin)
    return data[tuple(map(slice, begin, end, steps))]


def slice_like(data: Any, shape_like: Any, axes: Sequence[int] = ()) -> Any:
    """The leading elements of `data`, as many as `shape_like` has along `axes` (all by default)."""
    cut = {surface.normal_axis(k, len(data.shape)) for k in axes or range(len(shape_like.shape))}
    return data[tuple(slice(shape_like.shape[k] if k in cut else None) for k in range(len(data.shape)))]


def tile(data: Any, reps: int | Sequence[int]) -> Any:
    """The array repeated as a whole, `reps` times along each dimension."""
    counts = (reps,) if isinstance(reps, int) else tuple(reps)
    rank = max(len(counts), len(data.shape))
    counts = (1,) * (rank - len(counts)) + counts
    sizes = (1,) * (rank - len(data.shape)) + data.shape
    apart = surface.reshape(data, shape=tuple(n for size in sizes for n in (1, size)))
    pairs = zip(counts, sizes, strict=True)
    spread = surface.broadcast_to(apart, shape=tuple(n for pair in pairs for n in pair))
    return surface.reshape(spread, shape=tuple(c * n for c, n in zip(counts, sizes, strict=True)))


def repeat(data: Any, repeats: int, axis: int | None = None) -> Any:
    """Each element repeated along `axis`, or in a flat array."""
    flat = surface.ravel(data) if axis is None else data
    at = 0 if axis is None else surface.normal_axis(axis, len(data.shape))
    shape = flat.shape
    spread = surface.broadcast_to(
        surface.expand_dims(flat, axis=at + 1), shape=(*shape[: at + 1], repeats, *shape[at + 1 :])
    )
    return surface.reshape(spread, shape=(*shape[:at], shape[at] * repeats, *shape[at + 1 :]))

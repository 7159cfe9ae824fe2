"""`nd.random`: MXNet's random arrays, float32 by default.

`shape=None` gives one number, of shape (1,), or one per element where a parameter is an array; with
array parameters, `shape` is the shape of the sample drawn for each of their elements.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.context import Context, require_cpu
from tapejit.nd_array import FACE, NDArray
from tapejit.sampling import SAMPLER
from tapejit.tracer.handle import Handle

Shape = int | tuple[int, ...] | None
Device = Context | None


def seed(seed_state: int, ctx: Any = "all") -> None:
    """Start the process's random numbers anew.

    >>> from tapejit import nd
    >>> nd.random.seed(1)
    >>> a = nd.random.normal(shape=2)
    >>> nd.random.seed(1)
    >>> bool((nd.random.normal(shape=2) == a).min())
    True
    """
    SAMPLER.seed(seed_state)


def _sample(
    distribution: str,
    parameters: tuple[Any, ...],
    shape: Shape,
    dtype: Any,
    ctx: Device,
    out: NDArray | None,
) -> NDArray:
    require_cpu(ctx)
    values = [np.asarray(x.value() if isinstance(x, Handle) else x) for x in parameters]
    base = np.broadcast_shapes(*(v.shape for v in values))
    each = (shape,) if isinstance(shape, int) else shape
    if each is None:
        each = () if base else (1,)
    aligned = (np.reshape(v, v.shape + (1,) * len(each)) if v.shape else v for v in values)
    drawn = FACE.own(SAMPLER.draw(distribution, *aligned, size=base + tuple(each)).astype(FACE.dtype(dtype)))
    return drawn if out is None else out.assign(drawn)


def normal(
    loc: Any = 0,
    scale: Any = 1,
    shape: Shape = None,
    dtype: Any = None,
    ctx: Device = None,
    out: NDArray | None = None,
) -> NDArray:
    """Normally distributed numbers."""
    return _sample("normal", (loc, scale), _shape_of(shape, out), dtype, ctx, out)


def uniform(
    low: Any = 0,
    high: Any = 1,
    shape: Shape = None,
    dtype: Any = None,
    ctx: Device = None,
    out: NDArray | None = None,
) -> NDArray:
    """Numbers spread evenly over [low, high)."""
    return _sample("uniform", (low, high), _shape_of(shape, out), dtype, ctx, out)


def randn(*shape: int, loc: Any = 0, scale: Any = 1, dtype: Any = None, ctx: Device = None) -> NDArray:
    """Normally distributed numbers; the shape is given as separate numbers."""
    return normal(loc, scale, shape or None, dtype, ctx)


def randint(
    low: int,
    high: int,
    shape: Shape = None,
    dtype: Any = "int32",
    ctx: Device = None,
    out: NDArray | None = None,
) -> NDArray:
    """Integers from `low` up to but without `high`."""
    return _sample("integers", (low, high), _shape_of(shape, out), dtype, ctx, out)


def exponential(
    scale: Any = 1, shape: Shape = None, dtype: Any = None, ctx: Device = None, out: NDArray | None = None
) -> NDArray:
    """Exponentially distributed numbers of mean `scale`."""
    return _sample("exponential", (scale,), _shape_of(shape, out), dtype, ctx, out)


def gamma(
    alpha: Any = 1,
    beta: Any = 1,
    shape: Shape = None,
    dtype: Any = None,
    ctx: Device = None,
    out: NDArray | None = None,
) -> NDArray:
    """Gamma-distributed numbers of shape parameter `alpha` and scale `beta`."""
    return _sample("gamma", (alpha, beta), _shape_of(shape, out), dtype, ctx, out)


def poisson(
    lam: Any = 1, shape: Shape = None, dtype: Any = None, ctx: Device = None, out: NDArray | None = None
) -> NDArray:
    """Poisson-distributed numbers of mean `lam`, as floats."""
    return _sample("poisson", (lam,), _shape_of(shape, out), dtype, ctx, out)


def shuffle(data: NDArray) -> NDArray:
    """A copy of `data` shuffled along the first axis."""
    return FACE.own(SAMPLER.draw("permutation", data))


def _shape_of(shape: Shape, out: NDArray | None) -> Shape:
    """The shape asked for, or that of the array to fill."""
    return shape if shape is not None or out is None else out.shape


__all__ = ["exponential", "gamma", "normal", "poisson", "randint", "randn", "seed", "shuffle", "uniform"]

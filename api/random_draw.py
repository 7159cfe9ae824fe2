"""Random numbers of explicit keys, in the style of `jax.random`: the same key gives the same numbers.

Every function takes a `Key` first. Parameters broadcast with `shape`, and derivatives flow to them where
the draw is a smooth function of them (location and scale, bounds, the covariance). Floats are float64
unless `dtype` says float32. Inside a trace a draw is computed in the loop that uses it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit import special
from tapejit.ir.types import NUMPY_NAME, dtype_name
from tapejit.random_key import Key, draw, shape_of
from tapejit.tracer.array import Array
from tapejit.tracer.handle import Handle
from tapejit.tracer.surface import random as surface

Shape = int | tuple[int, ...]

__all__ = [
    "bernoulli", "bits", "categorical", "cauchy", "choice", "exponential", "gumbel", "laplace", "logistic",
    "lognormal", "multivariate_normal", "normal", "permutation", "rademacher", "randint", "truncated_normal",
    "uniform", "weibull",
]  # fmt: skip


def bits(key: Key, shape: Shape = ()) -> Any:
    """64 random bits for each element, as int64 of either sign.

    Threefry-2x32 (Salmon et al., SC 2011): element k is the key's permutation of k.

    >>> from tapejit import random
    >>> hex(int(random.bits(random.key(0))) % 2**64)
    '0x6b20015999ba4efe'
    """
    return draw(surface.random_bits, key, shape=shape_of(shape))


def uniform(key: Key, shape: Shape = (), dtype: Any = float, minval: Any = 0.0, maxval: Any = 1.0) -> Any:
    """Numbers spread evenly over [minval, maxval): multiples of 2**-53 (float32: 2**-24) before scaling."""
    unit = draw(surface.random_uniform, key, shape=shape_of(shape), dtype=float_name(dtype))
    return unit if _is(minval, 0) and _is(maxval, 1) else unit * (maxval - minval) + minval


def normal(key: Key, shape: Shape = (), dtype: Any = float, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """Normally distributed numbers, loc + scale * z: derivatives flow to both.

    >>> from tapejit import grad, random
    >>> key = random.key(1)
    >>> float(grad(lambda scale: random.normal(key, scale=scale))(2.0) - random.normal(key))
    0.0
    """
    return _moved(_standard_normal(key, shape_of(shape), dtype), loc, scale)


def lognormal(key: Key, shape: Shape = (), dtype: Any = float, sigma: Any = 1.0) -> Any:
    """exp(sigma * z) of standard normal z."""
    return np.exp(sigma * _standard_normal(key, shape_of(shape), dtype))


def exponential(key: Key, shape: Shape = (), dtype: Any = float, scale: Any = 1.0) -> Any:
    """Exponentially distributed numbers of mean `scale`."""
    return _moved(-np.log1p(-uniform(key, shape, dtype)), 0.0, scale)


def weibull(key: Key, scale: Any, concentration: Any, shape: Shape = (), dtype: Any = float) -> Any:
    """scale * e**(1 / concentration) of exponential e."""
    return scale * np.power(-np.log(open_unit(key, shape, dtype)), 1.0 / concentration)


def gumbel(key: Key, shape: Shape = (), dtype: Any = float, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """Gumbel's extreme values: loc - scale * log(e) of exponential e."""
    return _moved(-np.log(-np.log(open_unit(key, shape, dtype))), loc, scale)


def logistic(key: Key, shape: Shape = (), dtype: Any = float, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """loc + scale * log(u / (1 - u)) of uniform u."""
    signed = _signed(key, shape, dtype)
    return _moved(np.log1p(signed) - np.log1p(-signed), loc, scale)


def laplace(key: Key, shape: Shape = (), dtype: Any = float, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The exponential distribution to both sides of `loc`."""
    signed = _signed(key, shape, dtype)
    return _moved(-np.sign(signed) * np.log1p(-np.abs(signed)), loc, scale)


def cauchy(key: Key, shape: Shape = (), dtype: Any = float, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """loc + scale * tan(pi (u - 1/2)) of uniform u."""
    return _moved(np.tan((math.pi / 2) * _signed(key, shape, dtype)), loc, scale)


def truncated_normal(key: Key, lower: Any, upper: Any, shape: Shape | None = None, dtype: Any = float) -> Any:
    """Standard normal numbers between `lower` and `upper`; derivatives flow to the bounds."""
    low, high = (special.NAMES["erf"](as_float(x, dtype) / math.sqrt(2)) for x in (lower, upper))
    unit = open_unit(key, default_shape(shape, low, high), dtype)
    return math.sqrt(2) * special.NAMES["erfinv"](low + unit * (high - low))


def multivariate_normal(key: Key, mean: Any, cov: Any, shape: Shape = (), dtype: Any = float) -> Any:
    """mean (n,) + L z with L the Cholesky factor of `cov` (n, n); the result is of shape (*shape, n)."""
    factor = np.linalg.cholesky(as_float(cov, dtype))
    noise = _standard_normal(key, (*shape_of(shape), factor.shape[-1]), dtype)
    return mean + noise @ np.transpose(factor)


def bernoulli(key: Key, p: Any = 0.5, shape: Shape | None = None) -> Any:
    """True with probability `p`; no derivative."""
    return uniform(key, default_shape(shape, p)) < p


def rademacher(key: Key, shape: Shape = (), dtype: Any = float) -> Any:
    """-1 or 1, equally often."""
    return np.sign(_signed(key, shape, dtype))


def randint(key: Key, shape: Shape, minval: Any, maxval: Any, dtype: Any = np.int64) -> Any:
    """Integers from `minval` up to but without `maxval`, of int64 or int32.

    Of n integers each has probability 1 / n but for 2**-64.
    ValueError if two numbers leave nothing between them.
    """
    if isinstance(minval, int) and isinstance(maxval, int) and maxval <= minval:
        raise ValueError(f"randint: there is no integer from {minval} up to but without {maxval}")
    return (bits(key, shape) % (maxval - minval) + minval).astype(NUMPY_NAME[dtype_name(dtype)])


def categorical(key: Key, logits: Any, axis: int = -1, shape: Shape = ()) -> Any:
    """Positions along `axis`, drawn with probability softmax(logits): the largest of logits + gumbel noise.

    The result is of `shape` followed by the shape of `logits` without `axis`.
    """
    noise = gumbel(key, (*shape_of(shape), *np.shape(logits)), _dtype_of(logits))
    return np.argmax(noise + logits, axis=axis if axis < 0 else axis - np.ndim(logits))


def permutation(key: Key, x: Any, axis: int = 0) -> Any:
    """The numbers below an int, or an array's elements along `axis`, in random order."""
    count = x if isinstance(x, int | np.integer) else np.shape(x)[axis]
    order = np.argsort(bits(key, (int(count),)))
    return order if isinstance(x, int | np.integer) else _taken(x, order, axis)


def choice(key: Key, a: Any, shape: Shape = (), replace: bool = True, p: Any = None, axis: int = 0) -> Any:
    """Elements of an array along `axis` (or of range(a)), each with probability `p` (equal if None).

    ValueError if more are asked for than there are, without replacement.
    """
    is_count, wanted = isinstance(a, int | np.integer), shape_of(shape)
    count = int(a) if is_count else np.shape(a)[axis]
    total = math.prod(wanted)
    if (not replace and total > count) or (total and not count):
        raise ValueError(f"choice: cannot take {total} of {count} elements without replacement")
    index = np.reshape(_chosen(key, count, total, replace, p), wanted)
    return index if is_count else _taken(a, index, axis)


def _chosen(key: Key, count: int, total: int, replace: bool, p: Any) -> Any:
    if p is None:
        return randint(key, total, 0, count) if replace else permutation(key, count)[:total]
    if replace:
        bounds = np.cumsum(p)
        place = np.searchsorted(bounds, uniform(key, total) * bounds[-1], side="right")
        return np.minimum(place, count - 1)  # rounding may reach the last bound
    return np.argsort(-(np.log(p) + gumbel(key, count)))[:total]


def _taken(x: Any, index: Any, axis: int) -> Any:
    """`np.take`, which asks the array only, not the index, whether it is ours."""
    plain = isinstance(index, Handle) and not isinstance(x, Handle)
    return np.take(Array.wrap(np.asarray(x)) if plain else x, index, axis=axis)


def _standard_normal(key: Key, shape: tuple[int, ...], dtype: Any) -> Any:
    return math.sqrt(2) * special.NAMES["erfinv"](_signed(key, shape, dtype))


def _signed(key: Key, shape: Shape, dtype: Any) -> Any:
    """Evenly over (-1, 1), never 0."""
    return draw(surface.random_signed, key, shape=shape_of(shape), dtype=float_name(dtype))


def open_unit(key: Key, shape: Shape, dtype: Any) -> Any:
    """Evenly over (0, 1): neither end."""
    return np.abs(_signed(key, shape, dtype))


def _moved(z: Any, loc: Any, scale: Any) -> Any:
    """loc + scale * z; the numbers themselves where that changes nothing."""
    scaled = z if _is(scale, 1) else scale * z
    return scaled if _is(loc, 0) else loc + scaled


def _is(x: Any, number: int) -> bool:
    return isinstance(x, int | float) and type(x) in (int, float) and x == number


def default_shape(shape: Shape | None, *parameters: Any) -> tuple[int, ...]:
    """The shape asked for, or that of the parameters; ValueError if they do not broadcast to it."""
    found = np.broadcast_shapes(*map(np.shape, parameters))
    wanted = found if shape is None else shape_of(shape)
    if np.broadcast_shapes(found, wanted) != wanted:
        raise ValueError(f"parameters of shape {found} do not broadcast to the shape asked for, {wanted}")
    return wanted


def float_name(dtype: Any) -> str:
    name = NUMPY_NAME[dtype_name(dtype)]
    if name not in surface.DIGITS:
        raise TypeError(f"random numbers are float64 or float32, not {name}")
    return name


def as_float(x: Any, dtype: Any) -> Any:
    """A parameter as floats; TypeError if it is complex."""
    array = x if hasattr(x, "astype") else np.asarray(x)
    if np.dtype(array.dtype).kind == "c":
        raise TypeError(f"parameters of distributions are real, got {array.dtype}")
    return array.astype(float_name(dtype))


def last_axis(name: str, x: Any) -> tuple[tuple[int, ...], int]:
    """The leading shape of a parameter and the length of its last axis; ValueError for a single number."""
    if not np.shape(x):
        raise ValueError(f"{name}: the parameter needs a last axis of categories, got a single number")
    *batch, count = np.shape(x)
    return tuple(batch), count


def _dtype_of(x: Any) -> Any:
    dtype = getattr(x, "dtype", np.dtype(float))
    return dtype if dtype in (np.float32, np.float64) else float

"""Draws from the gamma distribution, and from those that are made of it, with keys.

A gamma draw is the quantile of one uniform number: it is a smooth function of the shape parameter, whose
slope at a fixed key is the implicit reparameterisation gradient (M. Figurnov, S. Mohamed, A. Mnih, "Implicit
reparameterization gradients", NeurIPS 2018, eq. 5 with F the distribution function). What follows from gamma
draws inherits that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit import special
from tapejit.random_draw import Shape, as_float, default_shape, float_name, last_axis, normal, open_unit
from tapejit.random_key import Key, shape_of, split
from tapejit.tracer.handle import Handle
from tapejit.tracer.surface import incomplete

__all__ = ["beta", "chisquare", "dirichlet", "f", "gamma", "loggamma", "student_t", "t"]


def gamma(key: Key, a: Any, shape: Shape | None = None, dtype: Any = float) -> Any:
    """Gamma-distributed numbers of shape parameter `a` and scale 1; derivatives flow to `a`.

    `shape` defaults to that of `a`, and must broadcast with it. Where `a` is not positive they are NaN.

    >>> import tapejit as tj
    >>> draw = lambda a: tj.random.gamma(tj.random.key(3), a)
    >>> slope = (draw(2.0 + 1e-6) - draw(2.0 - 1e-6)) / 2e-6
    >>> bool(abs(tj.grad(draw)(2.0) - slope) < 1e-8)
    True
    """
    return _quantile(special.NAMES["gammaincinv"], key, a, shape).astype(float_name(dtype))


def loggamma(key: Key, a: Any, shape: Shape | None = None, dtype: Any = float) -> Any:
    """The logarithm of `gamma(key, a, shape)`, which does not underflow for small `a`."""
    return _quantile(_log_quantile, key, a, shape).astype(float_name(dtype))


def chisquare(key: Key, df: Any, shape: Shape | None = None, dtype: Any = float) -> Any:
    """Chi-square numbers of `df` degrees of freedom: twice a gamma draw of df / 2."""
    return 2.0 * gamma(key, 0.5 * _double(df), shape, dtype)


def beta(key: Key, a: Any, b: Any, shape: Shape | None = None, dtype: Any = float) -> Any:
    """Beta-distributed numbers, x / (x + y) of gamma draws x and y; derivatives flow to `a` and `b`."""
    one, other = split(key)
    wanted = default_shape(shape, a, b)
    difference = loggamma(one, a, wanted) - loggamma(other, b, wanted)
    return special.NAMES["expit"](difference).astype(float_name(dtype))


def dirichlet(key: Key, alpha: Any, shape: Shape | None = None, dtype: Any = float) -> Any:
    """Points on the simplex with concentrations `alpha` (..., n); the result is of shape (*shape, n).

    `shape` defaults to that of `alpha` without its last axis. Derivatives flow to `alpha`.
    """
    batch, count = last_axis("dirichlet", alpha)
    wanted = shape_of(batch if shape is None else shape)
    drawn = loggamma(key, alpha, (*wanted, count))
    return special.NAMES["softmax"](drawn, axis=-1).astype(float_name(dtype))


def t(key: Key, df: Any, shape: Shape | None = None, dtype: Any = float) -> Any:
    """Student's t of `df` degrees of freedom: normal over a root mean square; derivatives flow to `df`."""
    one, other = split(key)
    wanted, half = default_shape(shape, df), 0.5 * _double(df)
    ratio = normal(one, wanted) * np.sqrt(half / gamma(other, half, wanted))
    return ratio.astype(float_name(dtype))


student_t = t


def f(key: Key, dfnum: Any, dfden: Any, shape: Shape | None = None, dtype: Any = float) -> Any:
    """F-distributed numbers: the ratio of mean chi-squares; derivatives flow to both degrees of freedom."""
    one, other = split(key)
    wanted = default_shape(shape, dfnum, dfden)
    above, below = (chisquare(k, n, wanted) / _double(n) for k, n in ((one, dfnum), (other, dfden)))
    return (above / below).astype(float_name(dtype))


def _quantile(function: Any, key: Key, a: Any, shape: Shape | None) -> Any:
    """In double precision: an f32 uniform number would end the upper tail at 1e-7."""
    unit = open_unit(key, default_shape(shape, a), float)
    return function(_double(a), unit)


def _log_quantile(a: Any, p: Any) -> Any:
    ours = isinstance(a, Handle) or isinstance(p, Handle)
    return (incomplete.log_gammaincinv if ours else incomplete.log_gammaincinv.op.numpy)(a, p)


def _double(x: Any) -> Any:
    return as_float(x, float)

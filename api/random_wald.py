"""Draws from the inverse Gaussian (Wald) distribution, with keys: quantiles of one uniform number each."""

from __future__ import annotations

from typing import Any

from tapejit.random_draw import Shape, as_float, default_shape, float_name, open_unit
from tapejit.random_key import Key
from tapejit.tracer.handle import Handle
from tapejit.tracer.surface.wald import wald_quantile

__all__ = ["wald"]


def wald(key: Key, mean: Any, shape: Shape | None = None, dtype: Any = float) -> Any:
    """Inverse Gaussian numbers of that `mean` and shape parameter 1; derivatives flow to `mean`.

    `shape` defaults to that of `mean`, and must broadcast with it. Those of shape parameter s are s times
    those of mean / s. Where `mean` is not positive they are NaN.

    >>> import tapejit as tj
    >>> draw = lambda mean: tj.random.wald(tj.random.key(3), mean)
    >>> slope = (draw(2.0 + 1e-6) - draw(2.0 - 1e-6)) / 2e-6
    >>> bool(abs(tj.grad(draw)(2.0) - slope) < 1e-8)
    True
    """
    unit, of = open_unit(key, default_shape(shape, mean), float), as_float(mean, float)
    ours = isinstance(unit, Handle) or isinstance(of, Handle)
    return (wald_quantile if ours else wald_quantile.op.numpy)(of, unit).astype(float_name(dtype))

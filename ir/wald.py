"""Quantiles of the inverse Gaussian (Wald) distribution of shape parameter 1, of which draws are made.

The distribution function F has d F / d mean = -2 / mean**2 exp(2 / mean) N(-w), where N is the normal one
and w = (x / mean + 1) / sqrt(x): the quantile moves so that F stays. By the density x**(-3/2) n(v), v =
(x / mean - 1) / sqrt(x), and exp(2 / mean) n(w) = n(v), what is left is a ratio of Mills.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tapejit.ir import wald_reference as reference
from tapejit.ir.ops import exp, gt, logical_and, lt, select, sqrt
from tapejit.ir.primitive import elementwise
from tapejit.ir.shape import float_type
from tapejit.ir.special import erfcx

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_MEAN, _P = np.array([0.3, 2.5, 17.0]), np.array([0.83, 0.31, 0.57])


def _inside(x: Var) -> tuple[Var, Var]:
    """Whether x is neither 0 nor infinite, and x where it is."""
    inside = logical_and(gt(x, x.like(0.0)), lt(x, x.like(math.inf)))
    return inside, select(inside, x, x.like(1.0))


def _in_mean(r: Var, mean: Var, p: Var) -> Var:
    inside, x = _inside(r)
    root = sqrt(x)
    mills = math.sqrt(math.pi / 2) * erfcx((x / mean + 1.0) / root * math.sqrt(0.5))
    return select(inside, 2.0 * x * root * mills / (mean * mean), r.like(0.0))


def _in_probability(r: Var, mean: Var, p: Var) -> Var:
    inside, x = _inside(r)
    root = sqrt(x)
    v = (x / mean - 1.0) / root
    return select(inside, math.sqrt(2 * math.pi) * x * root * exp(0.5 * v * v), r.like(math.inf))


wald_quantile = elementwise(
    "wald_quantile",
    infer=float_type,
    reference=reference.wald_quantile,
    source="wald_quantile({0}, {1})",
    partials=(_in_mean, _in_probability),
    examples=(((_MEAN, _P), {}), ((_MEAN.astype(np.float32), _P.astype(np.float32)), {})),
)

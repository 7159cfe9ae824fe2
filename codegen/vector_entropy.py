"""log(exp x + exp y) and x log y without branches: products and sums of logarithms, right at their limits."""

from __future__ import annotations

import math

from tapejit.codegen.lane import Lane
from tapejit.codegen.scalar_arithmetic import maximum
from tapejit.codegen.vector_exponential import exp, exp2
from tapejit.codegen.vector_logarithm import log, log1p


def logaddexp(x: Lane, y: Lane) -> Lane:
    """The larger plus log1p(exp(-distance)); equal infinities have no distance."""
    return maximum(x, y) + log1p(exp(-_distance(x, y)))


def logaddexp2(x: Lane, y: Lane) -> Lane:
    distance = _distance(x, y)
    rest = log1p(exp2(-distance)) * (1 / math.log(2))
    return maximum(x, y) + distance.equals(0.0).where(1.0, rest)


def xlogy(x: Lane, y: Lane) -> Lane:
    return _zero_wins(x, y, log(y))


def xlog1py(x: Lane, y: Lane) -> Lane:
    return _zero_wins(x, y, log1p(y))


def _distance(x: Lane, y: Lane) -> Lane:
    return x.equals(y).where(0.0, abs(x - y))


def _zero_wins(x: Lane, y: Lane, logarithm: Lane) -> Lane:
    """x times a logarithm of y, 0 where x is, unless y is NaN."""
    return (x.equals(0.0) & (y.is_nan() ^ 1)).where(0.0, x * logarithm)

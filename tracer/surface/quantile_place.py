"""Where in a sorted sample each of NumPy's thirteen methods finds a quantile.

A place is a position from 0 to n - 1; one between two positions stands for the weighted mean of the elements
there. The nine numbered methods are those of Hyndman and Fan, "Sample quantiles in statistical packages", The
American Statistician 50(4), 1996. Terms stand in NumPy's order, unless whole numbers make
that the same, so that places are equal to the last bit.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tapejit.ir import number, ops
from tapejit.ir.builder import Var
from tapejit.tracer.errors import ShapeError


class Arithmetic(NamedTuple):
    """How the numbers are computed that a place is made of."""

    times: Callable[[Any, Any], Any]
    floor: Callable[[Any], Any]
    ceil: Callable[[Any], Any]
    rint: Callable[[Any], Any]


def _rounded_product(n: Var, q: Any) -> Var:
    """n q, of no negative numbers: the maximum keeps compilers from fusing it with a sum, which rounds once.

    With q in single precision, the place would differ from NumPy's by far more than values in double do.
    """
    return ops.maximum(n * q, n.like(0.0))


IN_NUMPY = Arithmetic(operator.mul, np.floor, np.ceil, np.rint)
TRACED = Arithmetic(_rounded_product, ops.floor, ops.ceil, number.rint)

Rule = Callable[[Any, Any, Arithmetic], Any]


def _continuous(alpha: float, beta: float) -> Rule:
    return lambda n, q, to: to.times(n, q) + (alpha + q * (1 - alpha - beta)) - 1


# By the method, the place of the quantile q among n elements, before it is kept within 0 and n - 1.
DISCRETE: dict[str, Rule] = {
    "inverted_cdf": lambda n, q, to: to.ceil(n * q) - 1,
    "closest_observation": lambda n, q, to: to.rint(n * q) - 1,
    "lower": lambda n, q, to: to.floor((n - 1) * q),
    "higher": lambda n, q, to: to.ceil((n - 1) * q),
    "nearest": lambda n, q, to: to.rint((n - 1) * q),
}
BETWEEN: dict[str, Rule] = {
    "averaged_inverted_cdf": lambda n, q, to: (to.floor(n * q) + to.ceil(n * q) - 1) * 0.5,
    "interpolated_inverted_cdf": _continuous(0, 1),
    "hazen": _continuous(0.5, 0.5),
    "weibull": _continuous(0, 0),
    "linear": lambda n, q, to: (n - 1) * q,
    "median_unbiased": _continuous(1 / 3.0, 1 / 3.0),
    "normal_unbiased": _continuous(3 / 8.0, 3 / 8.0),
    "midpoint": lambda n, q, to: (to.floor((n - 1) * q) + to.ceil((n - 1) * q)) * 0.5,
}


def place(method: str, n: Any, q: Any, to: Arithmetic = IN_NUMPY) -> Any:
    """The place of the quantile q by `method`, an error for one that NumPy does not have."""
    rules = {**DISCRETE, **BETWEEN}
    if method not in rules:
        raise ShapeError(f"{method!r} is not a valid method. Use one of: {', '.join(rules)}")
    return rules[method](n, q, to)


def result_dtype(method: str, x: np.dtype, q: np.dtype, weak: bool) -> np.dtype:
    """NumPy's dtype of the quantiles of `x`; `weak` if q is a number of Python."""
    if method in DISCRETE or (method == "linear" and q.kind in "iub"):
        return x
    if weak:
        return np.result_type(x, 0.5)
    is_cast = method == "averaged_inverted_cdf"  # NumPy makes its weights of halves numbers of q's dtype
    return np.result_type(x, q if is_cast else np.asarray(place(method, 2, np.ones((), q))).dtype)

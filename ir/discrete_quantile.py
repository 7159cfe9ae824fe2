"""Quantiles of distributions of counts, from which draws are made. Counts are floats here, for they may be
large.

They jump where the parameters move, so there is no derivative: asking for one is an error, not a zero,
because the expectation of what is made of such draws does depend on the parameters.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from tapejit.ir import discrete_quantile_reference as reference
from tapejit.ir.emission import Scalar
from tapejit.ir.errors import DerivativeError
from tapejit.ir.primitive import Primitive
from tapejit.ir.shape import float_type

_MEAN = np.array([0.3, 7.0, 250.0])
_COUNT, _CHANCE = np.array([5.0, 40.0, 300.0]), np.array([0.3, 0.85, 0.02])
_P = np.array([0.83, 0.31, 0.57])


def _quantile(name: str, family: str, meaning: Any, *operands: np.ndarray) -> Primitive:
    """A row whose derivatives are refused."""

    def refused(ct: Any, result: Any, *xs: Any) -> NoReturn:
        place = f" at {xs[0].builder.location}" if xs[0].builder.location else ""
        raise DerivativeError(
            f"{family}{place}: counts have no derivative in their parameters; use stop_gradient on the "
            "parameters, or the score function: the value times the derivative of the log probability, "
            f"tapejit.stats.{family}.logpmf"
        )

    arguments = ", ".join(f"{{{k}}}" for k in range(len(operands)))
    row = Primitive(
        name=name,
        arity=len(operands),
        results=1,
        infer=float_type,
        reference=meaning,
        jvp=refused,
        vjp=refused,
        batch=lambda *xs: row(*xs),
        emission=Scalar(f"{name}({arguments})"),
        examples=((operands, {}), (tuple(x.astype(np.float32) for x in operands), {})),
    )
    return row


poisson_quantile = _quantile("poisson_quantile", "poisson", reference.poisson_quantile, _MEAN, _P)
binomial_quantile = _quantile("binomial_quantile", "binom", reference.binomial_quantile, _COUNT, _CHANCE, _P)

"""Distribution functions and quantiles: what is common to all families of distributions.

A family states them on standardised values inside its support (`Tails`); here they become SciPy's methods
with location and scale: 0 and 1 outside of the support, NaN for parameters or probabilities that make no
sense.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Function = Callable[..., Any]  # (standardised values or probabilities, *shape parameters) -> the same shape


@dataclass(frozen=True)
class Tails:
    """The probabilities below and above a value, and, where they can be had, the values of a probability
    below (`ppf`) and above (`isf`).

    The logarithms are stated where these underflow. `everywhere`: the probabilities are right outside of the
    support too.
    """

    cdf: Function
    sf: Function
    ppf: Function | None = None
    isf: Function | None = None
    logcdf: Function | None = None
    logsf: Function | None = None
    everywhere: bool = False


def methods(
    tails: Tails,
    standard: Callable[..., tuple[Any, ...]],
    outside: Function,
    interior: float,
    known: Function,
) -> dict[str, Function]:
    """The methods by name. `standard(x, args, named)` gives (z, valid, loc, scale, shape parameters)."""

    def probability(inside: Function, below: float, above: float) -> Function:
        def method(x: Any, *args: Any, **named: Any) -> Any:
            z, valid, _, _, shapes = standard(x, args, named)
            beyond = np.logical_and(outside(z, *shapes), not tails.everywhere)
            found = inside(np.where(beyond, interior, z), *shapes)
            return known(valid, np.where(beyond, np.where(z < interior, below, above), found), (z, *shapes))

        return method

    def quantile(inside: Function) -> Function:
        def method(q: Any, *args: Any, **named: Any) -> Any:
            z, valid, loc, scale, shapes = standard(None, args, named, q)
            sensible = np.logical_and(np.greater_equal(z, 0.0), np.less_equal(z, 1.0))
            return known(np.logical_and(valid, sensible), inside(z, *shapes) * scale + loc, (z, *shapes))

        return method

    logcdf = tails.logcdf or _log_of(tails.cdf, tails.sf)
    logsf = tails.logsf or _log_of(tails.sf, tails.cdf)
    quantiles = {"ppf": tails.ppf, "isf": tails.isf}
    return {
        "cdf": probability(tails.cdf, 0.0, 1.0),
        "sf": probability(tails.sf, 1.0, 0.0),
        "logcdf": probability(logcdf, -np.inf, 0.0),
        "logsf": probability(logsf, 0.0, -np.inf),
        **{name: quantile(inverse) for name, inverse in quantiles.items() if inverse},
    }


def _log_of(part: Function, rest: Function) -> Function:
    """The logarithm of a probability; near 1 from that of the contrary."""

    def logarithm(z: Any, *shapes: Any) -> Any:
        probability = part(z, *shapes)
        likely = probability > 0.5
        contrary = np.where(likely, rest(z, *shapes), 0.5)
        return np.where(likely, np.log1p(-contrary), np.log(np.where(likely, 0.5, probability)))

    return logarithm

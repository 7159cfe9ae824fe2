"""Log densities of families of distributions: what is common to all of them.

A family states its log density inside its support, on standardised values; here that becomes `logpdf` with
location and scale: -inf with zero derivatives outside of the support, NaN for parameters that make no sense.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapejit.tails import Tails, methods
from tapejit.tracer.handle import Handle
from tapejit.tracer.number import Number

Density = Callable[..., Any]  # (values, *shape parameters) -> log density
Test = Callable[..., Any]  # (values, *shape parameters) -> truth values


def continuous(
    name: str,
    density: Density,
    valid: Test,
    outside: Test,
    interior: float,
    shapes: tuple[str, ...],
    tails: Tails | None = None,
) -> type:
    """The namespace of a family with `logpdf` and `pdf`, called as those of `scipy.stats`.

    `outside(z, *shapes)` tells which standardised values have no density; `interior` is one that has. With
    `tails` there are also `cdf`, `sf`, their logarithms, `ppf` and `isf`.
    """

    def standard(x: Any, args: Any, named: Any, q: Any = None) -> tuple[Any, ...]:
        *parameters, loc, scale = _bound(
            name, (*shapes, "loc", "scale"), {"loc": 0.0, "scale": 1.0}, args, named
        )
        z = (_float(x) - loc) / scale if q is None else _float(q)
        return z, _all(valid(*parameters), np.greater(scale, 0)), loc, scale, parameters

    def logpdf(x: Any, *args: Any, **named: Any) -> Any:
        z, sensible, _, scale, parameters = standard(x, args, named)
        beyond = outside(z, *parameters)
        found = density(np.where(beyond, interior, z), *parameters) - np.log(scale)
        return _known(sensible, np.where(beyond, -np.inf, found), (z, *parameters))

    more = methods(tails, standard, outside, interior, _known) if tails else {}
    return _namespace(name, logpdf=logpdf, pdf=lambda *args, **named: np.exp(logpdf(*args, **named)), **more)


def discrete(
    name: str,
    density: Density,
    valid: Test,
    outside: Test,
    first: int,
    shapes: tuple[str, ...],
    tails: Tails | None = None,
) -> type:
    """The namespace of a family with `logpmf` and `pmf`; `first` is a number it always has.

    With `tails` there are the methods of `continuous`; between whole numbers the probabilities do not change.
    """

    def standard(k: Any, args: Any, named: Any, q: Any = None) -> tuple[Any, ...]:
        *parameters, loc = _bound(name, (*shapes, "loc"), {"loc": 0}, args, named)
        z = _float(k) - loc if q is None else _float(q)
        return z, valid(*parameters), loc, 1.0, parameters

    def of_whole(k: Any, args: Any, named: Any, q: Any = None) -> tuple[Any, ...]:
        z, *rest = standard(k, args, named, q)
        return (np.floor(z) if q is None else z, *rest)

    def logpmf(k: Any, *args: Any, **named: Any) -> Any:
        place, sensible, _, _, parameters = standard(k, args, named)
        broken = np.logical_and(np.floor(place) != place, np.equal(place, place))  # a NaN stays one
        beyond = np.logical_or(outside(place, *parameters), broken)
        found = density(np.where(beyond, float(first), place), *parameters)
        return _known(sensible, np.where(beyond, -np.inf, found), (place, *parameters))

    more = methods(tails, of_whole, outside, float(first), _known) if tails else {}
    return _namespace(name, logpmf=logpmf, pmf=lambda *args, **named: np.exp(logpmf(*args, **named)), **more)


def _namespace(name: str, **functions: Callable[..., Any]) -> type:
    members: dict[str, Any] = {
        "__module__": "tapejit.stats",
        "__doc__": f"`scipy.stats.{name}`, with derivatives.",
    }
    for label, function in functions.items():
        function.__name__ = function.__qualname__ = label
        function.__doc__ = f"`scipy.stats.{name}.{label}`, with derivatives in all its arguments."
        members[label] = staticmethod(function)
    return type(name, (), members)


def _bound(
    name: str, order: tuple[str, ...], defaults: dict[str, Any], args: tuple[Any, ...], named: dict[str, Any]
) -> list[Any]:
    """The parameters in order, each a float or an array of floats."""
    given = dict(zip(order, args, strict=False))
    unknown = [*order[: len(args)]] if len(args) > len(order) else []
    wrong = unknown or [key for key in named if key not in order or key in given]
    if wrong:
        raise TypeError(f"{name} takes {', '.join(order)}; given too often or unknown: {', '.join(wrong)}")
    found = {**defaults, **given, **named}
    missing = [key for key in order if key not in found]
    if missing:
        raise TypeError(f"{name} misses its parameter {', '.join(missing)}")
    return [_float(found[key]) for key in order]


def _float(x: Any) -> Any:
    """x as floats; float32 stays, and so do Python floats, which take the dtype of their partners."""
    if isinstance(x, Handle):
        array: Any = x
        return array if x.type.is_float else array + 0.0
    if isinstance(x, Number | float):
        return x
    if isinstance(x, int | bool):
        return float(x)
    values = np.asarray(x)
    return values if values.dtype.kind == "f" else values.astype(float)


def _all(first: Any, *others: Any) -> Any:
    for other in others:
        first = np.logical_and(first, other)
    return first


def _known(valid: Any, found: Any, given: tuple[Any, ...]) -> Any:
    """`found`, and NaN where the parameters are not valid; a NumPy scalar for numbers.

    The logarithm of a Python number is float64: the result is float32 if every array given is.
    """
    result = np.where(valid, found, np.nan)
    if {np.dtype(x.dtype) for x in given if hasattr(x, "dtype")} == {np.dtype(np.float32)}:
        result = result.astype(np.float32)
    return result[()] if isinstance(result, np.ndarray) else result

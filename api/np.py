"""`tapejit.np`: MXNet's NumPy face. Every NumPy function that tapejit traces is here by its own name.

The functions come from the tracer's table, so nothing is written twice; what is missing raises
AttributeError. `npx.set_np(dtype=True)` makes float64 the default.

>>> from tapejit import autograd, np
>>> x = np.arange(4)
>>> x.attach_grad()
>>> with autograd.record():
...     y = 2 * np.dot(x, x)
>>> y.backward()
>>> x.grad
array([ 0.,  4.,  8., 12.])
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as _numpy

from tapejit import np_fft as fft
from tapejit import np_linalg as linalg
from tapejit import np_random as random
from tapejit.np_array import FACE, ndarray
from tapejit.np_creation import arange, array, asarray, empty, eye, full, identity, linspace, ones, zeros
from tapejit.tracer.protocol import BY_VALUE, COMPOSED, FUNCTIONS, METADATA
from tapejit.tracer.surface.composed import wrapped

_CREATION = (arange, array, asarray, empty, eye, full, identity, linspace, ones, zeros)
_OF_NUMPY = "pi e inf nan newaxis euler_gamma float32 float64 int32 int64 bool_ bool dtype finfo iinfo"


def _traced() -> dict[str, Any]:
    """NumPy's names of what is traced. NumPy's own are those that give Python values."""
    own = {name: f for name, f in vars(_numpy).items() if callable(f) and not isinstance(f, type)}
    table = [(name, FUNCTIONS[f]) for name, f in own.items() if f in FUNCTIONS]
    composed = {name: _with_arrays(f) for name, f in own.items() if f in COMPOSED}
    answered = {name: f for name, f in own.items() if f in METADATA or f in BY_VALUE}
    return {**answered, **composed, **FACE.functions(table)}


def _with_arrays(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy's that gives arrays of this face also for lists."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        return wrapped(function(*args, **kwargs), ndarray)

    return run


NAMES: dict[str, Any] = {
    **_traced(),
    **{function.__name__: function for function in _CREATION},
    **{name: getattr(_numpy, name) for name in _OF_NUMPY.split()},
    "empty": empty,
    "fft": fft,
    "linalg": linalg,
    "ndarray": ndarray,
    "random": random,
}
globals().update(NAMES)
__all__ = sorted(NAMES)


def __dir__() -> list[str]:
    return __all__

"""`tapejit.special`: the functions of `scipy.special` that have derivatives here.

SciPy's ufuncs (`scipy.special.erf(x)`) trace by themselves when they meet an array of ours. Its plain
functions (`logsumexp`, `softmax`, `log_softmax`, `polygamma`) convert their arguments instead of asking them,
so they are offered here, with SciPy's signatures. NumPy arrays and numbers give what SciPy gives.

>>> import numpy as np
>>> import tapejit as tj
>>> float(tj.grad(tj.special.digamma)(1.0))  # pi**2 / 6
1.64493406684822...
>>> tj.grad(lambda x: tj.special.logsumexp(x))(np.array([0.0, 0.0]))
array([0.5, 0.5])
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from tapejit.tracer.handle import Handle
from tapejit.tracer.surface import elementwise, gamma_function, reduction
from tapejit.tracer.surface.function import Function
from tapejit.tracer.surface.scipy_function import by_name
from tapejit.tracer.surface.scipy_special import UFUNCS


def _face(
    name: str, traced: Callable[..., Any], plain: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """`traced` where an array of ours is among the arguments, else SciPy's function."""
    concrete = plain or by_name(name)

    @wraps(concrete)
    def call(*args: Any, **kwargs: Any) -> Any:
        ours = any(isinstance(x, Handle) for x in (*args, *kwargs.values()))
        return traced(*args, **kwargs) if ours else concrete(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__module__ = __name__
    call.__doc__ = f"`scipy.special.{name}`, with derivatives."
    return call


def _logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """log(sum(b exp(a))) along `axis`; with `return_sign` that of the sum's size, and its sign."""
    if b is None:
        found = reduction.logsumexp(a, axis=axis, keepdims=keepdims)
        return (found, np.sign(np.exp(elementwise.stop_gradient(found)))) if return_sign else found
    total, top = _scaled_sum(a, axis, b)
    found = np.log(np.abs(total) if return_sign else total) + top
    signed = (found, np.sign(total)) if return_sign else (found,)
    shaped = signed if keepdims else tuple(np.squeeze(x, axis=axis) for x in signed)
    return shaped if return_sign else shaped[0]


def _scaled_sum(a: Any, axis: Any, b: Any) -> tuple[Any, Any]:
    """sum(b exp(a - top)) and top, the largest a whose b is not 0; the others do not overflow."""
    absent = np.equal(b, 0.0)
    weighed = elementwise.where(absent, -np.inf, a)
    top = elementwise.stop_gradient(np.max(weighed, axis=axis, keepdims=True))
    top = elementwise.where(np.isfinite(top), top, 0.0)
    largest = np.log(np.finfo(top.dtype).max) - 1.0
    above = elementwise.where(absent, np.fmin(a - top, largest), a - top)
    return np.sum(b * np.exp(above), axis=axis, keepdims=True), top


def _softplus(x: Any) -> Any:
    return np.logaddexp(x, 0.0)


_FUNCTIONS: dict[str, Function] = {
    **{name: function for name, function in UFUNCS.items() if name != "psi"},
    "psi": gamma_function.digamma,
    "digamma": gamma_function.digamma,
}
NAMES: dict[str, Any] = {
    **{name: _face(name, function) for name, function in _FUNCTIONS.items()},
    "log_softmax": _face("log_softmax", lambda x, axis=None: reduction.log_softmax(x, axis=axis)),
    "logsumexp": _face("logsumexp", _logsumexp),
    "polygamma": _face("polygamma", gamma_function.polygamma),
    "softmax": _face("softmax", lambda x, axis=None: reduction.softmax(x, axis=axis)),
    "softplus": _face("softplus", _softplus, _softplus),
    "zeta": _face("zeta", gamma_function.zeta),
}
globals().update(NAMES)
__all__ = sorted(NAMES)


def __dir__() -> list[str]:
    return __all__

"""NumPy's protocols: `np.sin(x)` and `np.sum(x, axis=0)` on an array of ours trace.

A function that is not traced raises `UnsupportedError` naming it; nothing falls back silently to an
untraced value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapejit.tracer.errors import UnsupportedError
from tapejit.tracer.location import user_location
from tapejit.tracer.surface import elementwise, reduction, ufunc_method
from tapejit.tracer.surface.catalogue import COMPOSED, FUNCTIONS
from tapejit.tracer.surface.composed import by_value
from tapejit.tracer.surface.function import apply

# Answered from the type alone.
METADATA: dict[Any, Callable[..., Any]] = {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.size if axis is None else a.shape[axis],
    np.result_type: lambda *xs: np.result_type(*(getattr(x, "dtype", x) for x in xs)),
}
# Answered with Python values: these demand their arguments, as bool(x) and str(x) do.
BY_VALUE: dict[Any, Callable[..., Any]] = {
    function: by_value(function)
    for function in (
        np.allclose,
        np.array_equal,
        np.array_equiv,
        np.array_repr,
        np.array_str,
        np.array2string,
    )
}
_SCIPY = {
    "erf": elementwise.erf,
    "expit": elementwise.expit,
    "logsumexp": reduction.logsumexp,
    "softmax": reduction.softmax,
    "log_softmax": reduction.log_softmax,
}


def ufunc(function: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The body of `__array_ufunc__`."""
    out = kwargs.pop("out", None)
    if out is not None:
        target = out[0]
        if len(out) == 1 and hasattr(target, "assign"):
            return target.assign(ufunc(function, method, inputs, kwargs))
        raise UnsupportedError(
            f"np.{function.__name__}(..., out=...) at {user_location()}: `out` must be a tapejit array"
        )
    if method == "at" and function is np.add and hasattr(inputs[0], "add_at"):
        return inputs[0].add_at(*inputs[1:])
    if method != "__call__":
        return ufunc_method.call(function, method, inputs, kwargs)
    traced = FUNCTIONS.get(function) or _SCIPY.get(function.__name__)
    if traced is None or kwargs:
        raise _unsupported(f"np.{function.__name__}", kwargs)
    return apply(traced.op, inputs)


def array_function(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """The body of `__array_function__`."""
    for table in (FUNCTIONS, COMPOSED, METADATA, BY_VALUE):
        known: Callable[..., Any] | None = table.get(function)
        if known is not None:
            return known(*args, **kwargs)
    raise _unsupported(f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1), {})


def _unsupported(name: str, kwargs: dict[str, Any]) -> UnsupportedError:
    extra = f" with the arguments {', '.join(kwargs)}" if kwargs else ""
    return UnsupportedError(
        f"{name}{extra} is not traced by tapejit (called at {user_location()}); write it with functions "
        "that are, or call it on x.detach().asnumpy() if no gradient has to pass through it"
    )

"""NumPy's protocols: `np.sin(x)` and `np.sum(x, axis=0)` on an array of ours trace.

A function that is not traced raises `UnsupportedError` naming it; nothing falls back silently to an
untraced value.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from tapejit.tracer.errors import UnsupportedError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.surface import (
    arrange,
    elementwise,
    indexing,
    order,
    product,
    reduction,
    shape,
    special,
)
from tapejit.tracer.surface.compose import average, split
from tapejit.tracer.surface.einsum import einsum
from tapejit.tracer.surface.function import Function, apply


def _sources(*modules: ModuleType) -> dict[Any, Function]:
    """Every NumPy function that a surface function stands for."""
    return {
        source: function
        for module in modules
        for function in vars(module).values()
        if isinstance(function, Function)
        for source in function.sources
    }


FUNCTIONS = _sources(arrange, elementwise, order, product, reduction, shape, special)
# Answered from the type, or composed of traced functions.
METADATA: dict[Any, Callable[..., Any]] = {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.size if axis is None else a.shape[axis],
    np.split: lambda ary, indices_or_sections, axis=0: split(ary, indices_or_sections, axis),
    np.average: average,
    np.einsum: einsum,
    np.pad: arrange.pad,
    np.repeat: arrange.repeat,
    np.take: indexing.take_of,
    np.take_along_axis: indexing.take_along_axis,
    np.result_type: lambda *xs: np.result_type(*(getattr(x, "dtype", x) for x in xs)),
}
# Answered with Python values: these demand their arguments, as bool(x) and str(x) do.
BY_VALUE = frozenset(
    (np.allclose, np.array_equal, np.array_equiv, np.array_repr, np.array_str, np.array2string)
)
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
    traced = FUNCTIONS.get(function) or _SCIPY.get(function.__name__)
    if traced is None or method != "__call__" or kwargs:
        raise _unsupported(f"np.{function.__name__}" + ("" if method == "__call__" else f".{method}"), kwargs)
    return apply(traced.op, inputs)


def array_function(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """The body of `__array_function__`."""
    traced = FUNCTIONS.get(function)
    if traced is None:
        return _untraced(function, args, kwargs)
    return traced(*args, **kwargs)


def _untraced(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """A function that is answered without the tape, or not at all."""
    known = METADATA.get(function)
    if known is not None:
        return known(*args, **kwargs)
    if function in BY_VALUE:
        return function(*(x.value() if isinstance(x, Handle) else x for x in args), **kwargs)
    raise _unsupported(f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1), {})


def _unsupported(name: str, kwargs: dict[str, Any]) -> UnsupportedError:
    extra = f" with the arguments {', '.join(kwargs)}" if kwargs else ""
    return UnsupportedError(
        f"{name}{extra} is not traced by tapejit (called at {user_location()}); write it with functions "
        "that are, or call it on x.detach().asnumpy() if no gradient has to pass through it"
    )

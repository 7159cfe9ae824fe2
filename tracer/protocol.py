"""NumPy's protocols: `np.sin(x)` and `np.sum(x, axis=0)` on an array of ours trace.

A function that is not traced raises `UnsupportedError` naming it; nothing falls back silently to an
untraced value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapejit.tracer.errors import UnsupportedError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.surface import complex_number, scipy_special, ufunc_method
from tapejit.tracer.surface.catalogue import COMPOSED, FUNCTIONS
from tapejit.tracer.surface.composed import by_value
from tapejit.tracer.surface.function import apply
from tapejit.tracer.surface.ufunc_keyword import with_keywords
from tapejit.tracer.writing import WRITING, accumulate_at, written


def _type_alone(x: Any) -> Any:
    return x.type.numpy_dtype if isinstance(x, Handle) else x


def _empty(x: Any) -> Any:
    """An array of the same shape and dtype, without values."""
    return np.broadcast_to(np.zeros((), x.type.numpy_dtype), x.type.shape) if isinstance(x, Handle) else x


# Answered from the type alone.
METADATA: dict[Any, Callable[..., Any]] = {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.size if axis is None else a.shape[axis],
    np.iscomplexobj: complex_number.iscomplexobj,
    np.isrealobj: lambda x: not complex_number.iscomplexobj(x),
    np.result_type: lambda *xs: np.result_type(*map(_type_alone, xs)),
    np.common_type: lambda *xs: np.common_type(*map(_empty, xs)),
    np.min_scalar_type: lambda a: np.min_scalar_type(a.value() if not a.shape else _empty(a)),
    np.can_cast: lambda from_, to, casting="safe": np.can_cast(_type_alone(from_), _type_alone(to), casting),
    np.iscomplexobj: lambda x: x.dtype.kind == "c",
    np.isrealobj: lambda x: x.dtype.kind != "c",
    np.einsum_path: lambda subscripts, *xs, **how: np.einsum_path(subscripts, *map(_empty, xs), **how),
    np.tril_indices_from: lambda arr, k=0: np.tril_indices(arr.shape[-2], k, arr.shape[-1]),
    np.triu_indices_from: lambda arr, k=0: np.triu_indices(arr.shape[-2], k, arr.shape[-1]),
    np.diag_indices_from: lambda arr: np.diag_indices_from(_empty(arr)),
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
        np.isin,
        np.may_share_memory,
        np.ravel_multi_index,
        np.save,
        np.savetxt,
        np.savez,
        np.savez_compressed,
        np.shares_memory,
        np.unravel_index,
    )
}


def ufunc(function: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The body of `__array_ufunc__`."""
    traced = FUNCTIONS.get(function) or scipy_special.UFUNCS.get(function.__name__)
    if traced is not None and method == "__call__" and not kwargs:
        return apply(traced.op, inputs)
    out = kwargs.pop("out", None)
    if method == "__call__" and not kwargs.keys().isdisjoint(("where", "dtype")):
        found = with_keywords(function, inputs, out and out[0], kwargs)
        return found if out is None else written(out, found, f"np.{function.__name__}")
    if out is not None:
        return written(out, ufunc(function, method, inputs, kwargs), f"np.{function.__name__}")
    if method == "at" and function in (np.add, np.subtract):
        return accumulate_at(function, *inputs)
    if method != "__call__":
        return ufunc_method.call(function, method, inputs, kwargs)
    if traced is None and function.__name__ in scipy_special.CALLED:
        return scipy_special.CALLED[function.__name__](*inputs, **kwargs)
    if traced is None and function in COMPOSED:
        return COMPOSED[function](*inputs, **kwargs)
    if traced is None:
        own = getattr(np, function.__name__, None) is function
        raise _unsupported(f"{'np.' if own else ''}{function.__name__}", kwargs)
    return traced(*inputs, **kwargs)


def array_function(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """The body of `__array_function__`."""
    traced = FUNCTIONS.get(function)
    if traced is not None and not kwargs:
        return apply(traced.op, args) if len(args) == traced.plain else traced(*args)
    out = kwargs.pop("out", None) if isinstance(kwargs.get("out"), Handle) else None
    if out is not None:
        return written((out,), array_function(function, args, kwargs), f"np.{function.__name__}")
    for table in (FUNCTIONS, COMPOSED, METADATA, BY_VALUE, WRITING):
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

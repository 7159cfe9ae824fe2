"""The methods of arrays that are functions of the surface by the same name, and what arrays refuse.

A method is the function itself, bound to the array, so both take the same arguments.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from tapejit.tracer.errors import UnsupportedAttributeError, UnsupportedError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.surface import (
    arrange,
    choose,
    elementwise,
    indexing,
    order,
    product,
    rearrange,
    reduction,
    search,
    shape,
)

# Attributes of NumPy's arrays that these do not have, and what to use.
REFUSED = {
    "byteswap": "arrays are of the machine's byte order",
    "ctypes": "an address would go stale; use x.numpy()",
    "data": "a buffer would go stale; use x.numpy()",
    "dump": "use np.save(file, x)",
    "dumps": "use pickle.dumps(x)",
    "flags": "memory is tapejit's to choose",
    "flat": "use x.ravel()",
    "getfield": "bytes are tapejit's to choose",
    "resize": "it works in place; use np.resize(x, shape)",
    "setfield": "bytes are tapejit's to choose",
    "setflags": "memory is tapejit's to choose",
    "strides": "memory is tapejit's to choose",
    "tofile": "use x.numpy().tofile(file)",
}


class Methods(Handle):
    """What an array has of NumPy's methods, besides those that write into it."""

    __slots__ = ()

    sum, prod, mean, var, std = reduction.sum_, reduction.prod, reduction.mean, reduction.var, reduction.std
    max, min, any, all = reduction.max_, reduction.min_, reduction.any_, reduction.all_
    argmax, argmin = reduction.argmax, reduction.argmin
    cumsum, cumprod, argsort, argpartition = order.cumsum, order.cumprod, order.argsort, order.argpartition
    searchsorted = search.searchsorted
    swapaxes, squeeze, ravel = shape.swapaxes, shape.squeeze, shape.ravel
    diagonal, trace, repeat = arrange.diagonal, product.trace, arrange.repeat
    take, choose, nonzero, dot = indexing.take_of, choose.choose, choose.nonzero, product.dot

    def __getattr__(self, name: str) -> Any:
        if name in REFUSED:
            raise UnsupportedAttributeError(
                f"arrays have no `{name}` (asked for at {user_location()}): {REFUSED[name]}"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def mT(self) -> Any:
        """With the last two dimensions exchanged."""
        return rearrange.matrix_transpose(self)

    @property
    def base(self) -> None:
        """None: which arrays share memory is for tapejit to know."""
        return None

    @property
    def device(self) -> Any:
        """Where the array lives: "cpu"."""
        return "cpu"

    def to_device(self, device: str, /, *, stream: None = None) -> Self:
        """The array itself: there is one device."""
        if device != "cpu":
            raise ValueError(f"there is no device but 'cpu', got {device!r} at {user_location()}")
        return self

    def reshape(self, *new_shape: Any, order: str = "C", copy: bool | None = None) -> Any:
        target = new_shape[0] if len(new_shape) == 1 and not isinstance(new_shape[0], int) else new_shape
        found = shape.reshape(self, shape=tuple(target) if np.ndim(target) else target, order=order)
        return elementwise.copy(found) if copy else found

    def transpose(self, *axes: Any) -> Any:
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return shape.transpose(self, axes=order)

    def flatten(self, order: str = "C") -> Any:
        return elementwise.copy(shape.ravel(self, order=order))

    def view(self, dtype: Any = None) -> Any:
        """Another array on the same memory; of the same dtype, for bytes are tapejit's to choose."""
        if dtype is not None and np.dtype(dtype) != self.type.numpy_dtype:
            raise UnsupportedError(f"view({dtype}) at {user_location()}: bytes are not seen; use astype")
        return shape.reshape(self, shape=self.type.shape)

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
    ) -> Any:
        if not np.can_cast(self.type.numpy_dtype, dtype, casting):  # type: ignore[arg-type]
            raise TypeError(f"astype at {user_location()}: {self.type} to {dtype} is not {casting!r}")
        same = not copy and np.dtype(dtype) == self.type.numpy_dtype
        return self if same else elementwise.astype(self, dtype=dtype)

    def copy(self, order: str = "C") -> Any:
        return elementwise.copy(self)

    def __copy__(self) -> Any:
        return elementwise.copy(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return elementwise.copy(self)

    def clip(self, min: Any = None, max: Any = None, out: Any = None) -> Any:
        return choose.clip(self, min, max, out)

    def compress(self, condition: Any, axis: int | None = None, out: Any = None) -> Any:
        return choose.compress(condition, self, axis, out)

    def round(self, decimals: int = 0, out: Any = None) -> Any:
        return np.round(self, decimals, out)

    def tobytes(self, order: Any = "C") -> bytes:
        """The bytes of the values, which Python has then seen."""
        return self.value().tobytes(order)

"""What the MXNet-style faces have in common: their array class, and how a face makes arrays.

`tapejit.nd` and `tapejit.np` are faces. Each is one `Face`: an array class of its own, a default
dtype, and a rule for whose dtype a new array takes over. `FaceFunction` is a function of the array
surface (see `tapejit.tracer.surface`) as a face offers it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tapejit.context import CPU, Context, require_cpu
from tapejit.ir.types import NUMPY_NAME, dtype_name
from tapejit.tracer.array import Array
from tapejit.tracer.handle import Handle
from tapejit.tracer.intake import array_of, holds
from tapejit.tracer.operation import WEAK_DTYPE
from tapejit.tracer.surface.function import Function, apply

_ARRAY_TYPES: dict[str, type[FaceArray]] = {}  # of the faces, by name; complete once they are imported


class FaceArray(Array):
    """What the arrays of both faces have beyond `Array`: a device, and a way to the other face."""

    __slots__ = ()

    @property
    def context(self) -> Context:
        """Where the array lives: `cpu(0)`."""
        return CPU

    ctx = device = context

    def __init_subclass__(cls) -> None:
        _ARRAY_TYPES[cls.__name__] = cls

    def as_nd_ndarray(self) -> Any:
        """This array in the `nd` face: it shares memory, gradient and history."""
        return self.seen_by(_ARRAY_TYPES["NDArray"], self)

    def as_np_ndarray(self) -> Any:
        """This array in the `np` face: it shares memory, gradient and history."""
        return self.seen_by(_ARRAY_TYPES["ndarray"], self)

    @property
    def grad(self) -> Any:
        """The gradient that `attach_grad` allocated; None without it."""
        return (
            None
            if self._leaf is None or self._leaf.grad is None
            else self.seen_by(type(self), self._leaf.grad)
        )

    def as_in_context(self, context: Any) -> Self:
        """The array itself: there is one device."""
        require_cpu(context)
        return self

    as_in_ctx = to_device = as_in_context  # type: ignore[assignment]

    def copyto(self, other: Any) -> Any:
        """Write the values into the array `other`, or make a copy on the device `other`."""
        if isinstance(other, Array):
            return other.assign(self)
        require_cpu(other)
        return self.copy()

    @staticmethod
    def seen_by(face: type[FaceArray], array: Any) -> Any:
        """`array` as an array of class `face`: the same memory, the same place in the record."""
        if type(array) is face:
            return array
        alias = face.wrap(array.value(), array.storage)
        alias.storage.share(array, alias)
        alias._leaf, alias._history = array._leaf, array._history
        return alias


@dataclass(frozen=True)
class Face:
    """An array class and how arrays of it are made."""

    array_type: type[FaceArray]
    float_dtype: Callable[[], np.dtype[Any]]  # of new arrays, unless a dtype is asked for
    trusted: tuple[Any, ...]  # sources whose own dtype a new array keeps

    def array(self, source: Any, dtype: Any = None) -> Any:
        """A new array with a copy of the values of `source`."""
        if dtype is None and isinstance(source, self.trusted):
            dtype = source.dtype
        elif dtype is None and holds(source):
            return array_of(self.array_type, source)
        elif dtype is None and np.iscomplexobj(source):
            dtype = np.result_type(self.float_dtype(), np.complex64)
        return array_of(self.array_type, source, self.dtype(dtype))

    def own(self, data: np.ndarray) -> Any:
        """An array that takes over `data`, which nobody else holds."""
        return self.array_type.wrap(data)

    def dtype(self, asked: Any) -> np.dtype[Any]:
        """The dtype asked for, or the face's default; TypeError for one that tapejit lacks."""
        return self.float_dtype() if asked is None else np.dtype(NUMPY_NAME[dtype_name(asked)])

    def operands(self, given: Sequence[Any]) -> list[Any]:
        """Operands with lists and NumPy arrays made arrays of this face; one at least is an array.

        TypeError when there is nothing to make one of.
        """
        found = [x if _is_operand(x) else self.array(x) for x in given]
        if not any(isinstance(x, Handle) for x in found):
            if not found or found[0] is None:
                raise TypeError("at least one array is needed")
            found[0] = self.array(found[0])
        return found

    def functions(self, table: Iterable[tuple[str, Function]]) -> dict[str, FaceFunction]:
        """The functions of `table` as this face offers them, by name."""
        return {name: FaceFunction(self, function, name) for name, function in table}


def _is_operand(x: Any) -> bool:
    return isinstance(x, Handle) or x is None or type(x) in WEAK_DTYPE


class FaceFunction:
    """A surface function whose plain operands become arrays of its face, and that takes `out=`."""

    def __init__(self, face: Face, function: Function, name: str):
        self._face, self._function = face, function
        self.__name__ = self.__qualname__ = name
        self.__doc__ = function.__doc__

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"

    @property
    def float_dtype(self) -> np.dtype[Any]:
        """That of arrays made of lists among the operands; it may be set anew."""
        return self._face.float_dtype()

    def __call__(self, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        operands, statics = self._function.bind(args, kwargs)
        result = apply(self._function.op, self._face.operands(operands), statics)
        return result if out is None else out.assign(result)

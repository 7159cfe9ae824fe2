"""The array that users hold: NumPy's operators, methods and protocols on a `Handle`.

Outside a record an operation runs at once in NumPy; inside, it goes on the tape and the result stays
pending until somebody asks for its value. The faces (`nd`, `np`) derive from `Array`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tapejit.tracer import protocol
from tapejit.tracer.attached import attached_backward
from tapejit.tracer.errors import ConversionError
from tapejit.tracer.handle import Handle, Leaf
from tapejit.tracer.location import user_location
from tapejit.tracer.method import Methods
from tapejit.tracer.operand import is_wide
from tapejit.tracer.operation import WEAK_DTYPE
from tapejit.tracer.state import STATE
from tapejit.tracer.surface import (
    complex_number,
    elementwise,
    indexing,
    number,
    power,
    product,
    scalar,
    shape,
)
from tapejit.tracer.surface.function import Function, apply
from tapejit.tracer.writing import Writes


def binary_operator(function: Function) -> Callable[[Any, Any], Any]:
    """An operator method; the fast path of recording."""
    op = function.op

    def operator(self: Array, other: Any) -> Any:
        tape = STATE.tape
        if tape is not None:
            found = tape.step(tape, op, self, other)
            if found is not None:
                return found
            if (type(other) in WEAK_DTYPE or isinstance(other, Handle)) and not is_wide(other):
                return tape.binary(op, self, other)
        if _foreign(other):
            return NotImplemented
        return apply(op, (self, other), (), type(self))

    return operator


def _reflected(function: Function) -> Callable[[Any, Any], Any]:
    op = function.op

    def operator(self: Array, other: Any) -> Any:
        return NotImplemented if _foreign(other) else apply(op, (other, self), (), type(self))

    return operator


def _unary(function: Function) -> Callable[[Any], Any]:
    op = function.op
    return lambda self: apply(op, (self,), (), type(self))


def _in_place(function: Function) -> Callable[[Any, Any], Any]:
    op = function.op

    def operator(self: Array, other: Any) -> Any:
        return NotImplemented if _foreign(other) else self.update(op, other)

    return operator


def _becoming(operator: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The operator in place: the array becomes what it gives."""

    def in_place(self: Array, other: Any) -> Any:
        result = operator(self, other)
        return result if result is NotImplemented else self.become(result)

    return in_place


def _foreign(other: Any) -> bool:
    """Operands we leave to Python: strings, dicts, None, and objects that are no numbers."""
    return not isinstance(other, Handle | np.ndarray | np.generic | float | int | complex | list | tuple)


class Array(Methods, Writes):
    """An n-dimensional array with NumPy's semantics that autograd can follow.

    Make one with `tapejit.array` and its kin. dtypes: f64, f32, c128, c64, i64, i32, bool.

    >>> import tapejit as tj
    >>> x = tj.array([1.0, 2.0, 3.0])
    >>> x.attach_grad()
    >>> with tj.record():
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = object.__hash__

    # -- What it is ------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.type.numpy_dtype

    @property
    def ndim(self) -> int:
        return len(self.type.shape)

    @property
    def size(self) -> int:
        return self.type.size

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def real(self) -> Any:
        """The real part; outside a record a view, as in NumPy."""
        return complex_number.real(self)

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> Any:
        """The imaginary part; outside a record a view, as in NumPy."""
        return complex_number.imag(self)

    @imag.setter
    def imag(self, value: Any) -> None:
        self.imag[...] = value

    def conj(self) -> Any:
        """The complex conjugate; of real numbers this array itself, as in NumPy."""
        if not self.type.is_complex:
            return self
        return complex_number.conjugate(self)

    conjugate = conj

    @property
    def T(self) -> Any:
        return shape.transpose(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without dimensions")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return repr(self.value())

    def __str__(self) -> str:
        return str(self.value())

    def __format__(self, spec: str) -> str:
        return format(self.value() if self.ndim else self.value().item(), spec)

    # -- Out of the traced world ---------------------------------------------------------------------------

    def numpy(self) -> np.ndarray:
        """The values as a NumPy array of its own (a copy). Computes them if they are pending."""
        return self.value().copy()

    asnumpy = numpy

    def item(self, *index: Any) -> Any:
        """The value of an array of one element, or of the element at `index`, as a Python number.

        In a decorated function a float stays traced, as an array without dimensions: Python may compute with
        it and compare it, and the gradient passes.
        """
        return scalar.item(self, *index) if scalar.stays_traced(self) else self.value().item(*index)

    def tolist(self) -> Any:
        """Nested lists of Python numbers; see `item`."""
        return scalar.tolist(self) if scalar.stays_traced(self) else self.value().tolist()

    def __bool__(self) -> bool:
        tape = STATE.tape
        return bool(self.materialise()) if tape is None else tape.truth(self)

    def __float__(self) -> float:
        return float(scalar.constant(self))

    def __int__(self) -> int:
        return scalar.whole(self, elementwise.trunc, int)

    def __trunc__(self) -> int:
        return scalar.whole(self, elementwise.trunc, math.trunc)

    def __floor__(self) -> int:
        return scalar.whole(self, elementwise.floor, math.floor)

    def __ceil__(self) -> int:
        return scalar.whole(self, elementwise.ceil, math.ceil)

    def __round__(self, digits: int | None = None) -> Any:
        return round(scalar.constant(self), digits)

    def __index__(self) -> int:
        return self.value().__index__()

    def __complex__(self) -> complex:
        return complex(scalar.constant(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.differentiated:
            raise ConversionError(
                f"np.array(...) or another implicit conversion at {user_location()} would drop the gradient "
                f"of an array {self.type}; use np.stack or np.concatenate to build arrays from it, or "
                ".detach() if no gradient is needed"
            )
        data = self.value()
        if copy or (dtype is not None and np.dtype(dtype) != data.dtype):
            return np.array(data, dtype)
        view = data.view()
        view.flags.writeable = False
        return view

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return protocol.ufunc(function, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return protocol.array_function(function, args, kwargs)

    def __reduce__(self) -> Any:
        """Pickling keeps the values, not the gradient or the history."""
        return _restored, (type(self), self.value().copy())

    def wait_to_read(self) -> None:
        """Compute the value now if it is pending."""
        self.materialise()

    # -- Gradients -----------------------------------------------------------------------------------------

    def attach_grad(self, grad_req: str = "write", stype: str | None = None) -> None:
        """Make this array a variable: allocate its gradient, of the same shape and dtype, zeros.

        `grad_req`: "write" overwrites the gradient at each backward, "add" adds to it, "null" computes
        none. On a computed array, later uses see a new variable, while `backward()` on the array itself
        still follows the history that made it. Raises TypeError for integer and bool arrays.
        """
        if grad_req not in ("write", "add", "null"):
            raise ValueError(f"grad_req must be 'write', 'add' or 'null', got {grad_req!r}")
        if stype not in (None, "default"):
            raise ValueError(f"stype {stype!r} is not supported: gradients are dense")
        self._attach(type(self).wrap(np.zeros(self.shape, self.dtype)), grad_req)

    def _attach(self, grad: Array, grad_req: str) -> None:
        if not self.type.is_inexact:
            raise TypeError(
                f"attach_grad at {user_location()}: an array of {self.dtype} has no derivative; "
                "convert it first: x.astype('float64')"
            )
        self.materialise()
        self._leaf = Leaf(grad, grad_req)
        if STATE.tape is not None:
            STATE.tape.reenter(self)

    @property
    def grad(self) -> Any:
        """The gradient that `attach_grad` allocated; None without it."""
        return None if self._leaf is None else self._leaf.grad

    def drop_grad(self) -> None:
        """Undo `attach_grad`."""
        self._leaf = None

    def detach(self) -> Any:
        """The same values as a constant: no gradient flows through the result."""
        if STATE.tape is not None:
            return apply(elementwise.DETACH, (self,), (), type(self))
        return self.detached()

    def backward(self, out_grad: Any = None, retain_graph: bool = False, train_mode: bool = True) -> None:
        """Compute the gradients of the sum of this array, weighted by `out_grad`, into `.grad` of leaves.

        `out_grad`: an array of this array's shape; ones by default. The record is freed unless
        `retain_graph`. `train_mode` is the training flag meanwhile, for derivatives that are Python.
        Raises AutogradError when the array was not recorded or its record was freed, ShapeError when
        `out_grad` has another shape.
        """
        before, STATE.training = STATE.training, train_mode
        try:
            attached_backward([self], [out_grad], retain_graph)
        finally:
            STATE.training = before

    # -- Operators -----------------------------------------------------------------------------------------

    __add__, __radd__ = binary_operator(elementwise.add), _reflected(elementwise.add)
    __sub__, __rsub__ = binary_operator(elementwise.subtract), _reflected(elementwise.subtract)
    __mul__, __rmul__ = binary_operator(elementwise.multiply), _reflected(elementwise.multiply)
    __truediv__, __rtruediv__ = binary_operator(elementwise.divide), _reflected(elementwise.divide)
    __floordiv__, __rfloordiv__ = (
        binary_operator(elementwise.floor_divide),
        _reflected(elementwise.floor_divide),
    )
    __mod__, __rmod__ = binary_operator(elementwise.remainder), _reflected(elementwise.remainder)
    __matmul__, __rmatmul__ = binary_operator(product.matmul), _reflected(product.matmul)
    __neg__, __pos__ = _unary(elementwise.negative), _unary(elementwise.positive)
    __abs__ = _unary(complex_number.absolute)
    __lt__, __le__ = binary_operator(elementwise.less), binary_operator(elementwise.less_equal)
    __gt__, __ge__ = binary_operator(elementwise.greater), binary_operator(elementwise.greater_equal)
    __eq__ = binary_operator(elementwise.equal)
    __ne__ = binary_operator(elementwise.not_equal)
    __and__, __rand__ = binary_operator(elementwise.bitwise_and), _reflected(elementwise.bitwise_and)
    __or__, __ror__ = binary_operator(elementwise.bitwise_or), _reflected(elementwise.bitwise_or)
    __xor__, __rxor__ = binary_operator(elementwise.bitwise_xor), _reflected(elementwise.bitwise_xor)
    __lshift__, __rlshift__ = binary_operator(number.left_shift), _reflected(number.left_shift)
    __rshift__, __rrshift__ = binary_operator(number.right_shift), _reflected(number.right_shift)
    __rdivmod__ = _reflected(number.divmod_)

    def __divmod__(self, other: Any) -> Any:
        return NotImplemented if _foreign(other) else number.divmod_(self, other)

    __invert__ = _unary(elementwise.invert)
    __iadd__, __isub__ = _in_place(elementwise.add), _in_place(elementwise.subtract)
    __imul__, __itruediv__ = _in_place(elementwise.multiply), _in_place(elementwise.divide)
    __ifloordiv__, __imod__ = _in_place(elementwise.floor_divide), _in_place(elementwise.remainder)
    __iand__, __ior__ = _in_place(elementwise.bitwise_and), _in_place(elementwise.bitwise_or)
    __ixor__, __imatmul__ = _in_place(elementwise.bitwise_xor), _becoming(__matmul__)
    __ilshift__, __irshift__ = _in_place(number.left_shift), _in_place(number.right_shift)

    def __pow__(self, other: Any) -> Any:
        return NotImplemented if _foreign(other) else power.raised(self, other, type(self))

    __ipow__ = _becoming(__pow__)

    def __rpow__(self, other: Any) -> Any:
        return NotImplemented if _foreign(other) else power.raised(other, self, type(self))

    def __getitem__(self, index: Any) -> Any:
        if indexing.is_advanced(index):
            return indexing.take(self, index)
        return shape.getitem(self, key=shape.index_key(index))


def _restored(face: type[Array], data: np.ndarray) -> Array:
    return face.wrap(data)

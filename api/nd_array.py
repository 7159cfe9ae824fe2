"""`NDArray`: the array of MXNet's classic face.

It differs from NumPy's in what MXNet 1.x did before it had a NumPy face: float32 by default,
comparisons as numbers, no arrays without dimensions (a full reduction and `x[0]` of a vector have
shape (1,)), `asscalar`, and a printed form that names shape and device.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit import nd_elementwise, nd_network, nd_product, nd_reduction, nd_shape
from tapejit.face import Face, FaceArray
from tapejit.tracer.array import binary_operator
from tapejit.tracer.handle import Handle
from tapejit.tracer.surface import complex_number, elementwise, entropy, scalar


class NDArray(FaceArray):
    """An n-dimensional array of MXNet's classic face; see the module.

    >>> from tapejit import nd
    >>> x = nd.array([[1, 2], [3, 4]])
    >>> x.sum() > 5
    <BLANKLINE>
    [1.]
    <NDArray 1 @cpu(0)>
    """

    __slots__ = ()
    __hash__ = object.__hash__
    stype = "default"

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.shape))
        return f"\n{self.value()}\n<{type(self).__name__} {shape} @{self.context}>"

    __str__ = __repr__

    def __bool__(self) -> bool:
        if self.size > 1:
            raise ValueError("The truth value of an NDArray with multiple elements is ambiguous.")
        return bool(self.size) and super().__bool__()

    def asscalar(self) -> Any:
        """The number in an array of one element, as a NumPy scalar; see `item` for decorated functions."""
        if self.size != 1:
            raise ValueError("The current array is not a scalar")
        return self.item() if scalar.stays_traced(self) else self.value().ravel()[0]

    def tostype(self, stype: str) -> NDArray:
        """The array itself: there are no sparse ones."""
        if stype != "default":
            raise ValueError(f"stype {stype!r} is not supported: arrays are dense")
        return self

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(self._widened(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(self._widened(index), value)

    def _widened(self, index: Any) -> Any:
        """An index that names one element selects an array of shape (1,)."""
        key = index if isinstance(index, tuple) else (index,)
        if len(key) == self.ndim and all(isinstance(i, int | np.integer) for i in key):
            return (*key, None)
        return index

    __lt__ = binary_operator(nd_elementwise.lesser)
    __le__ = binary_operator(nd_elementwise.lesser_equal)
    __gt__ = binary_operator(nd_elementwise.greater)
    __ge__ = binary_operator(nd_elementwise.greater_equal)
    __eq__ = binary_operator(nd_elementwise.equal)
    __ne__ = binary_operator(nd_elementwise.not_equal)

    sum, mean, prod = nd_reduction.sum_, nd_reduction.mean, nd_reduction.prod
    max, min = nd_reduction.max_, nd_reduction.min_
    argmax, argmin = nd_reduction.argmax, nd_reduction.argmin
    norm = nd_reduction.norm

    dot, batch_dot = nd_product.dot, nd_product.batch_dot
    softmax, log_softmax = nd_network.softmax, nd_network.log_softmax
    pick, one_hot = nd_network.pick, nd_network.one_hot

    abs, sign = complex_number.absolute, complex_number.sign
    square, sqrt = elementwise.square, elementwise.sqrt
    exp, expm1, log, log1p = elementwise.exp, elementwise.expm1, elementwise.log, elementwise.log1p
    log2, log10, reciprocal = elementwise.log2, elementwise.log10, elementwise.reciprocal
    sin, cos, tan = elementwise.sin, elementwise.cos, elementwise.tan
    sinh, cosh, tanh = elementwise.sinh, elementwise.cosh, elementwise.tanh
    arcsin, arccos, arctan = elementwise.arcsin, elementwise.arccos, elementwise.arctan
    floor, ceil, trunc, fix = elementwise.floor, elementwise.ceil, elementwise.trunc, elementwise.trunc
    relu, sigmoid = elementwise.relu, entropy.expit
    zeros_like, ones_like = elementwise.zeros_like, elementwise.ones_like

    reshape, reshape_like, flatten = nd_shape.reshape, nd_shape.reshape_like, nd_shape.flatten  # type: ignore[assignment]
    expand_dims, squeeze, flip = nd_shape.expand_dims, nd_shape.squeeze, nd_shape.flip
    swapaxes, tile, repeat = nd_shape.swapaxes, nd_shape.tile, nd_shape.repeat
    broadcast_to, broadcast_like = nd_shape.broadcast_to, nd_shape.broadcast_like
    broadcast_axes = nd_shape.broadcast_axis
    slice, slice_axis, slice_like = nd_shape.slice_, nd_shape.slice_axis, nd_shape.slice_like
    split = nd_shape.split

    def clip(self, a_min: Any = None, a_max: Any = None) -> Any:  # type: ignore[override]
        """The elements, no less than `a_min` and no more than `a_max`."""
        return elementwise.clip(self, a_min, a_max)


FACE = Face(NDArray, lambda: np.dtype(np.float32), trusted=(Handle,))

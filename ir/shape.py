"""Type rules, and the NumPy references that are longer than one call, for the elementary rows.

A type rule takes operand types and attributes and returns the result type, or raises TypeError saying
what was found and what was expected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir.primitive import same_type
from tapejit.ir.types import COMPLEXES, NUMPY_NAME, TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

Shape = tuple[int, ...]


# -- Elementwise -----------------------------------------------------------------------------------


def numeric_type(*types: TensorType) -> TensorType:
    """Operands of one type, not bool."""
    return _not_bool(same_type(*types))


def real_type(*types: TensorType) -> TensorType:
    """Operands of one type, numbers but not complex."""
    return _not_complex(numeric_type(*types))


def float_type(*types: TensorType) -> TensorType:
    """Operands of one type, f64 or f32."""
    result = _not_complex(same_type(*types))
    if not result.is_float:
        raise TypeError(f"expected f64 or f32, got {result}")
    return result


def inexact_type(*types: TensorType) -> TensorType:
    """Operands of one type, floats or complex."""
    result = same_type(*types)
    if not result.is_inexact:
        raise TypeError(f"expected floats or complex numbers, got {result}")
    return result


def integer_pow(x: TensorType, *, exponent: int) -> TensorType:
    if not isinstance(exponent, int) or isinstance(exponent, bool):
        raise TypeError(f"the exponent must be an int, got {exponent!r}")
    if exponent < 0 and not x.is_inexact:
        raise TypeError(f"a negative power of integers ({x}) is not an integer")
    return _not_bool(x)


def comparison(x: TensorType, y: TensorType) -> TensorType:
    return same_type(x, y).with_dtype("bool")


def ordering(x: TensorType, y: TensorType) -> TensorType:
    return comparison(_not_complex(x), _not_complex(y))


def cast(x: TensorType, *, dtype: str) -> TensorType:
    if x.is_complex and dtype not in COMPLEXES:
        raise TypeError(f"{x} as {dtype} would lose the imaginary part; take the real part first: x.real")
    return x.with_dtype(dtype)


def logic(*types: TensorType) -> TensorType:
    result = same_type(*types)
    if result.dtype != "bool":
        raise TypeError(f"expected bool, got {result}")
    return result


def select(c: TensorType, x: TensorType, y: TensorType) -> TensorType:
    if c != same_type(x, y).with_dtype("bool"):
        raise TypeError(f"condition {c} does not match the choices, {x}")
    return x


def _not_bool(x: TensorType) -> TensorType:
    if x.dtype == "bool":
        raise TypeError(f"expected numbers, got {x}")
    return x


def _not_complex(x: TensorType) -> TensorType:
    if x.is_complex:
        raise TypeError(f"{x} is complex, which has no meaning here; take x.real, x.imag or abs(x)")
    return x


# -- Reductions ------------------------------------------------------------------------------------


def reduced(x: TensorType, axes: Sequence[int]) -> TensorType:
    if len(set(axes)) != len(axes) or any(not 0 <= a < x.rank for a in axes):
        raise TypeError(f"axes {tuple(axes)} do not fit {x}")
    return x.with_shape([n for i, n in enumerate(x.shape) if i not in axes])


def reduce_numeric(x: TensorType, *, axes: Shape) -> TensorType:
    return reduced(_not_bool(x), axes)


def reduce_ordered(x: TensorType, *, axes: Shape) -> TensorType:
    result = reduced(_not_complex(_not_bool(x)), axes)
    if any(x.shape[a] == 0 for a in axes):
        raise TypeError(f"the maximum or minimum of no elements: {x} over axes {axes}")
    return result


def reduce_logic(x: TensorType, *, axes: Shape) -> TensorType:
    return reduced(logic(x), axes)


def reduce_position(x: TensorType, *, axes: Shape) -> TensorType:
    result = reduced(_not_complex(_not_bool(x)), axes).with_dtype("i64")
    if len(axes) != 1 or x.shape[axes[0]] == 0:
        raise TypeError(f"a position needs one axis of at least one element, got {axes} of {x}")
    return result


def lowest(dtype: str) -> str:
    """Source of the identity of `max`."""
    return "-inf" if dtype in ("f64", "f32") else str(np.iinfo(NUMPY_NAME[dtype]).min)


def highest(dtype: str) -> str:
    """Source of the identity of `min`."""
    return "inf" if dtype in ("f64", "f32") else str(np.iinfo(NUMPY_NAME[dtype]).max)


# -- Structure -------------------------------------------------------------------------------------


def broadcast(x: TensorType, *, shape: Shape, dims: Shape) -> TensorType:
    fits = len(dims) == x.rank and list(dims) == sorted(set(dims)) and all(0 <= d < len(shape) for d in dims)
    if not fits or tuple(shape[d] for d in dims) != x.shape:
        raise TypeError(f"cannot broadcast {x} to shape {shape} with dims {dims}")
    return x.with_shape(shape)


def reference_broadcast(x: np.ndarray, *, shape: Shape, dims: Shape) -> np.ndarray:
    aligned = np.reshape(x, [shape[i] if i in dims else 1 for i in range(len(shape))])
    return np.broadcast_to(aligned, shape)


def reshape(x: TensorType, *, shape: Shape) -> TensorType:
    if math.prod(shape) != x.size or any(n < 0 for n in shape):
        raise TypeError(f"cannot reshape {x} ({x.size} elements) to {shape}")
    return x.with_shape(shape)


def transpose(x: TensorType, *, perm: Shape) -> TensorType:
    if sorted(perm) != list(range(x.rank)):
        raise TypeError(f"{perm} is not a permutation of the dimensions of {x}")
    return x.with_shape([x.shape[p] for p in perm])


def inverse(perm: Sequence[int]) -> Shape:
    """The inverse of a permutation."""
    return tuple(sorted(range(len(perm)), key=lambda k: perm[k]))


def reverse(x: TensorType, *, axes: Shape) -> TensorType:
    reduced(x, axes)
    return x


def slice_(x: TensorType, *, start: Shape, stop: Shape, step: Shape) -> TensorType:
    if not len(start) == len(stop) == len(step) == x.rank:
        raise TypeError(f"start, stop and step need {x.rank} entries each for {x}")
    sizes = []
    for n, b, e, s in zip(x.shape, start, stop, step, strict=True):
        if not (0 <= b <= e <= n and s >= 1):
            raise TypeError(f"slice {b}:{e}:{s} does not fit a dimension of {n}")
        sizes.append(-((b - e) // s))
    return x.with_shape(sizes)


def reference_slice(x: np.ndarray, *, start: Shape, stop: Shape, step: Shape) -> np.ndarray:
    return x[tuple(slice(b, e, s) for b, e, s in zip(start, stop, step, strict=True))]


def slice_high(x: Shape, start: Shape, result: Shape, step: Shape) -> Shape:
    """How many elements of `x` lie beyond the last one that a slice takes."""
    return tuple(
        n - b - ((m - 1) * s + 1 if m else 0) for n, b, m, s in zip(x, start, result, step, strict=True)
    )


def pad(x: TensorType, *, low: Shape, high: Shape, interior: Shape, value: complex) -> TensorType:
    if not len(low) == len(high) == len(interior) == x.rank or min((*low, *high, *interior, 0)) < 0:
        raise TypeError(f"low, high and interior need {x.rank} entries each, none negative, for {x}")
    return x.with_shape(
        [lo + hi + n + max(n - 1, 0) * i for n, lo, hi, i in zip(x.shape, low, high, interior, strict=True)]
    )


def reference_pad(x: np.ndarray, *, low: Shape, high: Shape, interior: Shape, value: complex) -> np.ndarray:
    from_type = TensorType("f64", x.shape)
    result = np.full(pad(from_type, low=low, high=high, interior=interior, value=value).shape, value, x.dtype)
    if x.size:
        result[
            tuple(
                slice(lo, lo + (n - 1) * (i + 1) + 1, i + 1)
                for n, lo, i in zip(x.shape, low, interior, strict=True)
            )
        ] = x
    return result


def concat(*types: TensorType, axis: int) -> TensorType:
    if not types:
        raise TypeError("there is nothing to join")
    first = types[0]
    if not 0 <= axis < first.rank:
        raise TypeError(f"axis {axis} does not fit {first}")
    rests = {(t.dtype, t.shape[:axis], t.shape[axis + 1 :]) if t.rank == first.rank else t for t in types}
    if len(rests) != 1:
        raise TypeError(f"cannot join {', '.join(map(str, types))} along axis {axis}")
    total = sum(t.shape[axis] for t in types)
    return first.with_shape((*first.shape[:axis], total, *first.shape[axis + 1 :]))


def concat_cuts(shapes: Sequence[Shape], axis: int) -> list[dict[str, Shape]]:
    """The slices that cut a concatenation back into its pieces."""
    cuts, offset = [], 0
    for s in shapes:
        total = sum(piece[axis] for piece in shapes)
        whole = (*s[:axis], total, *s[axis + 1 :])
        start = tuple(offset if k == axis else 0 for k in range(len(s)))
        stop = tuple(offset + s[axis] if k == axis else whole[k] for k in range(len(s)))
        cuts.append({"start": start, "stop": stop, "step": (1,) * len(s)})
        offset += s[axis]
    return cuts


# -- Products --------------------------------------------------------------------------------------


def free_dims(rank: int, contract: Sequence[int], batch: Sequence[int]) -> Shape:
    """The dimensions of one operand of a product that are neither contracted nor batched."""
    return tuple(k for k in range(rank) if k not in contract and k not in batch)


def dot_general(x: TensorType, y: TensorType, *, contract: Any, batch: Any) -> TensorType:
    if x.dtype != y.dtype or x.dtype == "bool":
        raise TypeError(f"a product needs numbers of one dtype, got {x} and {y}")
    for t, contracted, batched in ((x, contract[0], batch[0]), (y, contract[1], batch[1])):
        reduced(t, (*contracted, *batched))
    for x_dims, y_dims in (contract, batch):
        if [x.shape[d] for d in x_dims] != [y.shape[d] for d in y_dims]:
            raise TypeError(f"dimensions {x_dims} of {x} and {y_dims} of {y} differ in size")
    return x.with_shape(
        (
            *(x.shape[d] for d in batch[0]),
            *(x.shape[d] for d in free_dims(x.rank, contract[0], batch[0])),
            *(y.shape[d] for d in free_dims(y.rank, contract[1], batch[1])),
        )
    )


def reference_dot_general(x: np.ndarray, y: np.ndarray, *, contract: Any, batch: Any) -> np.ndarray:
    x_free = free_dims(x.ndim, contract[0], batch[0])
    y_free = free_dims(y.ndim, contract[1], batch[1])
    batch_shape = tuple(x.shape[d] for d in batch[0])
    rows = tuple(x.shape[d] for d in x_free)
    columns = tuple(y.shape[d] for d in y_free)
    inner = math.prod(x.shape[d] for d in contract[0])
    left = x.transpose((*batch[0], *x_free, *contract[0])).reshape((*batch_shape, math.prod(rows), inner))
    right = y.transpose((*batch[1], *contract[1], *y_free)).reshape((*batch_shape, inner, math.prod(columns)))
    product: np.ndarray = np.matmul(left, right).reshape((*batch_shape, *rows, *columns))
    return product


# -- Sources ---------------------------------------------------------------------------------------


def full(*, dtype: str, shape: Shape, value: complex) -> TensorType:
    if dtype not in NUMPY_NAME or any(n < 0 for n in shape):
        raise TypeError(f"{dtype}{list(shape)} is not a type")
    return TensorType(dtype, tuple(shape))


def iota(*, dtype: str, shape: Shape, axis: int) -> TensorType:
    result = _not_complex(full(dtype=dtype, shape=shape, value=0))
    if dtype == "bool" or not 0 <= axis < result.rank:
        raise TypeError(f"cannot count along axis {axis} of {result}")
    return result


# -- Functions NumPy does not have -------------------------------------------------------------------


def batch_source(**attrs: Any) -> Var:
    """A primitive without operands is never mapped."""
    raise AssertionError("a primitive without operands is never mapped")


def reference_iota(*, dtype: str, shape: Shape, axis: int) -> np.ndarray:
    along = np.arange(shape[axis], dtype=NUMPY_NAME[dtype])
    return np.broadcast_to(along.reshape([-1 if k == axis else 1 for k in range(len(shape))]), shape)


def reference_integer_pow(x: np.ndarray, *, exponent: int) -> Any:
    """Repeated squaring, as the compiled code does it; a negative power is a reciprocal."""
    if exponent == 0:
        return np.ones_like(x)
    power, square, n = None, x, abs(exponent)
    while n:
        if n & 1:
            power = square if power is None else power * square
        square, n = square * square, n >> 1
    result: Any = power
    return 1.0 / result if exponent < 0 else result


def reference_rsqrt(x: np.ndarray) -> Any:
    return np.reciprocal(np.sqrt(x))


def reference_logistic(x: np.ndarray) -> Any:
    """1 / (1 + exp(-x)), without overflow on either side."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small)).astype(x.dtype)


def reference_erf(x: np.ndarray) -> Any:
    return np.vectorize(math.erf, otypes=[np.float64])(x).astype(x.dtype)

"""Types of SSA values: a dtype and a static shape, written `f64[3,4]`.

Every value in the IR has one exact type; there are no implicit conversions. Promotion (NumPy 2's
rules, with weak Python scalars) happens in the tracer, which calls `promote` and inserts `cast`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

NUMPY_NAME = {
    "f64": "float64",
    "f32": "float32",
    "c128": "complex128",
    "c64": "complex64",
    "i64": "int64",
    "i32": "int32",
    "bool": "bool",
}
_NUMPY_DTYPE: dict[str, np.dtype[Any]] = {short: np.dtype(name) for short, name in NUMPY_NAME.items()}
_DTYPE = {dtype: short for short, dtype in _NUMPY_DTYPE.items()}
FLOATS = ("f64", "f32")
COMPLEXES = ("c128", "c64")
COMPLEX_OF = {"f64": "c128", "f32": "c64"}
REAL_OF = {wide: part for part, wide in COMPLEX_OF.items()}  # the dtype of both parts
INTEGERS = ("i64", "i32")


class UnsupportedDtypeError(TypeError):
    """A dtype outside f64, f32, c128, c64, i64, i32, bool."""


@dataclass(frozen=True, slots=True)
class TensorType:
    """The type `dtype[shape]` of one value; `f64[]` is a scalar."""

    dtype: str
    shape: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def is_float(self) -> bool:
        return self.dtype in FLOATS

    @property
    def is_complex(self) -> bool:
        return self.dtype in COMPLEXES

    @property
    def is_inexact(self) -> bool:
        """Real or complex floating point: what has derivatives."""
        return self.dtype in FLOATS or self.dtype in COMPLEXES

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        return _NUMPY_DTYPE[self.dtype]

    @property
    def nbytes(self) -> int:
        """The memory of such an array."""
        return self.size * self.numpy_dtype.itemsize

    def with_shape(self, shape: Sequence[int]) -> TensorType:
        return TensorType(self.dtype, tuple(shape))

    def with_dtype(self, dtype: str) -> TensorType:
        return TensorType(dtype, self.shape)


def dtype_name(dtype: Any) -> str:
    """The IR's name of anything NumPy takes as a dtype: `dtype_name(np.float32)` is `"f32"`."""
    if isinstance(dtype, str) and dtype in NUMPY_NAME:
        return dtype
    try:
        return _DTYPE[np.dtype(dtype)]
    except KeyError:
        raise UnsupportedDtypeError(
            f"dtype {np.dtype(dtype)} is not supported; convert to one of "
            f"{', '.join(NUMPY_NAME.values())}, for example x.astype('float64')"
        ) from None


def type_of(value: Any) -> TensorType:
    """The IR type of a NumPy array or Python number."""
    array = np.asarray(value)
    return TensorType(dtype_name(array.dtype), array.shape)


def promote(*operands: Any) -> str:
    """The common dtype of IR dtype names and weak Python scalars, by NumPy 2's rules.

    A Python `bool`, `int`, `float` or `complex` operand is weak: `promote("f32", 1.5)` is `"f32"`, and
    `promote("f32", 1j)` is `"c64"`.
    """
    return dtype_name(
        np.result_type(*(np.dtype(NUMPY_NAME[x]) if isinstance(x, str) else x for x in operands))
    )

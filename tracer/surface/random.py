"""Random bits of a key, and the numbers made of them by moving bits: uniform ones and whole ones.

Each element is computed from its own position, so a draw is part of the loop that uses it. What a
distribution makes of them is written in NumPy's words, in `api/random_draw.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit.ir import number, ops
from tapejit.ir.builder import Var
from tapejit.ir.random import reference_threefry
from tapejit.ir.random import threefry as row
from tapejit.ir.types import dtype_name
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.operation import Operand, aligned, as_var, broadcast_to
from tapejit.tracer.surface.function import traced

# The counters of draws are not negative, those of `split` and `fold_in` are: no two uses share one.
FIRST_SPLIT, FIRST_FOLD = -3 * 2**61, -(2**61)
MOST_FOLD = 2**61
DIGITS = {"float64": 53, "float32": 24}  # binary digits of a number in [0, 1)


@traced(name="threefry", numpy=lambda key, counter: reference_threefry(key, np.asarray(counter, np.int64)))
def threefry(key: Operand, counter: Operand) -> Var:
    """64 bits for each key at each counter."""
    return row(*aligned(key, counter, dtype="i64"))


def numpy_bits(key: Any, *, shape: tuple[int, ...] = ()) -> np.ndarray:
    """What `random_bits` means."""
    counters = np.arange(math.prod(shape), dtype=np.int64).reshape(shape)
    return reference_threefry(np.asarray(_single(key)), counters)


def _bits(key: Operand, shape: tuple[int, ...]) -> Var:
    var = _single(as_var(key, "i64"))
    flat = (math.prod(shape),)
    counters = ops.iota(builder=var.builder, dtype="i64", shape=flat, axis=0)
    found = row(broadcast_to(var, flat), counters)
    return found if shape == flat else ops.reshape(found, shape=shape)


def _single(key: Any) -> Any:
    if key.shape:
        raise ShapeError(
            f"one key is needed for one draw, got keys of shape {key.shape}; take one of them, or map over "
            "them with vmap"
        )
    return key


@traced(name="random_bits", numpy=numpy_bits)
def random_bits(key: Operand, *, shape: tuple[int, ...] = ()) -> Var:
    """64 random bits per element, as int64 of either sign."""
    return _bits(key, shape)


def _numpy_uniform(key: Any, *, shape: tuple[int, ...] = (), dtype: str = "float64") -> np.ndarray:
    width = DIGITS[dtype]
    whole = numpy_bits(key, shape=shape).view(np.uint64) >> np.uint64(64 - width)
    return whole.astype(dtype) * np.dtype(dtype).type(2.0**-width)


@traced(name="random_uniform", numpy=_numpy_uniform)
def random_uniform(key: Operand, *, shape: tuple[int, ...] = (), dtype: str = "float64") -> Var:
    """Multiples of 2**-53 (2**-24 of float32) in [0, 1)."""
    width = DIGITS[dtype]
    bits = _bits(key, shape)
    whole = number.bit_and(number.shift_right(bits, bits.like(64 - width)), bits.like(2**width - 1))
    return ops.cast(whole, dtype=dtype_name(dtype)) * 2.0**-width


def _numpy_signed(key: Any, *, shape: tuple[int, ...] = (), dtype: str = "float64") -> np.ndarray:
    width = DIGITS[dtype]
    whole = numpy_bits(key, shape=shape) >> (64 - width)
    one = np.dtype(dtype).type
    return (whole.astype(dtype) + one(0.5)) * one(2.0 ** (1 - width))


@traced(name="random_signed", numpy=_numpy_signed)
def random_signed(key: Operand, *, shape: tuple[int, ...] = (), dtype: str = "float64") -> Var:
    """Numbers in (-1, 1) at equal distances, none of them 0, spread as far to either side."""
    width = DIGITS[dtype]
    bits = _bits(key, shape)
    whole = number.shift_right(bits, bits.like(64 - width))
    return (ops.cast(whole, dtype=dtype_name(dtype)) + 0.5) * 2.0 ** (1 - width)


@traced(
    name="random_split",
    numpy=lambda key, *, num: reference_threefry(_single(key), FIRST_SPLIT + np.arange(num, dtype=np.int64)),
)
def random_split(key: Operand, *, num: int) -> Var:
    """`num` keys of their own, made of one."""
    var = _single(as_var(key, "i64"))
    counters = ops.iota(builder=var.builder, dtype="i64", shape=(num,), axis=0)
    return row(broadcast_to(var, (num,)), counters + FIRST_SPLIT)


@traced(
    name="random_fold",
    numpy=lambda key, data: reference_threefry(key, np.asarray(data, np.int64) + np.int64(FIRST_FOLD)),
)
def random_fold(key: Operand, data: Operand) -> Var:
    """A key made of one and a whole number."""
    var, number_ = aligned(key, data, dtype="i64")
    return row(var, number_ + FIRST_FOLD)

"""Reduction of huge doubles by pi/2, with exact integers (Payne and Hanek, 1983).

x is an integer m of 53 bits times 2**e. Of 2/pi, the bits that make multiples of 4 with it are left out and
the next 256 kept; the product with m, modulo 2**256, has the quadrant in its top two bits and the fraction
below. Scalar code: it runs only for arguments beyond `vector_trigonometric`'s range.
"""

from __future__ import annotations

import llvmlite.ir as ll

from tapejit.codegen.lane import Lane
from tapejit.codegen.two_part import TwoPart, fast_sum, product

_INT = ll.IntType(64)
_WIDE = ll.IntType(256)
# 64 zero bits and then 2/pi, to the last bit that the largest double needs.
_TWO_OVER_PI = (
    0x0000000000000000,
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
    0xF0CFBC209AF4361D,
    0xA9E391615EE61B08,
)
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17)


def reduce_huge(x: Lane) -> tuple[Lane, Lane, Lane]:
    """x, of size 2**16 at least, as (k, high, low) of k pi/2 + high + low; NaNs for inf and NaN."""
    turns = _significand(x) * _window(x)
    fraction = turns << 2
    negative = (fraction < 0) ^ (x < 0.0)
    quadrant = _narrow(turns.unsigned_shift(254)) + _flag(fraction < 0)
    high, low = _normalised_fraction((fraction < 0).where(-fraction, fraction))
    scaled_high, scaled_low = _times_half_pi(high, low)
    unusable = x * 0.0  # NaN for inf and NaN
    sign = negative.where(x.like(-1.0), x.like(1.0)) + unusable
    return (x < 0.0).where(-quadrant, quadrant), sign * scaled_high, sign * scaled_low


def _significand(x: Lane) -> Lane:
    bits = (x.bits() & (2**52 - 1)) | 2**52
    return Lane(x.builder, x.builder.zext(bits.value, _WIDE))


def _window(x: Lane) -> Lane:
    """The 256 bits of `_TWO_OVER_PI` that matter for the exponent of x."""
    exponent = x.bits().unsigned_shift(52) & 2047
    start = exponent.equals(2047).where(0, exponent - 1013)
    words = [_word(start.unsigned_shift(6) + i) for i in range(5)]
    shift = Lane(x.builder, x.builder.zext((start & 63).value, ll.IntType(320)))
    joined = shift.like(0)
    for i, word in enumerate(words):
        wide = Lane(x.builder, x.builder.zext(word.value, joined.type))
        joined = joined | (wide << (256 - 64 * i))
    shifted = (joined << shift).unsigned_shift(64)
    return Lane(x.builder, x.builder.trunc(shifted.value, _WIDE))


def _word(index: Lane) -> Lane:
    table = _table(index.builder.module)
    address = index.builder.gep(table, [ll.Constant(_INT, 0), index.value], inbounds=True)
    return Lane(index.builder, index.builder.load(address))


def _table(module: ll.Module) -> ll.GlobalVariable:
    name = "tapejit_two_over_pi"
    existing = module.globals.get(name)
    if existing is not None:
        return existing
    kind = ll.ArrayType(_INT, len(_TWO_OVER_PI))
    table = ll.GlobalVariable(module, kind, name)
    table.linkage, table.global_constant = "internal", True
    table.initializer = ll.Constant(kind, list(_TWO_OVER_PI))
    return table


def _normalised_fraction(fraction: Lane) -> TwoPart:
    """fraction / 2**256."""
    builder = fraction.builder
    count = ll.FunctionType(_WIDE, [_WIDE, ll.IntType(1)])
    count_zeros = builder.module.declare_intrinsic("llvm.ctlz", [_WIDE], count)
    zeros = Lane(builder, builder.call(count_zeros, [fraction.value, ll.Constant(ll.IntType(1), 0)]))
    leading = fraction << zeros
    scale = ((1023 - _narrow(zeros)) << 52).as_float()
    high = _unsigned_to_float(_narrow(leading.unsigned_shift(203))) * 2.0**-53
    low = _unsigned_to_float(_narrow(leading.unsigned_shift(150)) & (2**53 - 1)) * 2.0**-106
    return high * scale, low * scale


def _times_half_pi(high: Lane, low: Lane) -> TwoPart:
    result, rest = product(high, _HALF_PI[0])
    return fast_sum(result, rest + high.fma(_HALF_PI[1], low * _HALF_PI[0]))


def _narrow(x: Lane) -> Lane:
    return Lane(x.builder, x.builder.trunc(x.value, _INT))


def _flag(truth: Lane) -> Lane:
    return Lane(truth.builder, truth.builder.zext(truth.value, _INT))


def _unsigned_to_float(x: Lane) -> Lane:
    return Lane(x.builder, x.builder.uitofp(x.value, ll.DoubleType()))

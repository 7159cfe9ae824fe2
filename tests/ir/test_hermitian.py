"""Transforms by halves give what whole ones give: every kind, length and axis, to rounding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.complex_number import complex_, real
from tapejit.ir.fourier import fft
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.passes.dce import dce
from tapejit.ir.passes.hermitian import hermitian
from tapejit.ir.passes.pipeline import canonicalise, prepared
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.types import type_of
from tapejit.ir.verifier import verify


def built(x, make):
    b = Builder("f")
    result = make(b.param(type_of(x), "x"))
    return b.finish([result])


def kinds_of(function: Function) -> list[str]:
    return [instr.attrs["kind"] for instr in function.body if instr.primitive is fft]


def ulps(got, want):
    eps = np.finfo(want.dtype).eps
    return np.max(np.abs(got - want), initial=0.0) / (eps * max(np.max(np.abs(want), initial=0.0), 1e-300))


SHAPES = st.tuples(st.integers(1, 3), st.integers(8, 33), st.integers(1, 3))
KINDS = st.sampled_from(["fft", "ifft"])
DTYPES = st.sampled_from([("f64", "c128"), ("f32", "c64"), ("i64", "c128")])


@given(SHAPES, KINDS, DTYPES, st.booleans())
def test_of_real_numbers(shape, kind, dtypes, by_cast):
    given_dtype, dtype = dtypes
    x = np.cos(np.arange(np.prod(shape)) ** 1.7).reshape(shape)
    x = (x * 5).astype({"f64": "f8", "f32": "f4", "i64": "i8"}[given_dtype])

    def make(v):
        z = ops.cast(v, dtype=dtype) if by_cast or given_dtype == "i64" else complex_(v, v.like(0.0))
        return fft(z, kind=kind, axis=1, length=shape[1])

    whole = built(x, make)
    halves = canonicalise(hermitian(canonicalise(verify(whole))))
    assert kinds_of(verify(halves)) == ["rfft"]
    assert ulps(interpret(halves, x)[0], interpret(whole, x)[0]) < 4


@given(SHAPES, KINDS, st.sampled_from(["c16", "c8"]))
def test_of_which_the_real_part_is_read(shape, kind, dtype):
    z = np.exp(1j * np.arange(np.prod(shape)) ** 1.7).reshape(shape).astype(dtype)
    whole = built(z, lambda v: real(fft(v, kind=kind, axis=1, length=shape[1])))
    halves = dce(hermitian(verify(whole)))
    assert kinds_of(verify(halves)) == ["irfft"]
    assert ulps(interpret(halves, z)[0], interpret(whole, z)[0]) < 4


@pytest.mark.parametrize("length", [8, 9])
def test_derivatives_are_done_by_halves_too(length):
    x = np.sin(np.arange(length) ** 1.3)

    def make(v):
        there = fft(ops.cast(v, dtype="c128"), kind="fft", axis=0, length=length)
        back = real(fft(ops.exp(there), kind="ifft", axis=0, length=length))
        return ops.reduce_sum(back * back * back, axes=(0,))

    derived = adjoint(built(x, make), unit_seed=True)
    ready = prepared(derived)
    assert sorted(kinds_of(ready)) == ["irfft", "irfft", "rfft", "rfft"]
    for got, want in zip(interpret(ready, x), interpret(derived, x), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13)


def test_a_function_without_transforms_is_itself():
    f = built(np.ones(3), lambda v: v * 2.0)
    assert hermitian(f) is f

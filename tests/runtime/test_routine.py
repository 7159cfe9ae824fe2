"""Routines of linear algebra: of what parts they are made; compiled once, then restored from disk."""

from typing import Any

import numba
import numpy as np
import pytest

from tapejit.runtime import linear_algebra
from tapejit.runtime.disk_cache import DiskCache
from tapejit.runtime.lapack import Lapack
from tapejit.runtime.linear_algebra import ROUTINES, LinearAlgebra
from tapejit.runtime.names import LoweringError
from tapejit.runtime.part import Part
from tapejit.runtime.pipeline import jitted, named
from tapejit.runtime.routine import address_of
from tapejit.runtime.store import Store


def fail():
    raise AssertionError("the routine was to be restored")


@pytest.mark.parametrize("name", ["log_determinant", "lu_solve"])
def test_a_routine_is_compiled_once(name, tmp_path):
    tmp_path.chmod(0o700)
    store = Store(DiskCache(tmp_path), [])
    symbol, routine = f"tapejit_{name}_f64", ROUTINES[name]
    lapack = Lapack("f64")
    types = lapack.types(routine.arguments)
    assert address_of(symbol, lambda: routine.build(lapack), types, store)
    assert address_of(symbol, fail, types, store)
    with pytest.raises(AssertionError, match="restored"):
        address_of(f"{symbol}_other", fail, types, store)
    with pytest.raises(AssertionError, match="restored"):
        address_of(symbol, fail, types, None)


def test_only_what_is_called_is_compiled(monkeypatch):
    made = []
    monkeypatch.setattr(linear_algebra, "address_of", lambda symbol, *rest: made.append(symbol))
    monkeypatch.setattr(linear_algebra, "call_of", lambda *call: None)
    algebra = LinearAlgebra(lambda name, arity, typed: arity)
    source = "lu_f64(1, 2, x, y, z)\nlu_c128(1, 2, x, y, z)"
    assert algebra.names(source) == {"lu_f64": 5, "lu_c128": 5}
    algebra.names(source)
    assert made == ["tapejit_lu_c128", "tapejit_lu_f64"]


def test_parts_call_parts_and_leave_early():
    @Part.of
    def smallest(n: Any, x: Any) -> Any:
        found = x[0]
        for i in range(1, n):
            if x[i] < found:
                found = x[i]
        return found

    @Part.of
    def first_below(n: Any, x: Any, bound: Any) -> Any:
        for i in range(n):
            if x[i] < bound:
                return i
        return n

    @Part.of
    def place_of_the_smallest(n: Any, x: Any) -> Any:
        if n == 0:
            return True
        x[n] = first_below(n, x, smallest(n, x) + 0.5)
        return False

    x = np.array([2.0, 3.0, 1.0, 0.0])
    called(place_of_the_smallest)(3, x)
    np.testing.assert_array_equal(x, [2, 3, 1, 2])
    called(place_of_the_smallest)(0, x)
    np.testing.assert_array_equal(x, [2, 3, 1, 2])


def test_what_may_fail_in_a_part_fails_in_the_routine():
    element = numba.float64

    @Part.of
    def greedy(n: Any, x: Any) -> Any:
        row = np.empty(n, element)
        x[0] = row[0]
        row[n - 1] = x[1]
        return row[0]

    @Part.of
    def routine(n: Any, x: Any) -> Any:
        return greedy(n, x) > 0

    with pytest.raises(MemoryError, match="temporaries"):
        called(routine)(2**55, np.ones(2))


def test_a_call_that_python_would_skip_is_refused():
    @Part.of
    def change(x: Any) -> Any:
        x[0] = 2
        return True

    @Part.of
    def routine(n: Any, x: Any) -> Any:
        return n > 0 and change(x)

    with pytest.raises(LoweringError, match="called without condition"):
        called(routine)


def called(part):
    """The part as a function for Python, of a number and a row."""
    kinds = (numba.intp, numba.float64[::1])
    function = named(part.tree, dict(part.namespace), "test")
    return jitted(numba.boolean(*kinds), aliases=True)(function)

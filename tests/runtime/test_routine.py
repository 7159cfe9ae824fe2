"""Routines of linear algebra on disk: compiled once, then restored, also where they need BLAS."""

import pytest

from tapejit.runtime import linear_algebra
from tapejit.runtime.disk_cache import DiskCache
from tapejit.runtime.lapack import Lapack
from tapejit.runtime.linear_algebra import ROUTINES, LinearAlgebra
from tapejit.runtime.routine import address_of
from tapejit.runtime.store import Store


def fail():
    raise AssertionError("the routine was to be restored")


@pytest.mark.parametrize("name", ["log_determinant", "lu_solve"])
def test_a_routine_is_compiled_once(name, tmp_path):
    tmp_path.chmod(0o700)
    store = Store(DiskCache(tmp_path), [])
    symbol, routine = f"tapejit_{name}_f64", ROUTINES[name]
    lapack = Lapack("f64", symbol)
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

"""What the environment says about tiers, and where it says that Numba compiles nothing."""

import numba
import pytest

from tapejit.engine import tier_from_environment
from tapejit.runtime.pipeline import jitted


@pytest.mark.parametrize(
    ("settings", "tier"),
    [
        ({}, "auto"),
        ({"TAPEJIT_TIER": ""}, "auto"),
        ({"TAPEJIT_TIER": "compile"}, "compile"),
        ({"NUMBA_DISABLE_JIT": "1"}, "interpret"),
        ({"NUMBA_DISABLE_JIT": "0"}, "auto"),
        ({"NUMBA_DISABLE_JIT": "1", "TAPEJIT_TIER": "compile"}, "compile"),
    ],
)
def test_the_tier(monkeypatch, settings, tier):
    for name in ("TAPEJIT_TIER", "NUMBA_DISABLE_JIT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert tier_from_environment() == tier


def test_an_unknown_tier(monkeypatch):
    monkeypatch.setenv("TAPEJIT_TIER", "fast")
    with pytest.raises(ValueError, match="TAPEJIT_TIER is 'fast'; set it to one of interpret, compile, auto"):
        tier_from_environment()


def test_compiling_where_numba_is_off(monkeypatch):
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    with pytest.raises(RuntimeError, match="NUMBA_DISABLE_JIT is set"):
        jitted()

"""These tests run in the interpreter, unless they ask for another tier."""

from collections.abc import Callable, Iterator

import pytest

from tapejit.engine import DECORATED, ENGINE, TRACING

ENGINES = (DECORATED, ENGINE, TRACING)


def _set(tier: str) -> None:
    for engine in ENGINES:
        engine.tier = tier


@pytest.fixture(autouse=True)
def interpreted() -> Iterator[None]:
    before = [engine.tier for engine in ENGINES]
    _set("interpret")
    yield
    for engine, tier in zip(ENGINES, before, strict=True):
        engine.tier = tier


@pytest.fixture(params=["interpret", "compile"])
def tier(request: pytest.FixtureRequest, interpreted: None) -> str:
    """Both tiers, one after the other."""
    _set(request.param)
    return request.param


@pytest.fixture
def compile_from_now_on(interpreted: None) -> Callable[[], None]:
    """Call it, and programs are compiled."""
    return lambda: _set("compile")

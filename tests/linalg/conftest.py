"""These tests run in the interpreter, unless they ask for both tiers with the fixture `tier`."""

from collections.abc import Iterator

import pytest

from tapejit.engine import DECORATED, ENGINE


@pytest.fixture(autouse=True)
def interpreted() -> Iterator[None]:
    before = ENGINE.tier, DECORATED.tier
    ENGINE.tier = DECORATED.tier = "interpret"
    yield
    ENGINE.tier, DECORATED.tier = before


@pytest.fixture(params=["interpret", "compile"])
def tier(request: pytest.FixtureRequest, interpreted: None) -> str:
    """Both tiers, one after the other."""
    ENGINE.tier = DECORATED.tier = request.param
    return request.param

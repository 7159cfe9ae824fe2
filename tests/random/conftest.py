"""Most of what is tested here does not depend on compiling."""

from collections.abc import Iterator

import pytest

from tapejit.engine import DECORATED, ENGINE


@pytest.fixture
def interpreted() -> Iterator[None]:
    """Run everything in the interpreter for one test."""
    before = ENGINE.tier, DECORATED.tier
    ENGINE.tier = DECORATED.tier = "interpret"
    yield
    ENGINE.tier, DECORATED.tier = before

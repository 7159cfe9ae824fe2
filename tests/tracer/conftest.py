"""The tracer's tests run in the interpreter: its programs are what is tested, not their code."""

from collections.abc import Iterator

import pytest

from tapejit.engine import DECORATED, ENGINE


@pytest.fixture(autouse=True)
def interpreted() -> Iterator[None]:
    before = ENGINE.tier, DECORATED.tier
    ENGINE.tier = DECORATED.tier = "interpret"
    yield
    ENGINE.tier, DECORATED.tier = before

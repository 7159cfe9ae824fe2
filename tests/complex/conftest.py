"""Complex numbers are tested in the interpreter; a test that wants compiled programs asks for them."""

from collections.abc import Iterator

import pytest

from tapejit.engine import DECORATED, ENGINE


@pytest.fixture(params=["interpret"], autouse=True)
def tier(request) -> Iterator[str]:
    before = ENGINE.tier, DECORATED.tier
    ENGINE.tier = DECORATED.tier = request.param
    yield request.param
    ENGINE.tier, DECORATED.tier = before

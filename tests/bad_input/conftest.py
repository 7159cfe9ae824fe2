"""Here everything runs in the interpreter: what is tested happens before a program runs."""

import pytest

from tapejit.engine import DECORATED, ENGINE


@pytest.fixture(autouse=True)
def _interpreted(monkeypatch):
    monkeypatch.setattr(ENGINE, "tier", "interpret")
    monkeypatch.setattr(DECORATED, "tier", "interpret")

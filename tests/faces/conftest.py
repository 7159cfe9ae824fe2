"""Tests of the faces can ask for a tier; each then records on a trie of its own."""

import pytest

from tapejit import recording
from tapejit.engine import Engine
from tapejit.tracer.trie import Trie

ENGINES = {tier: Engine(tier) for tier in ("interpret", "compile")}


@pytest.fixture(params=ENGINES)
def tier(request, monkeypatch):
    monkeypatch.setattr(recording, "TRIE", Trie(ENGINES[request.param]))
    return request.param


@pytest.fixture
def interpreted(monkeypatch):
    """A trie of its own in the interpreter's tier."""
    monkeypatch.setattr(recording, "TRIE", Trie(ENGINES["interpret"]))

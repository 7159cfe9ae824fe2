"""Each test has programs of its own, so that it can count them."""

import pytest

from tapejit import recording
from tapejit.engine import Engine
from tapejit.tracer.trie import Trie


@pytest.fixture
def decorated():
    """An engine for decorated functions."""
    return Engine("compile")


@pytest.fixture(params=["compile", "auto"])
def recorded(request, monkeypatch):
    """The engine of all that is recorded."""
    own = Engine(request.param)
    monkeypatch.setattr(recording, "TRIE", Trie(own))
    return own

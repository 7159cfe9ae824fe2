"""A trie does not grow without bound, and forgets what was not used for longest."""

from __future__ import annotations

import numpy as np
import pytest

import tapejit as tj
from tapejit import recording
from tapejit.engine import Engine
from tapejit.tracer.trie import Trie, path

MOST = 60


@pytest.fixture
def trie(monkeypatch):
    own = Trie(Engine("interpret"), most=MOST)
    monkeypatch.setattr(recording, "TRIE", own)
    return own


def gradient(size):
    x = tj.array(np.arange(size) + 1.0)
    x.attach_grad()
    with tj.record():
        y = ((x * x + 1.0) * x).sum()
    y.backward()
    np.testing.assert_allclose(x.grad.asnumpy(), 3.0 * np.arange(1, size + 1) ** 2 + 1.0)


def ends(trie):
    """The traces that end in the trie, by the shape of their input."""
    found, pending = {}, [trie.root]
    while pending:
        node = pending.pop()
        pending.extend(node.children.values())
        if node.plans:
            found[path(node)[0].type.shape] = node
    return found


def test_a_thousand_sizes_are_not_kept(trie):
    for size in range(1, 1001):
        gradient(size)
        assert sum(len(path(node)) for node in ends(trie).values()) <= 2 * MOST
    assert (1000,) in ends(trie)


def test_what_is_in_use_stays(trie):
    gradient(5)
    node = ends(trie)[(5,)]
    for size in range(10, 200):
        gradient(size)
        gradient(5)
    assert ends(trie)[(5,)] is node


def test_a_tape_whose_nodes_are_dropped_goes_on(trie):
    x = tj.array([1.0, 2.0])
    x.attach_grad()
    with tj.record():
        y = x * x
        for size in range(10, 60):
            gradient(size)
        z = (y * x).sum()
    z.backward()
    np.testing.assert_allclose(x.grad.asnumpy(), [3.0, 12.0])

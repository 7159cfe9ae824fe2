"""A training step is compiled once; afterwards, whatever the numbers, it only hits."""

import numpy as np
import pytest

import tapejit as tj
from tapejit import recording
from tapejit.engine import DECORATED, Engine
from tapejit.runtime.cache import CacheCounters
from tapejit.tracer.trie import Trie

STEPS = 200


@pytest.fixture(params=["compile", "auto"])
def engine(request, monkeypatch):
    """An engine with counters and a trie of its own."""
    own = Engine(request.param)
    monkeypatch.setattr(recording, "TRIE", Trie(own))
    return own


class Regression:
    """Linear least squares by gradient descent with momentum."""

    def __init__(self):
        self.weights, self.bias = tj.zeros((3, 1)), tj.zeros(1)
        self.parameters = (self.weights, self.bias)
        self.speeds = [tj.zeros(p.shape) for p in self.parameters]
        for p in self.parameters:
            p.attach_grad()

    def step(self, x, y, rate):
        with tj.record():
            error = x @ self.weights + self.bias - y
            loss = (error * error).mean()
        loss.backward()
        for p, speed in zip(self.parameters, self.speeds, strict=True):
            speed *= 0.9
            speed += p.grad
            p -= rate * speed
        return loss


def batches(rng, sizes):
    for size in sizes:
        x = rng.normal(size=(size, 3))
        yield tj.array(x), tj.array(x @ [[1.0], [-2.0], [0.5]] + 3.0)


def test_training_step_compiles_once(engine):
    model, rate = Regression(), 0.1
    for n, (x, y) in enumerate(batches(np.random.default_rng(0), [32] * STEPS)):
        model.step(x, y, rate / (1 + n / 100))
    first = 1 if engine.tier == "auto" else 0  # "auto" interprets what runs for the first time
    assert engine.counters() == CacheCounters(compiled=1, hits=STEPS - 1 - first, interpreted=first)
    np.testing.assert_allclose(model.weights.asnumpy().ravel(), [1.0, -2.0, 0.5], atol=1e-3)
    np.testing.assert_allclose(model.bias.asnumpy(), [3.0], atol=1e-3)


def test_every_further_batch_size_runs_the_program_of_the_second(engine):
    model, sizes = Regression(), [32, 7, 33, 64, 100, 1000, 12]
    for x, y in batches(np.random.default_rng(0), [size for size in sizes for _ in range(3)]):
        model.step(x, y, 0.01)
    once = 2 if engine.tier == "auto" else 0
    assert engine.counters() == CacheCounters(compiled=2, hits=len(sizes) * 3 - 2 - once, interpreted=once)


def test_shorter_last_batch_is_one_more_program(engine):
    model = Regression()
    epoch = [32, 32, 32, 7]
    for x, y in batches(np.random.default_rng(0), epoch * 3):
        model.step(x, y, 0.1)
    once = 2 if engine.tier == "auto" else 0
    assert engine.counters() == CacheCounters(compiled=2, hits=len(epoch) * 3 - 2 - once, interpreted=once)


def test_numbers_in_the_loss_are_arguments(engine):
    x = tj.ones(4)
    x.attach_grad()
    for scale in np.linspace(1.0, 2.0, 10):
        with tj.record():
            y = (float(scale) * x * x).sum()
        y.backward()
        np.testing.assert_allclose(x.grad, np.full(4, 2 * scale))
    assert engine.counters().compiled == 1


def test_decorated_step_compiles_once(monkeypatch):
    monkeypatch.setattr(DECORATED, "tier", "compile")

    @tj.value_and_grad
    def loss(weights, x, y, penalty):
        return np.mean((x @ weights - y) ** 2) + penalty * np.sum(weights**2)

    rng, weights = np.random.default_rng(0), np.zeros(3)
    before = tj.cache_info()
    for n in range(STEPS):
        x = rng.normal(size=(16, 3))
        _, gradient = loss(weights, x, x @ [1.0, -2.0, 0.5], 0.01 / (1 + n))
        weights -= 0.1 * gradient
    after = tj.cache_info()
    assert after.compiled - before.compiled == 1
    assert after.hits - before.hits == STEPS - 1

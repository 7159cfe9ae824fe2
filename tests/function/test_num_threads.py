"""`tj.set_num_threads`: what it accepts, and that it changes no result."""

from __future__ import annotations

import numpy as np
import pytest

import tapejit as tj


@pytest.fixture(autouse=True)
def restored():
    before = tj.get_num_threads()
    yield
    tj.set_num_threads(before)


def test_it_changes_no_bit():
    loss = tj.value_and_grad(lambda x: np.mean(np.tanh(x) ** 2 + np.max(x, axis=1, keepdims=True)))
    x = np.random.default_rng(0).normal(size=(3000, 70))
    runs = []
    for number in (1, 2, 3, np.int64(2)):
        tj.set_num_threads(number)
        assert tj.get_num_threads() == number
        value, gradient = loss(x)
        runs.append((value.tobytes(), gradient.tobytes()))
    assert len(set(runs)) == 1


@pytest.mark.parametrize("number", [0, -1, 257, 10**30])
def test_a_number_out_of_range(number):
    with pytest.raises(ValueError, match=f"from 1 to 256, got {number}"):
        tj.set_num_threads(number)


@pytest.mark.parametrize("number", [1.0, "2", None, True])
def test_no_integer(number):
    with pytest.raises(TypeError, match="must be an integer"):
        tj.set_num_threads(number)

"""Decorated functions of tapejit's own arrays: replayed as those of NumPy's, and answered in kind."""

import numpy as np

import tapejit as tj


def loss(w, x):
    return np.sum(np.tanh(x @ w) ** 2)


W, X = np.array([0.5, -1.0]), np.array([[1.0, 2.0], [0.25, -0.5], [3.0, 1.0]])


def test_calls_are_replayed():
    function = tj.value_and_grad(loss)
    for _ in range(5):
        value, gradient = function(tj.array(W), tj.array(X))
    assert function.memory.traces == 1
    expected = tj.value_and_grad(loss)(W, X)
    assert type(value) is type(gradient) is type(tj.array(W))
    assert float(value) == expected[0]
    np.testing.assert_array_equal(gradient.numpy(), expected[1])


def test_writes_reach_the_array():
    def scale(x):
        x *= 2.0
        return x.sum()

    function, x = tj.jit(scale), tj.array([1.0, 2.0])
    assert [float(function(x)) for _ in range(4)] == [6.0, 12.0, 24.0, 48.0]
    np.testing.assert_array_equal(x.numpy(), [16.0, 32.0])


def test_a_pending_record_keeps_what_it_read():
    function, x = tj.jit(lambda x: np.add(x, 1.0, out=x).sum()), tj.array([1.0, 2.0])
    x.attach_grad()
    with tj.record():
        square = (x * x).sum()
    x.drop_grad()
    assert float(function(x)) == 5.0
    assert float(square) == 5.0


def test_an_array_of_a_record_goes_in_as_its_value():
    function, x = tj.jit(loss), tj.array(W)
    x.attach_grad()
    with tj.record():
        doubled = x * 2.0
    assert float(function(doubled, tj.array(X))) == loss(2 * W, X)

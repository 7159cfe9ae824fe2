"""Gradients that are recorded: `autograd.grad(create_graph=True)` in all ways that records go."""

import gc
import threading
import tracemalloc

import numpy as onp
import pytest

import tapejit as tj
from tapejit import autograd, nd
from tapejit.tracer.trie import STEP_AFTER

V = onp.array([0.4, -1.3, 0.9])


def chain(x, look):
    """A loop whose values Python sees, where `look` says so."""
    y = x
    for _ in range(4):
        y = onp.sin(y) * x + 0.5 * y
        if look:
            assert float(y.sum()) < 100
    return y


def newton(x, look):
    """While: square roots by as many rounds as it takes."""
    y, rounds = x * x + 1.0, 0
    while rounds < 50 and float(abs(y * y - x * x - 1.0).max()) > 1e-13:
        y, rounds = 0.5 * (y + (x * x + 1.0) / y), rounds + 1
    return y


def recorded(f, look, before, levels):
    """The derivatives of sum(cos(derivative)) and so on, by nested create_graph."""
    x = tj.array(V)
    x.attach_grad()
    with autograd.record():
        y = f(x, look)
        if before:
            y.wait_to_read()
        for _ in range(levels):
            (slope,) = autograd.grad(y, x, create_graph=True)
            y = onp.cos(slope)
    y.backward()
    return x.grad.numpy()


def slope_of(y):
    return lambda x: onp.cos(tj.grad(lambda x: y(x).sum())(x))


def decorated(f, levels):
    """The same by nested decorators."""

    def y(x):
        return f(x, False)

    for _ in range(levels):
        y = slope_of(y)
    return tj.grad(lambda x: y(x).sum())(V)


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("look", [False, True])
def test_forward_seen_before_after_and_in_a_loop(look, before, levels):
    onp.testing.assert_allclose(recorded(chain, look, before, levels), decorated(chain, levels), rtol=1e-9)


@pytest.mark.parametrize("levels", [1, 2])
def test_through_a_while_loop(levels):
    def root(x, _):
        return onp.sqrt(x * x + 1.0)

    onp.testing.assert_allclose(recorded(newton, False, False, levels), decorated(root, levels), rtol=1e-7)


def test_a_gradient_penalty_in_a_network():
    rng = onp.random.default_rng(0)
    data, weights = rng.normal(size=(5, 3)), rng.normal(size=(3, 2))

    def loss_of(w, x, grad):
        def score(x):
            return onp.tanh(x @ w).sum()

        return ((grad(score, x) ** 2).sum(axis=1) - 1).sum() + score(x)

    def imperative(score, x):
        x.attach_grad()
        return autograd.grad(score(x), x, create_graph=True)[0]

    w = tj.array(weights)
    w.attach_grad()
    with autograd.record():
        loss = loss_of(w, tj.array(data), imperative)
    loss.backward()
    expected = tj.grad(lambda w: loss_of(w, data, lambda f, x: tj.grad(f)(x)))(weights)
    onp.testing.assert_allclose(w.grad.numpy(), expected, rtol=1e-10)


def test_several_heads_with_recorded_head_gradients():
    x, c = tj.array(V), tj.array(V + 2)
    x.attach_grad()
    c.attach_grad()
    with autograd.record():
        (slope,) = autograd.grad([x**3, x**2], [x], [c * c, None], create_graph=True)
    slope.backward()
    onp.testing.assert_allclose(x.grad.numpy(), 6 * V * (V + 2) ** 2 + 2)
    onp.testing.assert_allclose(c.grad.numpy(), 6 * V**2 * (V + 2))


def test_grad_req_add_sums_both_ways_to_a_variable():
    x = tj.array(V)
    x.attach_grad("add")
    for _ in range(2):
        with autograd.record():
            y = x**3
            (slope,) = autograd.grad(y, x, create_graph=True)
            loss = y + slope
        loss.backward()
    onp.testing.assert_allclose(x.grad.numpy(), 2 * (3 * V**2 + 6 * V))


def test_a_computed_variable():
    x = tj.array(V)
    x.attach_grad()
    with autograd.record():
        y = x * x
        y.attach_grad()
        z = y**3 * x
        dy, dx = autograd.grad(z, [y, x], create_graph=True)
        loss = dy + dx
    loss.backward()
    onp.testing.assert_allclose(y.grad.numpy(), 6 * V**2 * V + 3 * V**4)
    onp.testing.assert_allclose(x.grad.numpy(), 3 * V**4)


def test_outside_a_record_and_after_a_write():
    x = tj.array(V)
    x.attach_grad()
    with autograd.record():
        y = x**4
    y.wait_to_read()
    x[:] = 100.0
    (slope,) = autograd.grad(y, x, create_graph=True)
    assert not autograd.is_recording()
    slope.backward()
    onp.testing.assert_allclose(slope.numpy(), 4 * V**3)
    onp.testing.assert_allclose(x.grad.numpy(), 12 * V**2)


def test_a_leaf_and_shared_heads():
    x = nd.array([1, 2])
    x.attach_grad()
    with autograd.record():
        y = x * x
        (slope,) = autograd.grad([x, y, y], x, create_graph=True)
    assert type(slope) is nd.NDArray
    slope.backward()
    assert slope.asnumpy().tolist() == [5, 9]
    assert x.grad.asnumpy().tolist() == [4, 4]


def test_freed_records_and_wrong_head_gradients_are_errors():
    x = tj.array(V)
    x.attach_grad()
    with autograd.record():
        y = x * x
    y.backward()
    with pytest.raises(tj.MXNetError, match="retain_graph"):
        autograd.grad(y, x, create_graph=True)
    with autograd.record():
        y = x * x
        with pytest.raises(ValueError, match="head gradient has shape"):
            autograd.grad(y, x, tj.ones(2), create_graph=True)
        with pytest.raises(TypeError, match="complex128"):
            autograd.grad(y, x, tj.array(V * 1j), create_graph=True)
    assert not autograd.is_recording()


def test_threads_have_records_of_their_own():
    found = {}

    def work(k):
        x = tj.array(V * k)
        x.attach_grad()
        for _ in range(20):
            with autograd.record():
                (slope,) = autograd.grad(x**3, x, create_graph=True)
                loss = slope * slope
            loss.backward()
        found[k] = x.grad.numpy()

    threads = [threading.Thread(target=work, args=(k,)) for k in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in (1, 2, 3):
        onp.testing.assert_allclose(found[k], 36 * (k * V) ** 3)


def test_in_decorated_functions_gradients_are_traced():
    def cube_slope(x):
        x.attach_grad()
        with autograd.record():
            y = x**3
        return (autograd.grad(y, x)[0] * x).sum()

    def by_backward(w):
        def f(x):
            c = tj.array(w)
            c.attach_grad()
            with autograd.record():
                y = (c * c * x).sum()
            y.backward()
            return (c.grad * x).sum()

        return f

    onp.testing.assert_allclose(tj.grad(cube_slope)(V), 9 * V**2)
    onp.testing.assert_allclose(tj.grad(by_backward(V))(V + 1), 4 * V * (V + 1))
    onp.testing.assert_allclose(tj.jvp(cube_slope, (V,), (V,))[1], (9 * V**3).sum())
    onp.testing.assert_allclose(
        tj.vmap(by_backward(V))(onp.stack([V, V + 1])), [2 * V @ V**2, 2 * V @ (V + 1) ** 2]
    )


def test_transforms_inside_a_record():
    x = tj.array(V)
    x.attach_grad()
    with autograd.record():
        (slope,) = autograd.grad(tj.grad(lambda x: (x**4).sum())(x), x, create_graph=True)
        y = tj.jvp(onp.sin, (slope,), (x,))[1]
    y.backward()
    s, ds = 12 * V**2, 24 * V
    onp.testing.assert_allclose(x.grad.numpy(), onp.cos(s) - onp.sin(s) * ds * V)


@pytest.mark.slow
def test_ten_thousand_steps_hold_no_memory():
    x = tj.array(V)
    x.attach_grad()

    def step():
        with autograd.record():
            y = x**3
            (slope,) = autograd.grad(y, x, create_graph=True)
            loss = (slope * slope).sum() + y.sum()
        loss.backward()

    for _ in range(STEP_AFTER):  # then the builtins of records are there
        step()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(10_000):
        step()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 100_000

"""Demands cut the tape into segments; backward walks them in reverse, reusing their plans."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import tapejit as tj
from tapejit.engine import TRIE
from tapejit.tracer.errors import AutogradError
from tapejit.tracer.trie import Node


def leaf(values, req="write"):
    x = tj.array(values)
    x.attach_grad(req)
    return x


def count_nodes(node: Node) -> int:
    total, stack = 0, [node]
    while stack:
        top = stack.pop()
        total += 1
        stack.extend(top.children.values())
    return total


def doubled(a):
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    return b if b.sum() > 0 else 100 * b


@pytest.mark.parametrize("values", [[1.0, 3.0, 0.5], [-1.0, -3.0, 0.5], [1e-300, 2e-300, 0.0], [0.25]])
def test_a_data_dependent_loop(values):
    a = leaf(values)
    with tj.record():
        d = doubled(a)
    d.backward()
    scale = float(d[0] / a[0])
    np.testing.assert_array_equal(a.grad.numpy(), np.full(len(values), scale))


def test_head_gradients_through_a_loop():
    a = leaf([1.0, 3.0, 0.5])
    with tj.record():
        d = doubled(a)
    d.backward(tj.array([0.01, 1.0, 0.1]))
    np.testing.assert_allclose(a.grad.numpy(), np.array([0.01, 1.0, 0.1]) * float(d[0] / a[0]), rtol=1e-15)


def test_the_number_of_plans_does_not_depend_on_the_trip_count():
    def run(value):
        a = leaf([value, 1e-12])
        with tj.record():
            d = doubled(a)
        d.backward()

    run(3.0)
    run(0.5)
    before = count_nodes(TRIE.root)
    run(1e-9)
    assert count_nodes(TRIE.root) == before


def test_a_value_demanded_before_backward_gives_the_same_gradient():
    x = leaf(np.linspace(0.1, 2.0, 5))
    with tj.record():
        y = (np.sin(x) * np.exp(x)).sum()
    y.backward()
    joint = x.grad.numpy()
    with tj.record():
        y = (np.sin(x) * np.exp(x)).sum()
    float(y)
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), joint, rtol=1e-15)


def test_residuals_of_products_and_reductions_survive_the_demand():
    rng = np.random.default_rng(0)
    w, x = leaf(rng.standard_normal((4, 3))), tj.array(rng.standard_normal((5, 4)))
    grads = []
    for demand in (False, True):
        with tj.record():
            hidden = np.tanh(x @ w)
            loss = (hidden / hidden.sum(axis=1, keepdims=True)).var()
        if demand:
            loss.item()
        loss.backward()
        grads.append(w.grad.numpy())
    np.testing.assert_allclose(grads[1], grads[0], rtol=1e-13)


def test_what_the_user_still_holds_is_computed_and_nothing_else():
    x = leaf([1.0, 2.0])
    with tj.record() as recording:
        y = np.exp(x)
        z = (np.sin(y) * y).sum()
    z.backward()
    assert recording.ir().count("->") == 1
    assert "-> (f64[2], f64[])" in recording.ir()
    np.testing.assert_allclose(y.numpy(), np.exp([1.0, 2.0]))


def test_retain_graph_and_freed_graphs():
    x = leaf([1.0, 2.0])
    with tj.record():
        y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 4])
    with pytest.raises(AutogradError, match="retain_graph=True"):
        y.backward()


def test_an_error_of_a_freed_graph_leaves_gradients_alone():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    with tj.record():
        y = x * x
        float(y[0])
        z = (y * w).sum()
    y.backward()
    x.grad[:] = 7.0
    with pytest.raises(AutogradError):
        z.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [7, 7])
    np.testing.assert_array_equal(w.grad.numpy(), [0, 0])


def test_two_heads_at_once_sum_and_may_share_a_record():
    x = leaf([1.0, 2.0])
    with tj.record():
        y = x * x
        z = 3.0 * x
    tj.backward([y, z], [None, tj.array([1.0, 10.0])])
    np.testing.assert_array_equal(x.grad.numpy(), [2 + 3, 4 + 30])
    with tj.record():
        a = x * x
    with tj.record():
        b = 5.0 * x
    tj.backward([a, b])
    np.testing.assert_array_equal(x.grad.numpy(), [7, 9])


def test_the_same_head_twice():
    x = leaf([1.0, 2.0])
    with tj.record():
        y = x * x
    tj.backward([y, y])
    np.testing.assert_array_equal(x.grad.numpy(), [4, 8])


def test_grad_req_add_and_null():
    x, n = leaf([1.0, 2.0], "add"), leaf([1.0, 1.0], "null")
    for _ in range(3):
        with tj.record():
            y = x * x * n
        y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [6, 12])
    np.testing.assert_array_equal(n.grad.numpy(), [0, 0])


def test_a_leaf_used_in_many_segments_sums():
    x = leaf([1.0, 2.0])
    with tj.record():
        y = x * 1.0
        for _ in range(3):
            if y.sum() > 0:
                y = y + x
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [4, 4])


def test_the_gradient_buffer_is_the_same_object_throughout():
    x = leaf([1.0, 2.0])
    buffer, data = x.grad, x.grad._elements
    for _ in range(2):
        with tj.record():
            y = (x * x).sum()
        y.backward()
    assert x.grad is buffer
    assert x.grad._elements is data


def test_attach_grad_on_a_computed_array_splits_the_graph():
    x = leaf([1.0, 2.0])
    with tj.record():
        y = x * 2
    y.attach_grad()
    with tj.record():
        z = y * x
    z.backward()
    np.testing.assert_array_equal(y.grad.numpy(), [1, 2])
    np.testing.assert_array_equal(x.grad.numpy(), [2, 4])
    y.backward(y.grad)
    np.testing.assert_array_equal(x.grad.numpy(), [2, 4])


def test_a_detached_head_leaves_the_other_history_alone():
    x = leaf([1.0, 2.0, 3.0])
    with tj.record():
        y = x * x
        u = y.detach()
        z = u * x
    z.backward()
    np.testing.assert_array_equal(x.grad.numpy(), u.numpy())
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 4, 6])
    with pytest.raises(AutogradError):
        y.backward()


def test_pause_leaves_no_history():
    x = leaf([1.0, 2.0])
    with tj.record():
        y = x * x
        with tj.pause():
            assert not tj.is_recording()
            constant = y * 10
        z = y * constant
    z.backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * np.array([1.0, 2.0]) * [10, 40])


def test_a_released_record_frees_its_arrays():
    x = leaf(np.ones(1000))
    with tj.record():
        y = np.exp(x)
        float(y[0])
        z = (y * y).sum()
    z.backward()
    data = weakref.ref(y._elements)
    del y, z
    gc.collect()
    assert data() is None


def test_an_abandoned_record_frees_its_arrays():
    x = leaf(np.ones(10))
    with tj.record():
        y = np.exp(x) * 2
        float(y[0])
    data = weakref.ref(y._elements)
    del y
    gc.collect()
    assert data() is None


def test_gradients_of_is_beside_the_attached_gradients():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    with tj.record():
        y = (x * x * w).sum()
    (dx,) = tj.autograd.grad([y], [x])
    np.testing.assert_array_equal(dx.numpy(), 2 * x.numpy() * w.numpy())
    np.testing.assert_array_equal(x.grad.numpy(), [0, 0])
    np.testing.assert_array_equal(w.grad.numpy(), [0, 0])


def test_pickles_and_copies_keep_the_values():
    x = leaf([1.0, 2.0])
    with tj.record():
        y = x * 2
    for again in (pickle.loads(pickle.dumps(y)), copy.deepcopy(y), copy.copy(y)):
        np.testing.assert_array_equal(again.numpy(), [2, 4])
        assert again.grad is None

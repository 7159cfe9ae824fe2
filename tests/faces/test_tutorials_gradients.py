"""What the tutorials show of gradients: heads, detaching, variables in the middle of a computation."""

import numpy as onp
import pytest

import tapejit as mx
from tapejit import autograd, nd, np

pytestmark = pytest.mark.usefixtures("tier")


def variable(values, face=nd):
    x = face.array(values)
    x.attach_grad()
    return x


def holds(array, expected):
    onp.testing.assert_allclose(array.asnumpy(), onp.asarray(expected, "float32"), rtol=1e-6)
    return True


def test_a_gradient_is_zero_until_backward_and_overwritten_by_each():
    x = variable([[1.0, -2.0], [0.5, 3.0]])
    assert holds(x.grad, onp.zeros((2, 2)))
    for _ in range(2):
        with autograd.record():
            y = 3 * x * x
        y.backward()
        assert holds(x.grad, 6 * x.asnumpy())
    with autograd.record():
        y = x.sum()
    y.backward()
    assert holds(x.grad, onp.ones((2, 2)))


def test_a_head_gradient_weighs_every_element():
    x = variable([[1, 2], [3, 4]])
    with autograd.record():
        z = x * x * x
    z.backward(nd.array([[1, 10], [0.1, 0.01]]))
    assert holds(x.grad, [[3, 120], [2.7, 0.48]])


def test_without_a_head_gradient_the_sum_is_differentiated():
    x, u = variable([1, 2, 3]), variable([1, 2, 3])
    with autograd.record():
        y, v = x * x, (u * u).sum()
    y.backward()
    v.backward()
    assert holds(x.grad - u.grad, [0, 0, 0])


@pytest.mark.parametrize("face", [nd, np])
def test_a_scaled_inner_product(face):
    x = variable([0, 1, 2, 3], face)
    with autograd.record():
        y = 2 * face.dot(x.T, x)
    y.backward()
    assert holds(x.grad, [0, 4, 8, 12])


def test_the_gradient_of_a_norm_is_the_direction():
    x = variable([2, 3, 6])
    with autograd.record():
        y = x.norm()
    y.backward()
    assert holds(x.grad, onp.array([2, 3, 6]) / 7)


@pytest.mark.parametrize("face", [nd, np])
def test_a_detached_value_is_a_constant_and_its_own_history_stays(face):
    x = variable([1, 2, 3], face)
    with autograd.record():
        y = x * x
        u = y.detach()
        z = u * x
    z.backward()
    assert holds(x.grad, u.asnumpy())
    y.backward()
    assert holds(x.grad, [2, 4, 6])


@pytest.mark.parametrize("face", [nd, np])
def test_attach_grad_inside_a_record_starts_a_new_variable(face):
    x, y = variable([1, 2, 3], face), variable([4, 4, 4], face)
    with autograd.record():
        u = x * y
        u.attach_grad()
        z = 5 * u - x
    z.backward()
    assert holds(x.grad, [-1, -1, -1])
    assert holds(u.grad, [5, 5, 5])
    assert holds(y.grad, [0, 0, 0])


def test_attach_grad_on_a_result_keeps_the_history_that_made_it():
    x = variable([[1], [2], [4]])
    with autograd.record():
        y = x * 3
    y.attach_grad()
    with autograd.record():
        z = y * x
    z.backward()
    assert holds(y.grad, x.asnumpy())
    y.backward(y.grad)
    assert holds(x.grad, 3 * x.asnumpy())


def test_the_chain_rule_by_hand_through_a_detached_variable():
    x, y = variable([1, 2]), variable([3, 3])
    with autograd.record():
        u = x * y
        v = u.detach()
        v.attach_grad()
        z = 2 * v + x
    z.backward()
    assert holds(x.grad, [1, 1])
    assert holds(y.grad, [0, 0])
    u.backward(v.grad)
    assert holds(x.grad, [6, 6])
    assert holds(y.grad, [2, 4])


def test_a_name_bound_anew_to_a_recorded_result_is_not_the_old_variable():
    x = variable([[1], [2]])
    z = nd.zeros((2, 1))
    z.attach_grad()
    with autograd.record():
        z = x * 2 * x
    z.backward()
    assert holds(x.grad, [[4], [8]])


def test_backward_without_a_record_is_mxnets_error():
    x = variable([[1], [2]])
    y = 2 * nd.dot(x.T, x)
    assert holds(y, [[10]])
    with pytest.raises(mx.MXNetError, match="You need to set is_recording to true or use autograd"):
        y.backward()


def test_backward_twice_names_retain_graph():
    x = variable([1, 2])
    with autograd.record():
        y = x * x
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(mx.MXNetError, match="pass retain_graph=True to backward"):
        y.backward()


def test_training_mode_follows_the_record():
    assert not autograd.is_training()
    with autograd.record():
        assert autograd.is_training()
        with autograd.predict_mode():
            assert not autograd.is_training()
            assert autograd.is_recording()
    with autograd.record(train_mode=False):
        assert not autograd.is_training()
    assert not autograd.is_training()

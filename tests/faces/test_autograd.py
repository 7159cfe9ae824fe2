"""`tapejit.autograd`: the names of MXNet's module."""

import pytest

import tapejit as mx
from tapejit import autograd, nd, np


def squares(face=nd):
    x, y = face.array([1, 2]), face.array([3, 4])
    x.attach_grad()
    y.attach_grad()
    with autograd.record():
        z = x * x * y
    return x, y, z


@pytest.mark.parametrize("face", [nd, np])
def test_grad_returns_new_arrays_and_leaves_grad_alone(face):
    x, y, z = squares(face)
    dx, dy = autograd.grad(z, [x, y])
    assert (dx.tolist(), dy.tolist()) == ([6, 16], [1, 4])
    assert type(dx) is type(x)
    assert x.grad.tolist() == [0, 0]


def test_grad_of_one_variable_is_a_list_too():
    x, _, z = squares()
    (dx,) = autograd.grad(z, x, head_grads=nd.array([1, 0]), retain_graph=True)
    assert dx.tolist() == [6, 0]
    assert autograd.grad([z], [x])[0].tolist() == [6, 16]
    with pytest.raises(mx.MXNetError, match="retain_graph=True"):
        autograd.grad(z, x)


def test_grad_says_what_is_missing():
    x, _, z = squares()
    with pytest.raises(mx.MXNetError, match="2-th variable because it does not require gradient"):
        autograd.grad(z, [x, nd.ones(2)], retain_graph=True)
    other = nd.ones(2)
    other.attach_grad()
    with pytest.raises(mx.MXNetError, match="2-th variable because it is unreachable"):
        autograd.grad(z, [x, other], retain_graph=True)
    with pytest.raises(mx.MXNetError, match="2-th variable because it is unreachable"):
        autograd.grad(z, [x, other], create_graph=True)


def test_backward_of_several_heads():
    x, y, z = squares()
    with autograd.record():
        w = x + y
    autograd.backward([z, w], [nd.array([1, 10]), None])
    assert x.grad.tolist() == [7, 161]
    assert y.grad.tolist() == [2, 41]
    with pytest.raises(ValueError, match=r"1 vs\. 2"):
        autograd.backward([z], [None, None])


def test_mark_variables_uses_the_arrays_given():
    x, buffer = nd.array([1, 2]), nd.zeros(2)
    autograd.mark_variables([x], [buffer], "add")
    for _ in range(2):
        with autograd.record():
            y = x * 3
        y.backward()
    assert x.grad is buffer
    assert buffer.tolist() == [6, 6]


def test_switches_return_the_state_before():
    assert autograd.set_recording(True) is False
    assert autograd.is_recording()
    assert autograd.set_recording(False) is True
    assert autograd.set_training(True) is False
    assert autograd.set_training(False) is True
    with autograd.record():
        with autograd.pause():
            assert not autograd.is_recording()
            assert not autograd.is_training()
        with autograd.pause(train_mode=True):
            assert autograd.is_training()
        assert autograd.is_recording()
    assert not autograd.is_recording()


@pytest.mark.parametrize("req", ["write", "add", "null"])
def test_grad_req(req):
    x = nd.array([1, 2])
    x.attach_grad(req)
    y = nd.ones(2)
    y.attach_grad()
    for _ in range(2):
        with autograd.record():
            z = x * 5 + y
        z.backward()
    assert x.grad.tolist() == {"write": [5, 5], "add": [10, 10], "null": [0, 0]}[req]


def test_writing_to_a_variable_in_a_record_is_an_error_of_mxnet():
    x = nd.array([1, 2])
    x.attach_grad()
    with pytest.raises(mx.MXNetError), autograd.record():
        x += 1
    with pytest.raises(mx.MXNetError), autograd.record():
        x[:] = 3
    assert x.tolist() == [1, 2]

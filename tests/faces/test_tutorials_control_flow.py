"""Python's `while` and `if` on recorded arrays, in the spellings that the tutorials use."""

import math

import numpy as onp
import pytest

import tapejit as mx
from tapejit import autograd, nd, np

pytestmark = pytest.mark.usefixtures("tier")


def by_function(a):
    b = a * 2
    while (nd.norm(b) < 1000).asscalar():
        b = b * 2
    if (mx.nd.sum(b) > 0).asscalar():
        return b
    return 100 * b


def by_method(a):
    b = 2 * a
    while b.norm().asscalar() < 1000:
        b = 2 * b
    return b if b.sum().asscalar() > 0 else 100 * b


def by_truth(a):
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    if b.sum() > 0:
        return b
    return 100 * b


SPELLINGS = [(by_function, nd), (by_method, nd), (by_truth, np), (by_truth, nd)]


def factor(values):
    """What the function multiplies its argument with."""
    size, doubled = onp.linalg.norm(values), 1
    while doubled == 1 or size * doubled < 1000:
        doubled *= 2
    return doubled * (1 if onp.sum(values) > 0 else 100)


@pytest.mark.parametrize(("function", "face"), SPELLINGS)
@pytest.mark.parametrize("values", [[1.5, -0.25, 3.0], [-0.5], [-700.0, 1.0], [0.001, 0.002]])
def test_the_gradient_is_the_factor_of_the_path_taken(function, face, values):
    a = face.array(values)
    a.attach_grad()
    with autograd.record():
        c = function(a)
    head = face.arange(1, len(values) + 1)
    c.backward(head)
    expected = factor(onp.array(values, "float32"))
    onp.testing.assert_allclose(a.grad.asnumpy(), expected * head.asnumpy(), rtol=1e-6)
    onp.testing.assert_allclose(c.asnumpy(), expected * a.asnumpy(), rtol=1e-6)


def test_a_random_scalar_of_the_np_face():
    np.random.seed(5)
    for _ in range(4):
        a = np.random.normal()
        assert a.shape == ()
        a.attach_grad()
        with autograd.record():
            d = by_truth(a)
        d.backward()
        assert a.grad == d / a


def test_a_random_vector_of_the_nd_face():
    mx.random.seed(1)
    a = nd.random_normal(shape=3)
    a.attach_grad()
    with autograd.record():
        c = by_function(a)
    c.backward(nd.array([0.01, 1.0, 0.1]))
    scale = (c / a).asnumpy()[0]
    onp.testing.assert_allclose(a.grad.asnumpy(), scale * onp.array([0.01, 1, 0.1]), rtol=1e-5)
    assert math.log2(scale / (1 if c.asnumpy().sum() > 0 else 100)).is_integer()


def test_the_truth_of_many_elements_is_an_error_in_both_faces():
    for face in (nd, np):
        with autograd.record(), pytest.raises(ValueError, match="ambiguous"):
            bool(face.ones(2) > 0)


def test_every_iteration_reuses_one_program(tier):
    def doublings(start):
        a = nd.array([start])
        a.attach_grad()
        with autograd.record():
            b = by_function(a)
        b.backward()

    doublings(100.0)
    engine = mx.recording.TRIE.engine
    compiled = engine.counters().compiled
    doublings(0.001)
    assert engine.counters().compiled - compiled <= 2

"""Branches and loops under `vmap`: each example gets what its own path gives."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import NestedDemandError

pytestmark = pytest.mark.usefixtures("interpreted")
STACK = np.array([[1.0, 2.0], [-1.0, -2.0], [3.0, 4.0], [-1.0, 0.5]])
SCALES = (1.0, -1.0, 1.0, 2.0, 0.1, -3.0, 1.0)


def branch(x):
    return x**2 if x.sum() > 0 else x**3


def nested_ifs(x):
    if x[0] > 0:
        return x * 2.0 if x[1] > 3 else x - 1.0
    if x[1] > 0:
        return np.exp(x)
    return x * 0.0


def doubled(x):
    while np.sum(x * x) < 100:
        x = x * 2.0
    return x


def broken_out(x):
    total = x * 0.0
    for k in range(6):
        total = total + x**k
        if total.sum() > 20:
            break
    else:
        return -total
    return total


def either(x):
    return x if (x[0] > 0 and x[1] > 3) or not x[0] > -2 else 10.0 * x


def written(x):
    y = x * 1.0
    if y[0] > 0:
        y[1] = y[0] * 3.0
    return y * y


def counted(x):
    n = 0
    while x.sum() < 7:
        x, n = x + 1.0, n + 1
    return {"x": x, "n": n}


FUNCTIONS = (branch, nested_ifs, doubled, broken_out, either, written)


def rows(f, stack):
    return np.stack([f(x) for x in stack])


@pytest.mark.parametrize("f", FUNCTIONS)
def test_values(f):
    mapped = tj.vmap(f)
    for scale in SCALES:
        np.testing.assert_allclose(mapped(STACK * scale), rows(f, STACK * scale))
    np.testing.assert_allclose(tj.vmap(f, in_axes=1, out_axes=1)(STACK.T.copy()), rows(f, STACK).T)


@pytest.mark.parametrize("f", FUNCTIONS)
def test_gradients_inside_and_outside(f):
    slope = tj.grad(lambda x: np.sum(f(x)))
    inside = tj.vmap(tj.grad(lambda x: np.sum(f(x))))
    outside = tj.grad(lambda stack: np.sum(tj.vmap(f)(stack)))
    for scale in SCALES:
        expected = rows(slope, STACK * scale)
        np.testing.assert_allclose(inside(STACK * scale), expected)
        np.testing.assert_allclose(outside(STACK * scale), expected)


@pytest.mark.parametrize("f", FUNCTIONS)
def test_forward_and_second_order(f):
    second = tj.hessian(lambda x: np.sum(f(x)))
    mapped = tj.vmap(second)
    for scale in (1.0, -1.0, 2.0):
        stack = STACK * scale
        np.testing.assert_allclose(mapped(stack), rows(second, stack))
        found = tj.jvp(tj.vmap(f), (stack,), (STACK,))[1]
        expected = [tj.jvp(f, (x,), (v,))[1] for x, v in zip(stack, STACK, strict=True)]
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("f", FUNCTIONS)
def test_one_vmap_in_another(f):
    cube = np.stack([STACK, 2 * STACK[::-1], -STACK])
    expected = np.stack([rows(f, part) for part in cube])
    np.testing.assert_allclose(tj.vmap(tj.vmap(f))(cube), expected)
    np.testing.assert_allclose(tj.jit(lambda c: tj.vmap(tj.vmap(f))(c))(cube), expected)


def test_trees_and_python_numbers():
    found = tj.vmap(counted)(STACK)
    np.testing.assert_allclose(found["x"], [counted(x)["x"] for x in STACK])
    np.testing.assert_array_equal(found["n"], [counted(x)["n"] for x in STACK])


def test_the_same_outcomes_replay():
    mapped = tj.vmap(branch)
    for scale in (1.0, 2.0, 3.0, -1.0, 1.0):
        mapped(STACK * scale)
    assert mapped.memory.traces == 1  # some examples are positive and some not, whichever


def test_a_branch_that_is_not_taken_does_not_poison_the_gradient():
    def f(x):
        return np.sqrt(x) if x > 0 else 0.0 * x

    found = tj.vmap(tj.grad(f))(np.array([4.0, -1.0, 0.0]))
    np.testing.assert_array_equal(found, [0.25, 0, 0])
    total = tj.grad(lambda xs: np.sum(tj.vmap(f)(xs)))
    np.testing.assert_array_equal(total(np.array([4.0, -1.0, 0.0])), [0.25, 0, 0])


def test_all_examples_alike_is_one_path():
    def f(x):
        assert x.sum() < 1e6
        return x * 2

    np.testing.assert_array_equal(tj.vmap(f)(STACK), 2 * STACK)
    with pytest.raises(AssertionError):
        tj.vmap(f)(STACK * 1e7)


def test_no_examples():
    assert tj.vmap(branch)(np.zeros((0, 2))).shape == (0, 2)


def test_what_has_no_meaning_for_a_stack():
    with pytest.raises(NestedDemandError, match=r"lane_paths.py:\d+, inside vmap of"):
        tj.vmap(lambda x: x * float(x[0]))(STACK)
    with pytest.raises(NestedDemandError, match=r"shapes .* must be equal"):
        tj.vmap(lambda x: x if x[0] > 0 else x[:1])(STACK)
    with pytest.raises(TypeError, match="different structures"):
        tj.vmap(lambda x: x if x[0] > 0 else (x, x))(STACK)
    with pytest.raises(ValueError, match="out_axes is None for a result that differs"):
        tj.vmap(branch, out_axes=None)(STACK)
    assert not tj.is_recording()


def test_too_many_paths(monkeypatch):
    monkeypatch.setattr("tapejit.lane_path.MOST_PATHS", 4)

    def f(x):
        for k in range(3):
            x = x * 2.0 if x > k else x + 3.0
        return x

    with pytest.raises(NestedDemandError, match="more than 4 different paths"):
        tj.vmap(f)(np.linspace(-4.0, 4.0, 50))
    np.testing.assert_allclose(tj.vmap(f)(np.full(5, 4.0)), np.full(5, f(4.0)))

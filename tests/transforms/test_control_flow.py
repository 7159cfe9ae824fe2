"""Transforms of functions that branch and loop on what they compute, on the spot, compiled and nested."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import AutogradError, ConversionError

pytestmark = pytest.mark.usefixtures("interpreted")
POINTS = [np.array([1.0, 2.0]) * scale for scale in (1.0, 3.0, -1.0, -2.0, 1.0, 0.5)]


def branch(x):
    return x**2 if x.sum() > 0 else x**3


def slope(x):
    return 2 * x if x.sum() > 0 else 3 * x**2


def doubled(x):
    while np.sum(x * x) < 100:
        x = x * 2.0
    return x


def written(x):
    y = x * 1.0
    if y.sum() > 0:
        y += x
    return y * y


def test_jvp_and_vjp_follow_the_branch():
    for x in POINTS:
        value, tangent = tj.jvp(branch, (x,), (np.ones(2),))
        np.testing.assert_allclose(value, branch(x))
        np.testing.assert_allclose(tangent, slope(x))
        np.testing.assert_allclose(tj.vjp(branch, x)[1](np.ones(2))[0], slope(x))


@pytest.mark.parametrize("transform", [tj.jacfwd, tj.jacrev, tj.jacobian])
def test_jacobians_follow_the_branch_and_replay(transform):
    f = transform(branch)
    for x in POINTS:
        np.testing.assert_allclose(f(x), np.diag(slope(x)))
    assert f.memory.paths == 2


def test_hessian_and_hvp_follow_the_branch():
    def total(x):
        return np.sum(branch(x))

    hessian = tj.hessian(total)
    for x in POINTS:
        second = 2 * np.ones(2) if x.sum() > 0 else 6 * x
        np.testing.assert_allclose(hessian(x), np.diag(second))
        np.testing.assert_allclose(tj.hvp(total, x, np.array([1.0, -1.0])), second * [1, -1])


@pytest.mark.parametrize("transform", [tj.jacfwd, tj.jacrev])
def test_loops_of_any_length(transform):
    f = transform(doubled)
    for scale in (1.0, 0.1, 0.01, 2.0, 1e-5, 100.0, 0.1):
        x = np.array([1.0, 2.0]) * scale
        np.testing.assert_allclose(f(x), np.eye(2) * doubled(x)[0] / x[0])


def test_an_outer_derivative_goes_through_the_branch():
    outer = tj.grad(lambda x: np.sum(tj.jvp(branch, (x,), (x,))[1]))
    for x in POINTS:
        np.testing.assert_allclose(outer(x), 4 * x if x.sum() > 0 else 9 * x**2)


def test_an_outer_jit_takes_the_right_branch():
    outer = tj.jit(tj.jacfwd(branch))
    for x in POINTS:
        np.testing.assert_allclose(outer(x), np.diag(slope(x)))


def test_a_test_of_a_captured_array_is_a_test_of_the_outer_call():
    def f(x, sign):
        return tj.jvp(lambda z: z**2 if sign.sum() > 0 else z**3, (x,), (np.ones(2),))[1]

    compiled = tj.jit(f)
    for sign in (1.0, -1.0, 2.0, -2.0):
        x = np.array([1.0, 2.0])
        np.testing.assert_allclose(compiled(x, np.array([sign])), 2 * x if sign > 0 else 3 * x**2)


def test_in_place():
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(tj.jvp(written, (x,), (np.ones(2),))[1], 8 * x)
    np.testing.assert_allclose(tj.jvp(written, (-x,), (np.ones(2),))[1], -2 * x)


def test_a_branch_in_the_inner_of_two_derivatives():
    inner = tj.grad(lambda x: np.sum(branch(x)))
    twice = tj.grad(lambda x: np.sum(inner(x) ** 2))
    product, diagonal = (
        tj.jit(lambda x: tj.jvp(inner, (x,), (x,))[1]),
        tj.hessian(lambda x: np.sum(branch(x))),
    )
    for x in POINTS:
        second = 2 * np.ones(2) if x.sum() > 0 else 6 * x
        np.testing.assert_allclose(tj.jvp(inner, (x,), (x,))[1], second * x)
        np.testing.assert_allclose(product(x), second * x)
        np.testing.assert_allclose(twice(x), 2 * slope(x) * second)
        np.testing.assert_allclose(np.diag(diagonal(x)), second)


def test_a_loop_in_the_inner_of_two_derivatives():
    def power(a):
        x = a
        while x < 100.0:
            x = x * a
        return x

    twice = tj.grad(tj.grad(power))
    for a in (2.0, 3.0, 11.0, 2.0):
        n = np.ceil(np.log(100.0) / np.log(a))
        assert twice(a) == pytest.approx(n * (n - 1) * a ** (n - 2))


def test_a_float_that_leaves_an_inner_derivative():
    with pytest.raises(ConversionError, match="does not depend on its arguments any more"):
        tj.jit(lambda x: tj.grad(lambda z: np.sum(np.ones(2) * float(z.sum())))(x))(POINTS[0])
    with pytest.raises(ConversionError, match="does not depend on its arguments any more"):
        tj.jvp(lambda z: np.ones(2) * float(z.sum()), (POINTS[0],), (POINTS[0],))


def test_an_array_that_leaks():
    kept = []

    def f(x):
        kept.append(x * 2.0)
        return kept[-1]

    tj.vmap(f)(np.ones((3, 2)))
    with pytest.raises(AutogradError, match=r"inside vmap of f .*test_control_flow"):
        kept[0] + 1.0
    with tj.record(), pytest.raises(AutogradError, match="inside vmap of f"):
        kept[0] + 1.0


def test_an_array_from_outside_that_is_written_inside():
    outside = tj.ones(2)

    def f(x):
        outside[0] = x[0] * 2.0
        return outside * x

    _, tangent = tj.jvp(f, (np.array([1.0, 2.0]),), (np.ones(2),))
    np.testing.assert_allclose(tangent, [4.0, 1.0])
    with pytest.raises(AutogradError, match="written in place, inside jvp of f"):
        outside.asnumpy()


def test_after_an_error_everything_works():
    def fails(x):
        raise KeyError("mine")

    for transform in (tj.vmap, tj.jacfwd, tj.hessian):
        with pytest.raises(KeyError):
            transform(fails)(np.ones(2))
    assert not tj.is_recording()
    np.testing.assert_array_equal(tj.vmap(np.sin)(np.zeros(2)), [0, 0])

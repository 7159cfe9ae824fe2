"""Derivatives of what solvers find, against closed forms."""

import numpy as np
import pytest
import scipy.optimize

import tapejit as tj
from tapejit.tracer.errors import ConvergenceError, NestedDemandError

pytestmark = pytest.mark.usefixtures("interpreted")
RNG = np.random.default_rng(0)
A, Y = RNG.normal(size=(20, 5)), RNG.normal(size=20)
B, Z = RNG.normal(size=(10, 5)), RNG.normal(size=10)


def ridge_objective(w, log_penalty):
    return np.sum((A @ w - Y) ** 2) + np.exp(log_penalty) * np.sum(w**2)


def ridge_solver(log_penalty):
    slope = tj.grad(ridge_objective)
    found = scipy.optimize.minimize(
        ridge_objective, np.zeros(5), (log_penalty,), jac=lambda w, p: slope(w, p), tol=1e-12
    )
    return found.x


def closed_form(log_penalty):
    """The loss on held-out data and its derivative by the logarithm of the penalty."""
    penalty = np.exp(log_penalty)
    normal = A.T @ A + penalty * np.eye(5)
    w = np.linalg.solve(normal, A.T @ Y)
    dw = -np.linalg.solve(normal, penalty * w)
    return np.sum((B @ w - Z) ** 2), 2 * (B @ w - Z) @ B @ dw


def test_the_hyper_parameter_of_a_ridge_regression():
    ridge = tj.implicit.minimizer(ridge_objective, ridge_solver)

    def held_out(log_penalty):
        return np.sum((B @ ridge(log_penalty) - Z) ** 2)

    for log_penalty in (0.3, -1.0, 2.0):
        value, slope = closed_form(log_penalty)
        np.testing.assert_allclose(tj.value_and_grad(held_out)(log_penalty), (value, slope), rtol=1e-6)
        np.testing.assert_allclose(tj.jvp(held_out, (log_penalty,), (1.0,))[1], slope, rtol=1e-6)
        near = [closed_form(log_penalty + step)[1] for step in (1e-4, -1e-4)]
        np.testing.assert_allclose(tj.hessian(held_out)(log_penalty), (near[0] - near[1]) / 2e-4, rtol=1e-4)


def test_derivatives_of_a_root_up_to_the_third():
    calls = []

    def solver(a):
        calls.append(a)
        return np.sqrt(a)

    sqrt = tj.implicit.root(lambda x, a: x * x - a, solver)
    first = tj.grad(sqrt)
    second = tj.grad(first)
    third = tj.grad(second)
    assert first(4.0) == pytest.approx(0.25)
    assert calls == [4.0]
    assert second(4.0) == pytest.approx(-1 / 32)
    assert third(4.0) == pytest.approx(3 / 8 * 4**-2.5)
    assert first(9.0) == pytest.approx(1 / 6)
    assert sqrt(16.0) == 4.0


def test_systems_trees_and_several_arguments():
    def residual(x, p, b):
        return {"u": x["u"] * p["a"] - b, "v": x["v"] + x["u"].sum() - p["c"]}

    def solver(p, b):
        u = b / p["a"]
        return {"u": u, "v": np.array([p["c"] - u.sum()])}

    def value(p, b):
        x = tj.implicit.root(residual, solver)(p, b)
        return np.sum(x["u"] ** 2) + 3.0 * x["v"].sum()

    def direct(p, b):
        u = b / p["a"]
        return np.sum(u**2) + 3.0 * (p["c"] - np.sum(u))

    p, b = {"a": np.array([1.0, 2.0, 4.0]), "c": 2.0}, np.array([3.0, -1.0, 0.5])
    found, expected = (tj.grad(f, argnums=(0, 1))(p, b) for f in (value, direct))
    np.testing.assert_allclose(found[0]["a"], expected[0]["a"])
    np.testing.assert_allclose(found[0]["c"], expected[0]["c"])
    np.testing.assert_allclose(found[1], expected[1])


def test_fixed_points():
    matrix = 0.3 * RNG.normal(size=(3, 3)) / 3

    def step(x, b):
        return {"x": np.tanh(matrix @ x["x"] + b)}

    def value(b):
        return np.sum(tj.fixed_point(step, {"x": np.zeros(3)}, b)["x"] ** 2)

    b = np.array([0.5, -0.2, 0.1])
    tj.check_grads(value, (b,), order=2, eps=1e-4)
    compiled = tj.jit(tj.grad(value))
    for scale in (1.0, 2.0, -1.0):
        np.testing.assert_allclose(compiled(b * scale), tj.grad(value)(b * scale))


def test_what_is_refused():
    with pytest.raises(ConvergenceError, match="the solver stopped where the residual is 2"):
        tj.grad(tj.implicit.root(lambda x, a: x - a, lambda a: a + 2.0))(1.0)
    with pytest.raises(ConvergenceError, match="after 5 iterations an element still changes by"):
        tj.grad(lambda a: tj.fixed_point(lambda x, a: 2 * x + a, 1.0, a, iterations=5))(1.0)
    with pytest.raises(ValueError, match="the residual has 1 elements, the solution 2"):
        tj.grad(lambda a: tj.implicit.root(lambda x, a: x.sum() - a, lambda a: np.ones(2) * a / 2)(a).sum())(
            1.0
        )
    with pytest.raises(TypeError, match="expected a function, got int"):
        tj.implicit.root(3, np.sqrt)
    with pytest.raises(ConvergenceError, match="the residual is inf"):
        tj.grad(tj.implicit.root(lambda x, a: x * x - a, lambda a: np.inf))(1.0)
    with pytest.raises(NestedDemandError, match="no example to run it for"):
        tj.vmap(_root_of_two)(np.ones((0, 2)))
    assert not tj.is_recording()


def _newton(a):
    x = np.ones_like(a)
    for _ in range(60):
        x = 0.5 * (x + a / x)
    return x


_root_of_two = tj.implicit.root(lambda x, a: x * x - a, _newton)
STACK = np.array([[1.0, 4.0], [9.0, 16.0], [2.0, 0.25]])


def test_a_solver_under_vmap_runs_once_per_example():
    np.testing.assert_allclose(tj.vmap(_root_of_two)(STACK), np.sqrt(STACK))
    np.testing.assert_allclose(tj.vmap(_root_of_two, 1, 1)(STACK), np.sqrt(STACK))
    by_tree = tj.implicit.root(
        lambda x, a, b: {"u": x["u"] ** 2 - a, "v": x["v"] - b * x["u"]},
        lambda a, b: {"u": np.sqrt(a), "v": b * np.sqrt(a)},
    )
    found = tj.vmap(by_tree, (0, None))(STACK[:, 0], 3.0)
    np.testing.assert_allclose(found["v"], 3.0 * np.sqrt(STACK[:, 0]))


def test_orders_of_vmap_and_derivatives_of_a_solver():
    a = STACK[:, 0]
    slopes = tj.vmap(tj.grad(_root_of_two))
    for _ in range(2):  # the second call may be a replay
        np.testing.assert_allclose(slopes(a), 0.5 / np.sqrt(a))
        np.testing.assert_allclose(slopes(2.0 * a), 0.5 / np.sqrt(2.0 * a))
    np.testing.assert_allclose(tj.grad(lambda a: np.sum(tj.vmap(tj.jit(_root_of_two))(a)))(a), slopes(a))
    np.testing.assert_allclose(tj.vmap(tj.grad(tj.grad(_root_of_two)))(a), -0.25 * a**-1.5)
    np.testing.assert_allclose(tj.jacfwd(tj.vmap(_root_of_two))(a), np.diag(slopes(a)))
    np.testing.assert_allclose(tj.grad(lambda c: np.sum(tj.vmap(lambda x: x * _root_of_two(c))(a)))(4.0), 3.0)


def test_a_solver_of_stacks_in_stacks():
    a = STACK[:, 0]
    table = tj.vmap(tj.vmap(tj.grad(lambda x, y: _root_of_two(x * y)), (None, 0)), (0, None))(a, a)
    np.testing.assert_allclose(table, 0.5 * np.sqrt(a / a[:, None]))

    def inner(s):
        return tj.grad(lambda t: np.sum(tj.vmap(lambda x: _root_of_two(x * t * s))(a)))(2.0)

    np.testing.assert_allclose(tj.vmap(inner)(a), np.sum(np.sqrt(a)) * np.sqrt(a / 8.0))


def test_a_solver_on_branches_of_examples():
    def parted(x):
        root = _root_of_two(x)
        return root if root > 1.5 else -_root_of_two(x + 1.0)

    a = STACK.ravel()
    expected = np.where(np.sqrt(a) > 1.5, 0.5 / np.sqrt(a), -0.5 / np.sqrt(a + 1.0))
    np.testing.assert_allclose(tj.vmap(tj.grad(parted))(a), expected)


def test_fixed_points_of_examples_from_where_they_begin():
    slope = tj.grad(lambda a: tj.fixed_point(lambda x, a: 0.5 * (x + a / x), a + 1.0, a))
    np.testing.assert_allclose(tj.vmap(slope)(STACK[0]), 0.5 / np.sqrt(STACK[0]))


def test_what_depends_on_a_solver_but_not_on_the_argument_has_a_zero_gradient():
    def outer(x):
        constant = tj.grad(lambda y: _root_of_two(x) * 1.0)(x * 2.0)
        return x + constant

    assert tj.grad(outer)(4.0) == 1.0

"""Compiled programs give what the interpreter gives, for small matrices (loops) and larger ones (LAPACK)."""

import numpy as np
import pytest
from linalg_cases import CASES, SYMMETRIC, on_symmetric, parts, scalar

import tapejit as tj
from tapejit.engine import DECORATED

L = np.linalg
ALL = {**CASES, **{name: (on_symmetric(f), x) for name, (f, x) in SYMMETRIC.items()}}
NAMES = [name for name in ALL if not name.startswith(("vector", "norm_", "matrix_norm"))]
GROUPS = [NAMES[k::4] for k in range(4)]  # several in one program, to save compile time


def both_tiers(f, *args):
    interpreted = tj.jit(f)(*args)
    DECORATED.tier = "compile"
    return tj.jit(f)(*args), interpreted


def assert_same(found, expected, rtol):
    for y, z in zip(found, expected, strict=True):
        np.testing.assert_allclose(y, z, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_values_and_gradients(names):
    def evaluate(*xs):
        found = [parts(ALL[name][0](x)) for name, x in zip(names, xs, strict=True)]
        gradients = [tj.grad(scalar(*ALL[name]))(x) for name, x in zip(names, xs, strict=True)]
        return tuple(y for each in found for y in each) + tuple(gradients)

    assert_same(*both_tiers(evaluate, *(ALL[name][1] for name in names)), rtol=1e-9)


def large(a, b):
    """What calls LAPACK; nothing that depends on the signs of vectors."""
    positive = a @ np.swapaxes(a, -1, -2) + 20 * np.eye(20)
    w, v = L.eigh(positive)
    u, s, vt = L.svd(b, full_matrices=False)
    q, r = L.qr(b)
    return (
        L.cholesky(positive),
        L.solve(a, b),
        L.inv(a),
        L.slogdet(a).logabsdet,
        w,
        (v * np.exp(-w)[..., None, :]) @ np.swapaxes(v, -1, -2),
        (u * s[..., None, :] ** 2) @ vt,
        abs(r),
        q @ r @ np.ones(7),
        L.pinv(b),
    )


def test_larger_matrices():
    random = np.random.default_rng(2)
    a, b = random.standard_normal((2, 20, 20)) + 9 * np.eye(20), random.standard_normal((2, 20, 7))

    def evaluate(a, b):
        gradient = tj.grad(lambda a, b: sum(np.sum(np.sin(x)) for x in large(a, b)), (0, 1))
        return (*large(a, b), *gradient(a, b))

    assert_same(*both_tiers(evaluate, a, b), rtol=1e-8)


@pytest.mark.parametrize("lower", [False, True])
def test_triangular_solves_of_all_kinds(lower):
    random = np.random.default_rng(4)

    def evaluate(a, b):
        kinds = [(trans, unit) for trans in (0, 1) for unit in (False, True)]
        return tuple(tj.linalg.solve_triangular(a, b, t, lower, u) for t, u in kinds)

    for n, k in ((3, 2), (24, 1), (24, 5)):
        a, b = random.standard_normal((n, n)) / n + 2 * np.eye(n), random.standard_normal((n, k))
        assert_same(*both_tiers(evaluate, a, b), rtol=1e-11)


def test_empty_and_single():
    def evaluate(none, stack, wide, one):
        results = [L.cholesky(none), L.inv(none), L.det(none), *L.eigh(stack), *L.svd(wide), L.pinv(wide)]
        return (*results, L.slogdet(stack).logabsdet, L.cholesky(one * one), L.eigvalsh(one), *L.svd(one))

    arrays = np.zeros((0, 0)), np.zeros((2, 0, 0)), np.zeros((0, 3)), np.array([[-3.0]])
    assert_same(*both_tiers(evaluate, *arrays), rtol=1e-14)


def test_only_what_is_read_is_computed():
    """Vectors that nobody reads are not asked of LAPACK."""
    DECORATED.tier = "compile"
    values, vectors = tj.jit(L.eigvalsh), tj.jit(lambda a: L.eigh(a).eigenvectors)
    values(np.eye(3)), vectors(np.eye(3))
    assert "eigh_f64(1, 3, True, False" in values.source()
    assert "eigh_f64(1, 3, True, True" in vectors.source()


def test_the_backward_pass_uses_the_factor():
    DECORATED.tier = "compile"
    gradient = tj.grad(lambda a, b: np.sum(L.solve(a, b) ** 2))
    gradient(np.eye(3), np.ones(3))
    source = gradient.source()
    assert source.count(" lu_f64(") == 1
    assert source.count("lu_solve_f64(") == 2


def test_inside_a_native_loop():
    def shrink(a):
        while L.norm(a) > 1.0:
            a = L.solve(2.0 * np.eye(2), a)
        return np.sum(a)

    DECORATED.tier = "compile"
    gradient = tj.grad(shrink)
    for size in (1.0, 4.0, 100.0):
        a = np.array([[size, 1.0], [2.0, size]])
        halvings = max(0, int(np.ceil(np.log2(np.linalg.norm(a)))))
        np.testing.assert_allclose(gradient(a), np.full((2, 2), 0.5**halvings), rtol=1e-12)

"""Compiled programs give what the interpreter gives, for small matrices (loops) and larger ones (LAPACK)."""

import numpy as np
import pytest
from linalg_cases import CASES, SYMMETRIC, on_symmetric, parts, scalar

import tapejit as tj

L = np.linalg
ALL = {**CASES, **{name: (on_symmetric(f), x) for name, (f, x) in SYMMETRIC.items()}}
NAMES = [name for name in ALL if not name.startswith(("vector", "norm_", "matrix_norm"))]
GROUPS = [NAMES[k::4] for k in range(4)]  # several in one program, to save compile time


@pytest.fixture
def both_tiers(compile_from_now_on):
    """What `f` gives compiled and interpreted. Equal traces share a program, so the traces differ."""

    def run(f, *args):
        interpreted = tj.jit(lambda *xs: f(*(x * 1.0 for x in xs)))(*args)
        compile_from_now_on()
        before = tj.cache_info().compiled
        compiled = tj.jit(f)(*args)
        assert tj.cache_info().compiled > before
        return compiled, interpreted

    return run


def assert_same(found, expected, rtol):
    for y, z in zip(found, expected, strict=True):
        np.testing.assert_allclose(y, z, rtol=rtol, atol=rtol)


@pytest.mark.slow
@pytest.mark.parametrize("names", GROUPS, ids=lambda names: names[0])
def test_values_and_gradients(names, both_tiers):
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


@pytest.mark.slow
def test_larger_matrices(both_tiers):
    random = np.random.default_rng(2)
    a, b = random.standard_normal((2, 20, 20)) + 9 * np.eye(20), random.standard_normal((2, 20, 7))

    def evaluate(a, b):
        gradient = tj.grad(lambda a, b: sum(np.sum(np.sin(x)) for x in large(a, b)), (0, 1))
        return (*large(a, b), *gradient(a, b))

    assert_same(*both_tiers(evaluate, a, b), rtol=1e-8)


@pytest.mark.parametrize("lower", [False, True])
def test_triangular_solves_of_all_kinds(lower, both_tiers):
    random = np.random.default_rng(4)

    def evaluate(a, b):
        kinds = [(trans, unit) for trans in (0, 1) for unit in (False, True)]
        return tuple(tj.linalg.solve_triangular(a, b, t, lower, u) for t, u in kinds)

    sides = [(3, 2), (24, 1), (24, 5)]
    arrays = [random.standard_normal((n, m)) / n + 2 * np.eye(n, m) for n, k in sides for m in (n, k)]

    def every(*arrays):
        pairs = zip(arrays[::2], arrays[1::2], strict=True)
        return tuple(x for a, b in pairs for x in evaluate(a, b))

    assert_same(*both_tiers(every, *arrays), rtol=1e-11)


def test_empty_and_single(both_tiers):
    def evaluate(none, stack, wide, one):
        results = [L.cholesky(none), L.inv(none), L.det(none), *L.eigh(stack), *L.svd(wide), L.pinv(wide)]
        return (*results, L.slogdet(stack).logabsdet, L.cholesky(one * one), L.eigvalsh(one), *L.svd(one))

    arrays = np.zeros((0, 0)), np.zeros((2, 0, 0)), np.zeros((0, 3)), np.array([[-3.0]])
    assert_same(*both_tiers(evaluate, *arrays), rtol=1e-14)


def test_only_what_is_read_is_computed(compile_from_now_on):
    """Vectors that nobody reads are not asked of LAPACK."""
    compile_from_now_on()
    values, vectors = tj.jit(L.eigvalsh), tj.jit(lambda a: L.eigh(a).eigenvectors)
    values(np.eye(3)), vectors(np.eye(3))
    assert "eigh_f64(1, 3, True, False" in values.source()
    assert "eigh_f64(1, 3, True, True" in vectors.source()


def test_the_backward_pass_uses_the_factor(compile_from_now_on):
    compile_from_now_on()
    gradient = tj.grad(lambda a, b: np.sum(L.solve(a, b) ** 2))
    gradient(np.eye(3), np.ones(3))
    source = gradient.source()
    assert source.count(" lu_f64(") == 1
    assert source.count("lu_solve_f64(") == 2


@pytest.mark.slow
def test_inside_a_native_loop(compile_from_now_on):
    def shrink(a):
        while L.norm(a) > 1.0:
            a = L.solve(2.0 * np.eye(2), a)
        return np.sum(a)

    compile_from_now_on()
    gradient = tj.grad(shrink)
    for size in (1.0, 4.0, 100.0):
        a = np.array([[size, 1.0], [2.0, size]])
        halvings = max(0, int(np.ceil(np.log2(np.linalg.norm(a)))))
        np.testing.assert_allclose(gradient(a), np.full((2, 2), 0.5**halvings), rtol=1e-12)

"""Every function of `np.linalg`: NumPy's values; derivatives against differences and one another."""

import numpy as np
import pytest
from linalg_cases import CASES, MATRIX_ORDERS, SYMMETRIC, VECTOR_ORDERS, on_symmetric, parts, scalar

import tapejit as tj

ALL = {**CASES, **{name: (on_symmetric(f), x) for name, (f, x) in SYMMETRIC.items()}}
ORDERS = (*MATRIX_ORDERS, *VECTOR_ORDERS)
RANDOM = np.random.default_rng(3)
MANY = tuple(f"{kind}_{order}" for kind in ("norm_axes", "matrix_norm", "vector_axis") for order in ORDERS)


def cases(table):
    """Parameters of a test; the many orders of norms over axes are for the long run."""
    found = [
        pytest.param(*case, id=name, marks=pytest.mark.slow if name in MANY else ())
        for name, case in table.items()
    ]
    return pytest.mark.parametrize(("f", "x"), found)


every = cases(ALL)


@cases({**CASES, **SYMMETRIC})
def test_values_are_numpy_s(f, x):
    found, expected = tj.jit(f)(x), f(x)
    for y, z in zip(parts(found), parts(expected), strict=True):
        assert np.shape(y) == np.shape(z)
        assert np.asarray(y).dtype == np.asarray(z).dtype
        np.testing.assert_allclose(y, z, rtol=1e-11, atol=1e-13)
    if isinstance(expected, tuple) and hasattr(expected, "_fields"):
        assert type(found) is type(expected)


@every
def test_the_tangent_is_the_slope_and_the_gradient_its_transpose(f, x):
    loss, v = scalar(f, x), RANDOM.standard_normal(x.shape)
    slope = (loss(x + 1e-6 * v) - loss(x - 1e-6 * v)) / 2e-6
    _, tangent = tj.jvp(loss, (x,), (v,))
    np.testing.assert_allclose(tangent, slope, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(np.sum(tj.grad(loss)(x) * v), tangent, rtol=1e-9, atol=1e-11)


@every
def test_second_derivatives(f, x):
    """The gradient's tangent is its slope."""
    gradient, v = tj.grad(scalar(f, x)), RANDOM.standard_normal(x.shape)
    slope = (gradient(x + 1e-6 * v) - gradient(x - 1e-6 * v)) / 2e-6
    (second,) = tj.hvp(scalar(f, x), (x,), (v,))
    np.testing.assert_allclose(second, slope, rtol=2e-4, atol=1e-4 * max(1.0, np.abs(slope).max()))


@pytest.mark.parametrize("name", sorted(SYMMETRIC.keys() - {"pinv_hermitian"}))  # which reads both
def test_gradients_of_functions_of_one_triangle_are_symmetric(name):
    f, x = SYMMETRIC[name]
    found = tj.grad(scalar(f, x))(x)
    np.testing.assert_allclose(found, np.swapaxes(found, -1, -2), rtol=1e-9, atol=1e-12)


@cases({name: (f, x) for name, (f, x) in ALL.items() if x.ndim == 2 and "norm" not in name})
def test_a_stack_by_vmap_is_a_loop(f, x):
    stack = np.stack([x, x + 0.01 * RANDOM.standard_normal(x.shape)])
    loss = scalar(f, x)
    found = tj.vmap(tj.grad(loss))(stack)
    np.testing.assert_allclose(found, [tj.grad(loss)(each) for each in stack], rtol=1e-7, atol=1e-9)


@cases({**CASES, **SYMMETRIC})
def test_single_precision_stays(f, x):
    small = x.astype(np.float32)
    for y, z in zip(parts(tj.jit(f)(small)), parts(f(small)), strict=True):
        assert np.asarray(y).dtype == np.asarray(z).dtype
        np.testing.assert_allclose(np.abs(y), np.abs(z), rtol=2e-2, atol=1e-3)
    assert tj.grad(scalar(f, small))(small).dtype == np.float32


def test_other_layouts_and_dtypes():
    whole = np.arange(16.0).reshape(4, 4) + 5 * np.eye(4)
    for x in (whole.T, whole[::2, ::2], whole[::-1, ::-1], np.asfortranarray(whole)):
        np.testing.assert_allclose(tj.jit(np.linalg.inv)(x), np.linalg.inv(x), rtol=1e-12)
    counts = np.array([[2, 1], [1, 1]])
    np.testing.assert_allclose(tj.jit(np.linalg.inv)(counts), [[1, -1], [-1, 2]], atol=1e-12)
    mixed = tj.jit(np.linalg.solve)(np.eye(2, dtype=np.float32), np.ones(2))
    assert mixed.dtype == np.float64


def test_in_a_record_and_at_once():
    a = tj.array(np.array([[2.0, 0.5], [0.5, 1.0]]), dtype="float64")
    a.attach_grad()
    with tj.record():
        factor = np.linalg.cholesky(a)
        if factor[0, 0] > 1.0:
            loss = np.linalg.slogdet(factor).logabsdet + np.linalg.eigh(a).eigenvalues.sum()
    loss.backward()
    expected = 0.5 * np.linalg.inv(a.asnumpy()) + np.eye(2)
    np.testing.assert_allclose(a.grad.asnumpy(), expected, rtol=1e-6)
    assert type(np.linalg.eigh(a)).__name__ == "EighResult"


def test_faces():
    np.testing.assert_allclose(tj.np.linalg.inv([[2.0, 0.0], [0.0, 1.0]]).asnumpy(), [[0.5, 0.0], [0.0, 1.0]])
    assert tj.np.linalg.eigh(tj.np.eye(2)).eigenvalues.shape == (2,)
    assert tj.np.linalg.LinAlgError is np.linalg.LinAlgError

"""What cannot be done says so, with the user's line: at once for shapes, when it runs for values."""

import inspect

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import MatrixError, ShapeError, UnsupportedError

L = np.linalg
SINGULAR, INDEFINITE = np.ones((2, 2)), np.array([[1.0, 2.0], [2.0, 1.0]])
FAILURES = {
    "cholesky": (L.cholesky, INDEFINITE, "not positive definite"),
    "solve": (lambda a: L.solve(a, np.ones(2)), SINGULAR, "Singular matrix"),
    "inv": (L.inv, np.stack([np.eye(2), SINGULAR]), "Singular matrix"),
    "matrix_power": (lambda a: L.matrix_power(a, -2), SINGULAR, "Singular matrix"),
    "solve of complex matrices": (lambda a: abs(L.solve(a * 1j, np.ones(2))), SINGULAR, "Singular matrix"),
    "svd": (L.svdvals, np.full((2, 3), np.nan), "did not converge"),
    "pinv": (L.pinv, np.full((2, 3), np.nan), "did not converge"),
    "triangular": (lambda a: tj.linalg.solve_triangular(a, np.ones(2)), np.diag([1.0, 0.0]), "Singular"),
    "positive": (lambda a: tj.linalg.solve(a, np.ones(2), assume_a="pos"), INDEFINITE, "not positive"),
}


@pytest.mark.parametrize(("f", "a", "message"), FAILURES.values(), ids=FAILURES)
def test_a_matrix_that_cannot_be_factored(f, a, message, tier):
    with pytest.raises(L.LinAlgError, match=f"{message}.* at test_linalg_errors.py:"):
        tj.jit(f)(a)
    with pytest.raises(L.LinAlgError, match=f"{message}.* at test_linalg_errors.py:"):
        tj.grad(lambda a: np.sum(f(a)))(a)


def test_the_line_is_the_user_s_whoever_compiled_the_program(tier):
    """Two functions that compute the same share a program, not their lines."""

    def first(a):
        return np.sum(L.cholesky(a))

    def second(a):
        return np.sum(
            L.cholesky(a),
        )

    for f, offset in ((first, 1), (second, 2)):
        line = inspect.getsourcelines(f)[1] + offset
        compiled = tj.grad(f)
        compiled(np.eye(2))
        for _ in range(2):
            with pytest.raises(L.LinAlgError, match=f"cholesky of f64.2,2. at test_linalg_errors.py:{line}$"):
                compiled(INDEFINITE)
        np.testing.assert_array_equal(compiled(np.eye(2)), np.full((2, 2), 0.5))


def test_in_a_record(tier):
    """Records of the same operations share what was learnt, the line of the first of them included."""
    a = tj.array(INDEFINITE, dtype="float64")
    a.attach_grad()
    for _ in range(3):
        with tj.record():
            loss = L.cholesky(a).sum()
        with pytest.raises(L.LinAlgError, match=r"at test_linalg_\w+\.py:"):
            loss.backward()
    a[:] = np.eye(2)
    with tj.record():
        loss = L.cholesky(a).sum()
    loss.backward()
    np.testing.assert_array_equal(a.grad.asnumpy(), np.full((2, 2), 0.5))


def test_a_failure_adds_nothing_to_a_gradient():
    """With grad_req="add" an error leaves what was there."""
    a = tj.array(INDEFINITE, dtype="float64")
    a.attach_grad(grad_req="add")
    with tj.record():
        loss = L.cholesky(a).sum()
    with pytest.raises(L.LinAlgError):
        loss.backward()
    np.testing.assert_array_equal(a.grad.asnumpy(), np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("f", "x", "kind", "message"),
    [
        (
            L.inv,
            np.ones((2, 3)),
            MatrixError,
            r"inv\(f64\[2,3\]\) at test_linalg_errors.py:\d+: the last two",
        ),
        (L.cholesky, np.ones(3), MatrixError, "1-dimensional array given"),
        (lambda a: L.solve(a, np.ones(4)), np.eye(3), ShapeError, r"\(4, 1\) do not fit .* \(3, 3\)"),
        (lambda a: L.solve(a, np.ones((2, 3, 1))), np.ones((4, 3, 3)), ShapeError, "do not broadcast"),
        (lambda a: L.norm(a, 3), np.eye(3), ShapeError, "no norm of order 3"),
        (lambda a: L.norm(a, "fro"), np.ones(3), ShapeError, "no norm of order 'fro'"),
        (lambda a: L.norm(a, 2), np.ones((2, 2, 2)), ShapeError, "of one axis or of two"),
        (lambda a: L.eigvalsh(a, "X"), np.eye(3), ShapeError, "'L' or 'U'"),
        (lambda a: L.qr(a, "raw"), np.eye(3), UnsupportedError, "'reduced', 'complete' or 'r'"),
        (lambda a: L.matrix_power(a, 2), np.ones((2, 3)), MatrixError, "have to be equal"),
        (lambda a: L.multi_dot([a]), np.eye(3), ShapeError, "two arrays"),
        (lambda a: L.cross(a, a), np.ones((2, 4)), ShapeError, "three components"),
        (L.eig, np.ones((2, 3)), MatrixError, "have to be equal"),
        (
            lambda a: tj.linalg.solve(a, np.ones(3), assume_a="x"),
            np.eye(3),
            UnsupportedError,
            "positive definite",
        ),
        (
            lambda a: tj.linalg.lu_solve((a, np.arange(3)), np.ones(3), trans=7),
            np.eye(3),
            ShapeError,
            "trans",
        ),
    ],
)
def test_shapes_and_arguments(f, x, kind, message):
    with pytest.raises(kind, match=message) as caught:
        tj.jit(f)(x)
    assert "test_linalg_errors.py:" in str(caught.value)
    assert isinstance(caught.value, L.LinAlgError) == (kind is MatrixError)

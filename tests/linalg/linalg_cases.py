"""Calls of `np.linalg` and the matrices they are tested on. `SYMMETRIC` ones have derivatives there only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

L = np.linalg
RANDOM = np.random.default_rng(5)
SQUARE = RANDOM.standard_normal((3, 3)) + 2 * np.eye(3)
STACK = RANDOM.standard_normal((2, 3, 3)) + 2 * np.eye(3)
POSITIVE = SQUARE @ SQUARE.T + np.eye(3)
POSITIVES = STACK @ STACK.swapaxes(-1, -2) + np.eye(3)
INDEFINITE = POSITIVE - 4 * np.eye(3)
DIAGONAL = np.diag([1.0, 2.0, 3.0, 4.0]) + 0.1
TALL = RANDOM.standard_normal((4, 3))
WIDE = RANDOM.standard_normal((3, 4))
TALLS = RANDOM.standard_normal((2, 4, 3))
RIGHT = RANDOM.standard_normal((3, 2))
RIGHTS = RANDOM.standard_normal((2, 3, 2))
VECTOR = RANDOM.standard_normal(3)
VECTORS = RANDOM.standard_normal((4, 3))

Case = tuple[Callable[[Any], Any], np.ndarray]

SYMMETRIC: dict[str, Case] = {
    "cholesky": (L.cholesky, POSITIVE),
    "cholesky_upper": (lambda a: L.cholesky(a, upper=True), POSITIVES),
    "eigh": (L.eigh, INDEFINITE),
    "eigh_upper": (lambda a: L.eigh(a, "U"), POSITIVES),
    "eigvalsh": (L.eigvalsh, INDEFINITE),
    "svd_hermitian": (lambda a: L.svd(a, hermitian=True), INDEFINITE),
    "svdvals_hermitian": (lambda a: L.svd(a, compute_uv=False, hermitian=True), INDEFINITE),
    "pinv_hermitian": (lambda a: L.pinv(a, hermitian=True), INDEFINITE),
}
GENERAL: dict[str, Case] = {
    "inv": (L.inv, STACK),
    "det": (L.det, STACK),
    "slogdet": (L.slogdet, STACK),
    "solve_matrix": (lambda a: L.solve(a, RIGHT), SQUARE),
    "solve_vector": (lambda a: L.solve(a, VECTOR), SQUARE),
    "solve_right": (lambda b: L.solve(SQUARE, b), RIGHT),
    "solve_right_vector": (lambda b: L.solve(SQUARE, b), VECTOR),
    "solve_one_side_for_a_stack": (lambda a: L.solve(a, RIGHT), STACK),
    "solve_a_stack_of_sides": (lambda b: L.solve(SQUARE, b), RIGHTS),
    "svd": (lambda a: L.svd(a, full_matrices=False), TALLS),
    "svd_full": (L.svd, WIDE),
    "svd_values": (lambda a: L.svd(a, compute_uv=False), TALL),
    "svdvals": (L.svdvals, WIDE),
    "qr": (L.qr, TALLS),
    "qr_wide": (L.qr, WIDE),
    "qr_complete": (lambda a: L.qr(a, "complete"), TALL),
    "qr_r": (lambda a: L.qr(a, mode="r"), TALL),
    "pinv_tall": (L.pinv, TALLS),
    "pinv_wide": (lambda a: L.pinv(a, rcond=1e-10), WIDE),
    "lstsq_vector": (lambda a: L.lstsq(a, VECTORS[:, 0]), TALL),
    "lstsq_matrix": (lambda b: L.lstsq(TALL, b), VECTORS),
    "lstsq_wide": (lambda a: L.lstsq(a, VECTOR), WIDE),
    "matrix_rank": (L.matrix_rank, TALLS),
    "cond": (L.cond, STACK),
    "cond_inverse": (lambda a: L.cond(a, -2), SQUARE),
    "cond_1": (lambda a: L.cond(a, 1), SQUARE),
    "cond_fro": (lambda a: L.cond(a, "fro"), STACK),
    "matrix_power": (lambda a: L.matrix_power(a, 5), SQUARE),
    "matrix_power_negative": (lambda a: L.matrix_power(a, -3), STACK),
    "matrix_power_0": (lambda a: L.matrix_power(a, 0), STACK),
    "multi_dot": (lambda a: L.multi_dot([VECTOR, a, RIGHT, RIGHT.T]), SQUARE),
    "multi_dot_same": (lambda a: L.multi_dot([a, a, a]), SQUARE),
    "tensorinv": (lambda a: L.tensorinv(a.reshape(4, 2, 2), 1), RANDOM.standard_normal((4, 4)) + np.eye(4)),
    "tensorsolve": (lambda a: L.tensorsolve(a.reshape(2, 2, 4), np.ones((2, 2))), DIAGONAL),
    "cross": (lambda a: L.cross(a, VECTORS), TALL),
    "outer": (lambda a: L.outer(a, a), VECTOR),
    "vecdot": (lambda a: L.vecdot(a, VECTORS), TALL),
    "diagonal": (lambda a: L.diagonal(a, offset=1), STACK),
    "trace": (lambda a: L.trace(a, offset=-1), STACK),
    "matrix_transpose": (L.matrix_transpose, TALLS),
    "matmul": (lambda a: L.matmul(a, RIGHT), STACK),
    "tensordot": (lambda a: L.tensordot(a, RIGHT, axes=1), STACK),
}
MATRIX_ORDERS = (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
VECTOR_ORDERS = (None, 0, 1, -1, 2, -2, 3, 0.5, 2.5, -3, np.inf, -np.inf)


def _vector_norm(order: float) -> Callable[[Any], Any]:
    return lambda a: L.vector_norm(a, ord=order, axis=(0, 2))


NORMS: dict[str, Case] = {
    **{f"norm_{o}": (lambda a, o=o: L.norm(a, o), TALL) for o in MATRIX_ORDERS},
    **{f"norm_axes_{o}": (lambda a, o=o: L.norm(a, o, (2, 0), True), TALLS) for o in MATRIX_ORDERS},
    **{f"matrix_norm_{o}": (lambda a, o=o: L.matrix_norm(a, ord=o), TALLS) for o in MATRIX_ORDERS[1:]},
    **{f"vector_{o}": (lambda a, o=o: L.norm(a, o), VECTOR) for o in VECTOR_ORDERS},
    **{f"vector_axis_{o}": (lambda a, o=o: L.norm(a, o, axis=-1), TALLS) for o in VECTOR_ORDERS},
    **{f"vector_norm_{o}": (_vector_norm(o), TALLS) for o in VECTOR_ORDERS[1:]},
    "norm_of_all": (lambda a: L.norm(a, keepdims=True), TALLS),
}
CASES = {**GENERAL, **NORMS}


def parts(found: Any) -> list[Any]:
    """The results of a call that has one or several."""
    return list(found) if isinstance(found, tuple) else [found]


def weights(found: Any) -> Iterator[np.ndarray]:
    """For each result numbers that make a scalar of it."""
    for k, x in enumerate(parts(found)):
        yield np.cos(np.arange(np.size(x)) + k).reshape(np.shape(x))


def scalar(f: Callable[[Any], Any], x: np.ndarray) -> Callable[[Any], Any]:
    """The weighted sum of the results of `f`."""
    given = list(weights(f(x)))
    return lambda a: sum(np.sum(y * w) for y, w in zip(parts(f(a)), given, strict=True))


def on_symmetric(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`f` of the symmetric part."""
    return lambda a: f(0.5 * (a + np.swapaxes(a, -1, -2)))

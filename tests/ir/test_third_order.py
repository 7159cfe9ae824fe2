"""Third derivatives of every row: the slope of its second adjoint, along a random direction."""

import numpy as np
import pytest
from row_checks import directions, floats, has_derivative, is_double, single, tangent_is_slope

import tapejit as tj
from tapejit.ir.interpreter import interpret
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.table import TABLE
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.verifier import verify

SYMMETRIC = ("cholesky", "eigh")  # defined on symmetric matrices, which a random direction leaves
EXAMPLES = [
    (row, operands, attrs)
    for row in TABLE.values()
    for operands, attrs in row.examples
    if row.name not in SYMMETRIC and has_derivative(row, operands, attrs) and is_double(row, operands, attrs)
]


def is_real(operands):
    return all(np.asarray(x).dtype.kind != "c" for x in operands)


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e[0].name)
def test_third_derivative(example):
    row, operands, attrs = example
    f = single(row, operands, attrs)
    if not is_real([*operands, *interpret(f, *operands)]):
        pytest.skip("differences of real functions")
    first = canonicalise(adjoint(f))
    args = [*operands, *directions(interpret(f, *operands), seed=3)]
    second = canonicalise(verify(adjoint(first)))
    more = directions(floats(interpret(first, *args)), seed=4)
    tangent_is_slope(second, [*args, *more], rtol=1e-4)


WEIGHTS = np.arange(9.0).reshape(3, 3) * 0.1 - 0.3
FACTORS = {
    "cholesky": lambda x: np.sum(np.linalg.cholesky(x @ x.T + 2 * np.eye(3)) * WEIGHTS),
    "eigh": lambda x: np.sum(np.linalg.eigh(x @ x.T + np.diag([1.0, 2.0, 4.0]))[0] * WEIGHTS[0]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SYMMETRIC)
def test_third_derivative_at_symmetric_matrices(name):
    x = np.random.default_rng(0).normal(size=(3, 3))
    tj.check_grads(FACTORS[name], (x,), order=3, modes=("rev",))

"""The references are NumPy's functions, on NaN, infinities, signed zeros, empty and 0-d arrays too."""

import numpy as np
import pytest
import scipy.special
from row_checks import assert_same_bits, single

from tapejit.ir import ops
from tapejit.ir.interpreter import interpret

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, np.inf, -np.inf, np.nan, 1e300, -1e-300]
X, Y = (a.ravel() for a in np.meshgrid(SPECIAL, SPECIAL))
COUNTS, STEPS = (a.ravel() for a in np.meshgrid([7, -7, 2, -2, 0, 2**62, -(2**63)], [2, -2, 3, 1, -1, 0]))
SHAPES = {"line": (144,), "0-d": (), "empty": (0, 3), "cube": (3, 8, 6)}

FLOAT = {
    ops.add: np.add,
    ops.sub: np.subtract,
    ops.mul: np.multiply,
    ops.div: np.true_divide,
    ops.floor_div: np.floor_divide,
    ops.mod: np.remainder,
    ops.pow_: np.power,
    ops.arctan2: np.arctan2,
    ops.maximum: np.maximum,
    ops.minimum: np.minimum,
    ops.eq: np.equal,
    ops.ne: np.not_equal,
    ops.lt: np.less,
    ops.le: np.less_equal,
    ops.gt: np.greater,
    ops.ge: np.greater_equal,
    ops.neg: np.negative,
    ops.abs_: np.abs,
    ops.sign: np.sign,
    ops.floor: np.floor,
    ops.ceil: np.ceil,
    ops.sqrt: np.sqrt,
    ops.rsqrt: lambda x: 1 / np.sqrt(x),
    ops.exp: np.exp,
    ops.expm1: np.expm1,
    ops.log: np.log,
    ops.log1p: np.log1p,
    ops.sin: np.sin,
    ops.cos: np.cos,
    ops.tan: np.tan,
    ops.arcsin: np.arcsin,
    ops.arccos: np.arccos,
    ops.arctan: np.arctan,
    ops.sinh: np.sinh,
    ops.cosh: np.cosh,
    ops.tanh: np.tanh,
    ops.stop_gradient: np.positive,
}
INTEGER = {
    ops.add: np.add,
    ops.sub: np.subtract,
    ops.mul: np.multiply,
    ops.neg: np.negative,
    ops.abs_: np.abs,
    ops.sign: np.sign,
    ops.floor_div: np.floor_divide,
    ops.mod: np.remainder,
    ops.maximum: np.maximum,
    ops.minimum: np.minimum,
    ops.lt: np.less,
    ops.eq: np.equal,
}
CLOSE = {ops.logistic: scipy.special.expit, ops.erf: scipy.special.erf}


def run(row, *operands, **attrs):
    return interpret(single(row, operands, attrs), *operands)[0]


def expected(function, *operands):
    with np.errstate(all="ignore"):
        return np.asarray(function(*operands))


def reshaped(x, shape):
    return x[: int(np.prod(shape))].reshape(shape)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("row", FLOAT, ids=str)
def test_float(row, shape, dtype):
    with np.errstate(all="ignore"):
        operands = [reshaped(x, shape).astype(dtype) for x in (X, Y)][: row.arity]
    assert_same_bits([run(row, *operands)], [expected(FLOAT[row], *operands)])


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
@pytest.mark.parametrize("row", INTEGER, ids=str)
def test_integer(row, dtype):
    operands = [x.astype(dtype) for x in (COUNTS, STEPS)][: row.arity]
    assert_same_bits([run(row, *operands)], [expected(INTEGER[row], *operands)])


@pytest.mark.parametrize("row", CLOSE, ids=str)
def test_functions_numpy_lacks(row):
    np.testing.assert_allclose(run(row, X), CLOSE[row](X), rtol=1e-14)
    assert run(row, np.float32(X[:10])).dtype == np.float32


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 7, -1, -2])
def test_integer_pow(exponent):
    found = run(ops.integer_pow, X, exponent=exponent)
    np.testing.assert_allclose(found, expected(np.power, X, float(exponent)))
    if exponent >= 0:
        whole = run(ops.integer_pow, COUNTS, exponent=exponent)
        assert_same_bits([whole], [expected(np.power, COUNTS, exponent)])


@pytest.mark.parametrize("axes", [(), (0,), (2,), (0, 1), (0, 1, 2)])
def test_reductions(axes):
    x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
    x[0, 1, 2] = np.nan
    for row, function in (
        (ops.reduce_sum, np.sum),
        (ops.reduce_prod, np.prod),
        (ops.reduce_max, np.max),
        (ops.reduce_min, np.min),
    ):
        assert_same_bits([run(row, x, axes=axes)], [np.asarray(function(x, axis=axes))])
    for row, function in ((ops.reduce_any, np.any), (ops.reduce_all, np.all)):
        assert_same_bits([run(row, x > 0, axes=axes)], [np.asarray(function(x > 0, axis=axes))])


def test_reductions_of_nothing():
    nothing = np.zeros((2, 0))
    np.testing.assert_array_equal(run(ops.reduce_sum, nothing, axes=(1,)), [0.0, 0.0])
    np.testing.assert_array_equal(run(ops.reduce_prod, nothing, axes=(1,)), [1.0, 1.0])
    assert run(ops.reduce_max, nothing, axes=(0,)).shape == (0,)
    for row in (ops.reduce_max, ops.reduce_min, ops.argmax, ops.argmin):
        with pytest.raises(TypeError):
            single(row, [nothing], {"axes": (1,)})


@pytest.mark.parametrize(("row", "function"), [(ops.argmax, np.argmax), (ops.argmin, np.argmin)])
def test_positions_take_the_first_and_nan_wins(row, function):
    for x in ([1.0, 3.0, 3.0], [2.0, np.nan, np.nan], [-0.0, 0.0, 0.0], [np.inf, -np.inf, -np.inf]):
        assert run(row, np.array(x), axes=(0,)) == function(x)


def test_structure():
    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(
        run(ops.broadcast, x, shape=(2, 5, 3, 4), dims=(0, 2, 3)), np.broadcast_to(x[:, None], (2, 5, 3, 4))
    )
    np.testing.assert_array_equal(run(ops.reverse, x, axes=(0, 2)), np.flip(x, (0, 2)))
    np.testing.assert_array_equal(
        run(ops.pad, x, low=(1, 0, 2), high=(0, 3, 1), interior=(0, 0, 0), value=9.0),
        np.pad(x, ((1, 0), (0, 3), (2, 1)), constant_values=9.0),
    )
    np.testing.assert_array_equal(
        run(ops.slice_, x, start=(0, 1, 1), stop=(2, 3, 4), step=(1, 1, 2)), x[0:2, 1:3, 1:4:2]
    )
    np.testing.assert_array_equal(run(ops.iota, dtype="i64", shape=(2, 3), axis=0), [[0] * 3, [1] * 3])


@pytest.mark.parametrize(
    ("shapes", "contract", "batch", "formula"),
    [
        (((2, 3), (3, 4)), ((1,), (0,)), ((), ()), "ij,jk->ik"),
        (((2, 3, 4), (4, 3, 5)), ((1, 2), (1, 0)), ((), ()), "ijk,kjl->il"),
        (((5, 2, 3), (3, 5)), ((2,), (0,)), ((0,), (1,)), "bij,jb->bi"),
        (((2,), (3,)), ((), ()), ((), ()), "i,j->ij"),
        (((0, 3), (3, 4)), ((1,), (0,)), ((), ()), "ij,jk->ik"),
        (((2, 0), (0, 4)), ((1,), (0,)), ((), ()), "ij,jk->ik"),
    ],
)
def test_products(shapes, contract, batch, formula):
    rng = np.random.default_rng(1)
    x, y = (rng.standard_normal(shape) for shape in shapes)
    found = run(ops.dot_general, x, y, contract=contract, batch=batch)
    np.testing.assert_allclose(found, np.einsum(formula, x, y))


def test_casts():
    x = np.array([0.0, -0.0, 1.9, -1.9, np.nan, np.inf])
    np.testing.assert_array_equal(run(ops.cast, x, dtype="bool"), x.astype(bool))
    np.testing.assert_array_equal(run(ops.cast, x[:4], dtype="i32"), [0, 0, 1, -1])
    np.testing.assert_array_equal(run(ops.cast, np.array([2**53 + 1]), dtype="f64"), [2.0**53])

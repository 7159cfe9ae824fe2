"""Every NumPy function that is traced: its value against NumPy, its gradient against differences.

A row is an expression in `x` and `y`; it runs on NumPy arrays, on arrays outside a record, and inside.
"""

import numpy as np
import pytest
import scipy.special

import tapejit as tj
from tapejit.tracer.errors import ShapeError, UnsupportedError

X = np.array([[0.3, -1.2, 2.5], [0.7, 1.9, -0.4]])
Y = np.array([[1.7, 0.4, -0.6], [-1.1, 0.8, 2.2]])
U = X / 3.0

SMOOTH = (
    {
        name: (lambda f: lambda x, y: f(x))(getattr(np, name))
        for name in [
            "negative",
            "positive",
            "absolute",
            "fabs",
            "exp",
            "expm1",
            "sin",
            "cos",
            "tan",
            "arctan",
            "sinh",
            "cosh",
            "tanh",
            "square",
            "reciprocal",
            "deg2rad",
            "rad2deg",
            "radians",
            "degrees",
            "copy",
            "ravel",
            "transpose",
            "squeeze",
            "flip",
            "sum",
            "prod",
            "mean",
            "var",
            "std",
            "max",
            "min",
            "ptp",
        ]
    }
    | {name: (lambda f: lambda x, y: f(x / 3.0))(getattr(np, name)) for name in ("arcsin", "arccos")}
    | {
        name: (lambda f: lambda x, y: f(x * x + 0.5))(getattr(np, name))
        for name in ("log", "log1p", "log2", "log10", "sqrt")
    }
    | {
        name: (lambda f: lambda x, y: f(x, y))(getattr(np, name))
        for name in ["add", "subtract", "multiply", "divide", "maximum", "minimum", "arctan2", "logaddexp"]
    }
    | {
        "remainder": lambda x, y: np.remainder(x * 1.01, y),
        "power": lambda x, y: np.power(x * x + 0.1, y),
        "float_power": lambda x, y: np.float_power(x * x + 0.1, y),
        "power_int": lambda x, y: x**3 + x**2 + x**-1 + x**0 + x**1,
        "power_float": lambda x, y: (x * x) ** 0.5 + x**2.0,
        "rpower": lambda x, y: 2.0**x,
        "pow_scalar": lambda x, y: (x * x) ** 1.7,
        "where": lambda x, y: np.where(x > y, x * y, y),
        "where_scalar": lambda x, y: np.where(x > 0, x, 0.0),
        "clip": lambda x, y: np.clip(x, -1.0, 1.5),
        "clip_low": lambda x, y: np.clip(x, 0.0, None),
        "clip_arrays": lambda x, y: np.clip(x, y - 1.0, y + 1.0),
        "expit": lambda x, y: scipy.special.expit(x),
        "erf": lambda x, y: scipy.special.erf(x),
        "reflected": lambda x, y: 2.0 - x + 3.0 / x - (1.0 + x) * 2.0,
        "int_scalar": lambda x, y: x * 2 + 1 - x / 3,
        "mod_scalar": lambda x, y: x % 0.77,
        "trunc": lambda x, y: x - np.trunc(x),
        "floor": lambda x, y: x - np.floor(x),
        "ceil": lambda x, y: x * np.ceil(x),
        "sign": lambda x, y: x * np.sign(x),
        "heads": lambda x, y: -x + +y,
        "sum_axis": lambda x, y: np.sum(x, axis=0),
        "sum_axes": lambda x, y: np.sum(x * y, axis=(0, 1)),
        "sum_keepdims": lambda x, y: x / np.sum(np.exp(x), axis=1, keepdims=True),
        "sum_negative": lambda x, y: x.sum(-1),
        "prod_axis": lambda x, y: np.prod(x, axis=1),
        "mean_axis": lambda x, y: x.mean(axis=0, keepdims=True),
        "var_ddof": lambda x, y: np.var(x, axis=1, ddof=1),
        "std_axis": lambda x, y: x.std(axis=0),
        "max_axis": lambda x, y: np.max(x, axis=1),
        "min_axis": lambda x, y: x.min(0),
        "norm": lambda x, y: np.linalg.norm(x),
        "norm_axis": lambda x, y: np.linalg.norm(x, axis=1),
        "norm_1": lambda x, y: np.linalg.norm(x, 1, axis=0),
        "norm_inf": lambda x, y: np.linalg.norm(x, np.inf, axis=1),
        "norm_fro": lambda x, y: np.linalg.norm(x, "fro"),
        "norm_min": lambda x, y: np.linalg.norm(x, -np.inf, axis=1),
        "logsumexp": lambda x, y: (
            scipy.special.logsumexp(np.asarray(x), axis=1)
            if isinstance(x, np.ndarray)
            else tj.special.logsumexp(x, axis=1)
        ),
        "reshape": lambda x, y: np.reshape(x, (3, -1)) * 2,
        "reshape_method": lambda x, y: x.reshape(6) * x.reshape(-1),
        "T": lambda x, y: x.T @ y,
        "transpose_axes": lambda x, y: np.transpose(x[None], (2, 0, 1)),
        "swapaxes": lambda x, y: np.swapaxes(x, 0, 1) * 2,
        "moveaxis": lambda x, y: np.moveaxis(x[None], 0, -1),
        "expand_dims": lambda x, y: np.expand_dims(x, (0, 2)),
        "squeeze_axis": lambda x, y: np.squeeze(x[:, None], 1),
        "broadcast_to": lambda x, y: np.broadcast_to(x[:, :1], (4, 2, 3)),
        "flatten": lambda x, y: x.flatten() * 3,
        "concatenate": lambda x, y: np.concatenate([x, y * 2, x[:1]], axis=0),
        "concatenate_none": lambda x, y: np.concatenate([x, y], axis=None),
        "stack": lambda x, y: np.stack([x, y], axis=1),
        "stack_scalars": lambda x, y: np.stack([x[0, 0], x[1, 2] * 2]),
        "vstack": lambda x, y: np.vstack([x, y[0]]),
        "hstack": lambda x, y: np.hstack([x, y]),
        "flip_axis": lambda x, y: np.flip(x, 1) * y,
        "roll": lambda x, y: np.roll(x, 2) * y,
        "roll_axis": lambda x, y: np.roll(x, -1, axis=1) * y,
        "diff": lambda x, y: np.diff(x, axis=1),
        "diff_2": lambda x, y: np.diff(x, n=2),
        "split": lambda x, y: np.split(x, [1], axis=1)[1] * 2,
        "getitem": lambda x, y: x[1] * x[:, 1:][0, 1] + x[..., -1][0],
        "steps": lambda x, y: x[::-1, ::2] * y[:, 1:],
        "newaxis": lambda x, y: x[:, None] * y[None, :, :],
        "iterate": lambda x, y: sum(row * row for row in x),
        "dot": lambda x, y: np.dot(x, y.T),
        "dot_vectors": lambda x, y: np.dot(x[0], y[1]),
        "dot_scalar": lambda x, y: np.dot(x, 2.0),
        "matmul": lambda x, y: x @ y.T,
        "matvec": lambda x, y: x @ y[0],
        "vecmat": lambda x, y: y[:, 0] @ x,
        "matmul_batched": lambda x, y: np.matmul(x[None], y.T[None] * np.ones((4, 1, 1))),
        "inner": lambda x, y: np.inner(x, y),
        "outer": lambda x, y: np.outer(x[0], y[1]),
        "vdot": lambda x, y: np.vdot(x, y),
        "tensordot": lambda x, y: np.tensordot(x, y, axes=([0, 1], [0, 1])),
        "tensordot_1": lambda x, y: np.tensordot(x, y.T, 1),
        "trace": lambda x, y: np.trace(x[:, :2]),
        "cumsum": lambda x, y: np.cumsum(x) * np.cumsum(y, axis=0).ravel(),
        "cumsum_last": lambda x, y: np.cumsum(x, axis=-1) * y,
        "cumprod": lambda x, y: np.cumprod(x),
        "cumprod_zero": lambda x, y: np.cumprod(x * np.array([1.0, 0.0, 1.0]), axis=1),
        "sort": lambda x, y: np.sort(x) * y,
        "sort_first": lambda x, y: np.sort(x, axis=0) * y,
        "sort_flat": lambda x, y: np.sort(x, axis=None) * y.ravel(),
        "median": lambda x, y: np.median(x) + np.median(y),
        "median_axis": lambda x, y: np.median(x, axis=1, keepdims=True) * np.median(y, axis=0),
        "quantile": lambda x, y: np.quantile(x, 0.3) * np.quantile(y, [0.1, 0.9], axis=1),
        "percentile": lambda x, y: np.percentile(x, 70, axis=1, keepdims=True) * y,
        "average": lambda x, y: np.average(x, axis=0) + np.average(y, axis=0, weights=np.array([1.0, 3.0])),
        "average_weights": lambda x, y: np.average(x, weights=y * y),
        "average_keepdims": lambda x, y: np.average(x, axis=1, weights=x * x, keepdims=True) * y,
        "nansum": lambda x, y: np.nansum(x / np.array([1.0, np.nan, 2.0]), axis=0) * y,
        "nanprod": lambda x, y: np.nanprod(x * np.array([1.0, np.nan, 2.0]), axis=1),
        "nanmean": lambda x, y: np.nanmean(x * np.array([1.0, np.nan, 2.0]), axis=1, keepdims=True) * y,
        "nanmax": lambda x, y: np.nanmax(x * np.array([1.0, 2.0, np.nan]), axis=1),
        "nanmin": lambda x, y: np.nanmin(x * np.array([np.nan, 2.0, 1.0])),
        "repeat": lambda x, y: np.repeat(x, 2) * 3.0,
        "repeat_axis": lambda x, y: np.repeat(x, 2, axis=0) * np.repeat(y, [3, 1], axis=0),
        "tile": lambda x, y: np.tile(x, 2) * np.tile(y, (3, 1, 2)),
        "pad": lambda x, y: np.pad(x, 1) + np.pad(y, ((0, 2), (1, 1)), constant_values=2.5),
        "pad_edge": lambda x, y: np.pad(x, ((1, 0), (2, 1)), mode="edge"),
        "pad_reflect": lambda x, y: np.pad(x, 1, "reflect") * np.pad(y, 1, mode="wrap"),
        "pad_symmetric": lambda x, y: np.pad(x, ((0, 0), (2, 3)), "symmetric"),
        "diagonal": lambda x, y: np.diagonal(x) * np.diagonal(y, 1),
        "diagonal_below": lambda x, y: np.diagonal(x, -1) * np.diagonal(y[:, None], 1, 0, 2),
        "diag": lambda x, y: np.diag(x[0]) + np.diag(y[1], 0) * np.diag(x[:, 1:])[0],
        "diag_above": lambda x, y: np.diag(x[0], 1) + np.diag(y[1], -1),
        "tril": lambda x, y: np.tril(x) * np.tril(y, 1),
        "triu": lambda x, y: np.triu(x, -1) + np.triu(y[0], 1)[:2],
        "kron": lambda x, y: np.kron(x, y),
        "kron_ranks": lambda x, y: np.kron(x[0], y),
        "hypot": lambda x, y: np.hypot(x, y),
        "exp2": lambda x, y: np.exp2(x),
        "cbrt": lambda x, y: np.cbrt(x),
        "arcsinh": lambda x, y: np.arcsinh(x),
        "arccosh": lambda x, y: np.arccosh(x * x + 1.1),
        "arctanh": lambda x, y: np.arctanh(x / 3.0),
        "heaviside": lambda x, y: np.heaviside(x, y) * y,
        "fmax": lambda x, y: np.fmax(x, y) * np.fmax(x, np.nan),
        "fmin": lambda x, y: np.fmin(x, y) * np.fmin(np.nan, y),
        "nan_to_num": lambda x, y: np.nan_to_num(x * np.array([1.0, np.inf, np.nan]), posinf=3.0, neginf=2.0),
        "einsum": lambda x, y: np.einsum("ij,kj->ik", x, y),
        "einsum_implicit": lambda x, y: np.einsum("ij,kj", x, y),
        "einsum_batch": lambda x, y: np.einsum("bi,bj->bij", x, y),
        "einsum_three": lambda x, y: np.einsum("ij,kj,kl->il", x, y, y),
        "einsum_sum": lambda x, y: np.einsum("ij->", x) * np.einsum("ij->j", y),
        "einsum_transpose": lambda x, y: np.einsum("ji", x) * y.T,
        "einsum_diagonal": lambda x, y: np.einsum("ii->i", x[:, :2]) * np.einsum("ii", y[:, 1:]),
        "einsum_ellipsis": lambda x, y: np.einsum("...j,...j->...", x[:, None], y),
        "einsum_unused": lambda x, y: np.einsum("ij,kl->ik", x, y),
        "indexed": lambda x, y: x[[1, 0, 1], [2, 0, 2]] * y[:, [0, 0, 2]][0],
        "taken": lambda x, y: np.take(x, [2, 0], axis=1) * np.take_along_axis(y, np.array([[0, 2]]), 1),
        "methods": lambda x, y: x.cumsum(0)[y.argsort(1)[0] % 2, 1] * x.take([0, 4, 2]),
        "cumprod_method": lambda x, y: x.cumprod().take([1, 0, 5]),
        "more_methods": lambda x, y: x.repeat(2, axis=1).diagonal(1) * y.repeat([0, 2, 1], 1)[:, 2],
        "zeros_like": lambda x, y: np.zeros_like(x) + x,
        "full_like": lambda x, y: np.full_like(x, 2.0) * y,
        "astype": lambda x, y: x.astype("float64") * 2,
        "mixed": lambda x, y: x * np.arange(3) + np.float64(2.5) * y,
        "array_left": lambda x, y: np.array([1.0, 2.0, 3.0]) * x - np.ones((2, 1)),
        "abs_builtin": lambda x, y: abs(x),
        "max_builtin": lambda x, y: max(x[0, 0], y[0, 0]) * x,
    }
)

FLAT = (
    {
        name: (lambda f: lambda x, y: f(x, y))(getattr(np, name))
        for name in [
            "equal",
            "not_equal",
            "less",
            "less_equal",
            "greater",
            "greater_equal",
            "logical_and",
            "logical_or",
            "logical_xor",
            "floor_divide",
        ]
    }
    | {
        name: (lambda f: lambda x, y: f(x))(getattr(np, name))
        for name in [
            "logical_not",
            "isnan",
            "isinf",
            "isfinite",
            "any",
            "all",
            "argmax",
            "argmin",
            "count_nonzero",
            "sign",
            "floor",
            "ceil",
            "trunc",
            "ones_like",
        ]
    }
    | {
        "argmax_axis": lambda x, y: np.argmax(x, axis=1),
        "argsort": lambda x, y: np.argsort(x, axis=0),
        "argsort_flat": lambda x, y: np.argsort(y, axis=None, kind="stable"),
        "argsort_ties": lambda x, y: np.argsort(np.floor(x)),
        "sort_ints": lambda x, y: np.sort((x * 3).astype("int32")),
        "cumsum_ints": lambda x, y: np.cumsum((x * 3).astype("int32"), axis=1),
        "cumsum_truth": lambda x, y: np.cumsum(x > 0),
        "cumprod_ints": lambda x, y: np.cumprod((x * 3).astype("int32"), axis=0),
        "argmin_axis": lambda x, y: x.argmin(0),
        "any_axis": lambda x, y: np.any(x > 1, axis=0),
        "all_keepdims": lambda x, y: np.all(x > -3, axis=1, keepdims=True),
        "bitwise_and": lambda x, y: np.bitwise_and(x > 0, y > 0),
        "bitwise_or": lambda x, y: (x > 0) | (y > 0),
        "bitwise_xor": lambda x, y: True ^ (x > 0),
        "invert": lambda x, y: ~(x > 0),
        "and": lambda x, y: (x > 0) & (y > 0),
        "int_sum": lambda x, y: (x > 0).sum(),
        "astype_int": lambda x, y: (x * 3).astype("int32"),
        "int_div": lambda x, y: x.astype("int64") / 2,
        "int_rounding": lambda x, y: np.floor(np.ceil(np.trunc((x * 3).astype("int32")))),
        "int_fabs": lambda x, y: np.fabs((x * 3).astype("int32")),
        "int_trace": lambda x, y: np.trace((x * 3).astype("int32")),
        "clip_nan": lambda x, y: np.clip(
            np.clip(x, np.where(y > 0, y, np.nan), 1.0), -1.0, np.where(y < 1, y, np.nan)
        ),
        "split_empty": lambda x, y: np.split(x[:0], 2)[1],
        "stack_scalars": lambda x, y: np.vstack([np.hstack([x[0], 2, 0.5]), 1.0 + np.hstack([1, y[0], 3])]),
        "shape": lambda x, y: np.array(np.shape(x)) + np.ndim(x) + np.size(x),
    }
)


def recorded(f, x, y):
    a, b = tj.array(x), tj.array(y)
    a.attach_grad()
    b.attach_grad()
    with tj.record():
        out = f(a, b)
    return a, b, out


def value_of(out):
    return out.numpy() if isinstance(out, tj.array(0.0).__class__) else np.asarray(out)


@pytest.mark.parametrize("name", [*SMOOTH, *FLAT])
def test_the_value_is_numpys(name):
    f = (SMOOTH | FLAT)[name]
    expected = np.asarray(f(X, Y))
    for found in (f(tj.array(X), tj.array(Y)), recorded(f, X, Y)[2]):
        value = value_of(found)
        assert value.dtype == expected.dtype
        assert value.shape == expected.shape
        np.testing.assert_allclose(value, expected, rtol=2e-15, atol=1e-15)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_gradient_is_that_of_differences(name):
    f = SMOOTH[name]
    rng = np.random.default_rng(0)
    ct = rng.standard_normal(np.shape(f(X, Y)))
    a, b, out = recorded(f, X, Y)
    out.backward(ct)
    for which, variable in enumerate((a, b)):
        direction = rng.standard_normal(X.shape)
        ends = []
        for step in (1e-6, -1e-6):
            args = [X, Y]
            args[which] = args[which] + step * direction
            ends.append(np.sum(f(*args) * ct))
        numerical = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(np.sum(variable.grad.numpy() * direction), numerical, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", SMOOTH)
def test_single_precision_stays_single(name):
    f = SMOOTH[name]
    x, y = X.astype(np.float32), Y.astype(np.float32)
    expected = np.asarray(f(x, y))
    a, _, out = recorded(f, x, y)
    assert value_of(out).dtype == expected.dtype
    out.backward()
    assert a.grad.dtype == np.float32
    np.testing.assert_allclose(value_of(out), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.subtract.reduce(x),
        lambda x: np.packbits(x > 0),
        lambda x: np.hypot.reduce(x),
        lambda x: np.unpackbits(x > 0),
    ],
)
def test_what_is_not_traced_says_so(call):
    x = tj.array(X)
    x.attach_grad()
    with tj.record(), pytest.raises(UnsupportedError, match=r"not traced|test_surface\.py"):
        call(x)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x + np.ones(2),
        lambda x: x @ x,
        lambda x: x.reshape(5),
        lambda x: np.concatenate([x, np.ones(3)]),
        lambda x: x.sum(axis=2),
        lambda x: x[5],
        lambda x: x[0, 0, 0],
        lambda x: np.stack([x, x[0]]),
        lambda x: np.transpose(x, (0, 0)),
        lambda x: np.squeeze(x, 0),
        lambda x: np.broadcast_to(x, (3, 2)),
        lambda x: np.dot(x, np.ones(2)),
        lambda x: np.max(x[:, :0]),
    ],
)
def test_what_does_not_fit_names_the_line_and_the_types(call):
    x = tj.array(X)
    x.attach_grad()
    with tj.record(), pytest.raises(ShapeError, match=r"f64\[2,3\].* at test_surface\.py:\d+|f64\[2,0\]"):
        call(x)


@pytest.mark.parametrize("f", [lambda x: x & 1, lambda x: 2 | x, lambda x: ~x, lambda x: x ^ x])
def test_bits_of_integers_are_not_taken_for_truth_values(f):
    x = tj.array(np.arange(3))
    np.testing.assert_array_equal(f(x).numpy(), f(np.arange(3)))
    with tj.record():
        np.testing.assert_array_equal(f(x).numpy(), f(np.arange(3)))
        with pytest.raises(TypeError, match="takes truth values or integers, got f64"):
            f(tj.array([0.5]))


@pytest.mark.parametrize("recording", [False, True])
def test_an_in_place_operator_casts_within_a_kind(recording):
    x, n = tj.ones(2, "float32") * 1.0, tj.array(np.arange(2, dtype=np.int32))
    with tj.record() if recording else tj.pause():
        x += np.array([0.5, 1.5])
        n += np.arange(2)
        with pytest.raises((TypeError, ValueError)):
            n += 0.5
    assert (x.dtype, n.dtype) == (np.float32, np.int32)
    assert (x.tolist(), n.tolist()) == ([1.5, 2.5], [0, 2])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x < 2**40,
        lambda x: np.less(-(2**40), x),
        lambda x: x == 2**40 + 1,
        lambda x: np.clip(x * 1.0, 0, 2**40),
        lambda x: x.astype("float32") + 2**40,
        lambda x: x.astype("int64") + 2**40,
    ],
)
def test_an_integer_that_i32_cannot_hold_is_not_cut(f):
    x = np.array([0, 1, -1], np.int32)
    with tj.record():
        found = f(tj.array(x))
    assert found.dtype == f(x).dtype
    np.testing.assert_array_equal(found.numpy(), f(x))
    with tj.record():
        assert (tj.array(x) + 2**40).tolist() == [2**40, 2**40 + 1, 2**40 - 1]

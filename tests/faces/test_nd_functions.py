"""Every function of `nd`: at once it gives the expected values, recorded the same, and its gradient
is the central difference. A case is the call, its arrays, and what NumPy says.
"""

import numpy as onp
import pytest
import scipy.special

from tapejit import autograd, nd

A = onp.array([[0.5, -1.5, 2.0], [1.25, 0.75, -0.25]])
B = onp.array([[1.5, 0.5, -2.5], [0.25, 2.0, 1.0]])
P = onp.abs(A) / 3 + 0.1  # between 0 and 1
V = onp.array([0.3, -0.7, 1.1])
T = onp.arange(24.0).reshape(2, 3, 4) / 7 - 1
ROW = onp.array([[0.2, -0.4]])

UNARY = {
    "abs": onp.abs,
    "arccos": onp.arccos,
    "arcsin": onp.arcsin,
    "arctan": onp.arctan,
    "cos": onp.cos,
    "cosh": onp.cosh,
    "degrees": onp.degrees,
    "erf": scipy.special.erf,
    "exp": onp.exp,
    "expm1": onp.expm1,
    "identity": lambda x: x,
    "log": onp.log,
    "log10": onp.log10,
    "log1p": onp.log1p,
    "log2": onp.log2,
    "make_loss": lambda x: x,
    "negative": onp.negative,
    "radians": onp.radians,
    "reciprocal": onp.reciprocal,
    "relu": lambda x: onp.maximum(x, 0),
    "rsqrt": lambda x: 1 / onp.sqrt(x),
    "sigmoid": scipy.special.expit,
    "sin": onp.sin,
    "sinh": onp.sinh,
    "softsign": lambda x: x / (1 + abs(x)),
    "sqrt": onp.sqrt,
    "square": onp.square,
    "tan": onp.tan,
    "tanh": onp.tanh,
}
BINARY = {
    "add elemwise_add broadcast_add broadcast_plus": onp.add,
    "arctan2": onp.arctan2,
    "divide elemwise_div broadcast_div": onp.divide,
    "maximum broadcast_maximum": onp.maximum,
    "minimum broadcast_minimum": onp.minimum,
    "modulo broadcast_mod": onp.mod,
    "multiply elemwise_mul broadcast_mul": onp.multiply,
    "power broadcast_power": onp.power,
    "subtract elemwise_sub broadcast_sub broadcast_minus": onp.subtract,
}


def case(call, *arrays, gives):
    return call, arrays, gives


SMOOTH = {
    **{name: case(getattr(nd, name), P, gives=f(P)) for name, f in UNARY.items()},
    **{
        name: case(getattr(nd, name), P, P[::-1] + 0.5, gives=f(P, P[::-1] + 0.5))
        for names, f in BINARY.items()
        for name in names.split()
    },
    "add_n": case(nd.add_n, A, B, A, gives=2 * A + B),
    "clip": case(lambda x: nd.clip(x, -1, 1), A, gives=A.clip(-1, 1)),
    "where": case(lambda c, x, y: nd.where(c, x, y), A > 0, A, B, gives=onp.where(A > 0, A, B)),
    "smooth_l1": case(nd.smooth_l1, A, gives=onp.where(abs(A) < 1, A * A / 2, abs(A) - 0.5)),
    "smooth_l1(2)": case(
        lambda x: nd.smooth_l1(x, 2.0), A, gives=onp.where(abs(A) < 0.25, 2 * A * A, abs(A) - 0.125)
    ),
    "LeakyReLU": case(nd.LeakyReLU, A, gives=onp.where(A > 0, A, A / 4)),
    "LeakyReLU(elu)": case(
        lambda x: nd.LeakyReLU(x, "elu", 0.5), A, gives=onp.where(A > 0, A, onp.expm1(A) / 2)
    ),
    "Activation(softrelu)": case(lambda x: nd.Activation(x, "softrelu"), A, gives=onp.logaddexp(A, 0)),
    "sum": case(lambda x: nd.sum(x, axis=1), A, gives=A.sum(1)),
    "sum_axis": case(lambda x: nd.sum_axis(x, axis=0), A, gives=A.sum(0)),
    "mean": case(nd.mean, A, gives=[A.mean()]),
    "prod": case(lambda x: nd.prod(x, axis=0), A, gives=A.prod(0)),
    "max": case(nd.max, A, gives=[2.0]),
    "max_axis": case(lambda x: nd.max_axis(x, axis=0, keepdims=True), A, gives=A.max(0, keepdims=True)),
    "min": case(lambda x: nd.min(x, axis=1), A, gives=A.min(1)),
    "min_axis": case(lambda x: nd.min_axis(x, axis=0), A, gives=A.min(0)),
    "norm": case(nd.norm, A, gives=[onp.linalg.norm(A)]),
    "norm(1)": case(lambda x: nd.norm(x, ord=1, axis=1), A, gives=abs(A).sum(1)),
    "dot": case(nd.dot, A, B.T.copy(), gives=A @ B.T),
    "dot(vectors)": case(nd.dot, V, V, gives=[V @ V]),
    "dot(transpose_a)": case(lambda x, y: nd.dot(x, y, transpose_a=True), A, B, gives=A.T @ B),
    "dot(transpose_b)": case(lambda x, y: nd.dot(x, y, transpose_b=True), A, B, gives=A @ B.T),
    "dot(matrix, vector)": case(nd.dot, A, V, gives=A @ V),
    "dot(three dimensions)": case(nd.dot, T, T[0].T.copy(), gives=onp.tensordot(T, T[0].T, 1)),
    "batch_dot": case(lambda x, y: nd.batch_dot(x, y, transpose_b=True), T, T, gives=T @ T.swapaxes(1, 2)),
    "FullyConnected": case(
        nd.FullyConnected,
        T,
        onp.ones((2, 12)) / 5,
        V[:2],
        gives=T.reshape(2, 12) @ onp.ones((12, 2)) / 5 + V[:2],
    ),
    "FullyConnected(flatten=False)": case(
        lambda x, w: nd.FullyConnected(x, w, flatten=False), T, onp.ones((2, 4)), gives=T @ onp.ones((4, 2))
    ),
    "softmax": case(nd.softmax, A, gives=scipy.special.softmax(A, -1)),
    "softmax(temperature)": case(lambda x: nd.softmax(x, 0, 2.0), A, gives=scipy.special.softmax(A / 2, 0)),
    "log_softmax": case(nd.log_softmax, A, gives=scipy.special.log_softmax(A, -1)),
    "softmax_cross_entropy": case(
        lambda x: nd.softmax_cross_entropy(x, nd.array([2, 0])),
        A,
        gives=[-(scipy.special.log_softmax(A, -1)[[0, 1], [2, 0]]).sum()],
    ),
    "pick": case(lambda x: nd.pick(x, nd.array([1, 2])), A, gives=A[[0, 1], [1, 2]]),
    "reshape": case(lambda x: nd.reshape(x, (0, -1)), T, gives=T.reshape(2, 12)),
    "reshape(-3)": case(lambda x: x.reshape(-3, 0), T, gives=T.reshape(6, 4)),
    "reshape(-4)": case(lambda x: x.reshape((0, 0, -4, 2, -1)), T, gives=T.reshape(2, 3, 2, 2)),
    "Reshape(-2)": case(lambda x: nd.Reshape(x, shape=(-2, 1)), A, gives=A[..., None]),
    "reshape_like": case(lambda x: nd.reshape_like(x, nd.zeros((3, 2))), A, gives=A.reshape(3, 2)),
    "flatten Flatten": case(lambda x: nd.Flatten(nd.flatten(x)), T, gives=T.reshape(2, 12)),
    "expand_dims": case(lambda x: nd.expand_dims(x, axis=1), A, gives=A[:, None]),
    "squeeze": case(lambda x: nd.squeeze(x), ROW, gives=ROW[0]),
    "transpose": case(lambda x: nd.transpose(x, axes=(1, 0, 2)), T, gives=T.transpose(1, 0, 2)),
    "transpose()": case(nd.transpose, A, gives=A.T),
    "swapaxes SwapAxis": case(
        lambda x: nd.SwapAxis(nd.swapaxes(x, 0, 1), 0, 2), T, gives=T.swapaxes(0, 1).swapaxes(0, 2)
    ),
    "flip reverse": case(lambda x: nd.reverse(nd.flip(x, axis=0), axis=1), A, gives=A[::-1, ::-1]),
    "broadcast_to": case(lambda x: nd.broadcast_to(x, (3, 0)), ROW, gives=onp.broadcast_to(ROW, (3, 2))),
    "broadcast_like": case(
        lambda x: nd.broadcast_like(x, nd.zeros((3, 2))), ROW, gives=onp.broadcast_to(ROW, (3, 2))
    ),
    "broadcast_axis": case(
        lambda x: nd.broadcast_axis(x, axis=0, size=2), ROW, gives=onp.broadcast_to(ROW, (2, 2))
    ),
    "concat": case(lambda x, y: nd.concat(x, y, dim=1), A, B, gives=onp.concatenate([A, B], 1)),
    "Concat(list)": case(lambda x, y: nd.Concat([x, y]), A, B, gives=onp.concatenate([A, B], 1)),
    "concatenate": case(lambda x, y: nd.concatenate([x, y]), A, B, gives=onp.concatenate([A, B])),
    "stack": case(lambda x, y: nd.stack(x, y, axis=1), A, B, gives=onp.stack([A, B], 1)),
    "split": case(lambda x: nd.split(x, 3)[1], A, gives=A[:, 1:2]),
    "SliceChannel": case(lambda x: nd.SliceChannel(x, 2, axis=0, squeeze_axis=True)[1], A, gives=A[1]),
    "slice": case(lambda x: nd.slice(x, (0, 1), (2, None), (1, 2)), A, gives=A[:, 1::2]),
    "slice_axis": case(lambda x: nd.slice_axis(x, axis=-1, begin=1, end=None), A, gives=A[:, 1:]),
    "slice_like": case(lambda x: nd.slice_like(x, nd.zeros((1, 2))), A, gives=A[:1, :2]),
    "tile": case(lambda x: nd.tile(x, (2, 1, 3)), A, gives=onp.tile(A, (2, 1, 3))),
    "tile(one)": case(lambda x: nd.tile(x, 2), A, gives=onp.tile(A, 2)),
    "repeat": case(lambda x: nd.repeat(x, 2, axis=1), A, gives=A.repeat(2, 1)),
    "repeat()": case(lambda x: nd.repeat(x, 3), A, gives=A.repeat(3)),
    "cast Cast": case(lambda x: nd.Cast(nd.cast(x, dtype="float64"), "float64"), A, gives=A),
}
CONSTANT = {
    **{
        name: case(getattr(nd, name), A, gives=f(A))
        for name, f in {
            "ceil": onp.ceil,
            "floor": onp.floor,
            "trunc": onp.trunc,
            "fix": onp.fix,
            "sign": onp.sign,
            "stop_gradient": lambda x: x,
            "BlockGrad": lambda x: x,
            "ones_like": onp.ones_like,
            "zeros_like": onp.zeros_like,
            "logical_not": onp.logical_not,
        }.items()
    },
    **{
        f"{prefix}{name}": case(getattr(nd, prefix + name), A, B, gives=f(A, B))
        for name, f in {
            "equal": onp.equal,
            "not_equal": onp.not_equal,
            "greater": onp.greater,
            "lesser": onp.less,
            "greater_equal": onp.greater_equal,
            "lesser_equal": onp.less_equal,
            "logical_and": onp.logical_and,
            "logical_or": onp.logical_or,
            "logical_xor": onp.logical_xor,
        }.items()
        for prefix in ("", "broadcast_")
    },
    "argmax": case(lambda x: nd.argmax(x, axis=1), A, gives=[2, 0]),
    "argmin": case(lambda x: nd.argmin(x), A, gives=[1]),
    "one_hot": case(lambda: nd.one_hot(nd.array([0, 2]), 3), gives=onp.eye(3)[[0, 2]]),
    "one_hot(values)": case(lambda: nd.one_hot(nd.array([1]), 2, 5.0, -1.0), gives=[[-1, 5]]),
}
ELSEWHERE = {  # tested in the files of their modules
    "NDArray",
    "Dropout",
    "random",
    "shuffle",
    "waitall",
    "array",
    "zeros",
    "ones",
    "empty",
    "full",
    "arange",
    "linspace",
    "eye",
}


def arrays_of(values):
    return [nd.array(v, dtype="float64") for v in values]


def run(call, values, record):
    arrays = arrays_of(values)
    if not record:
        return call(*arrays)
    for x in arrays:
        x.attach_grad()
    with autograd.record():
        return call(*arrays)


@pytest.mark.parametrize("name", [*SMOOTH, *CONSTANT])
def test_values_at_once(name):
    check(name, record=False)


@pytest.mark.parametrize("name", [*SMOOTH, *CONSTANT])
def test_values_recorded(name, tier):
    check(name, record=True)


def check(name, record):
    call, values, expected = (SMOOTH | CONSTANT)[name]
    found = run(call, values, record)
    assert type(found) is nd.NDArray
    assert found.shape == onp.shape(expected)
    onp.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_central_differences(name, tier):
    call, values, expected = SMOOTH[name]
    weights = onp.cos(onp.arange(onp.size(expected))).reshape(onp.shape(expected))
    steps = [direction(v) for v in values]
    arrays = arrays_of(values)
    for x in arrays:
        x.attach_grad()
    with autograd.record():
        y = call(*arrays)
    y.backward(nd.array(weights, dtype="float64"))
    slope = sum((x.grad.asnumpy() * step).sum() for x, step in zip(arrays, steps, strict=True))
    high, low = (
        call(*arrays_of([v + s * step for v, step in zip(values, steps, strict=True)])).asnumpy()
        for s in (1e-6, -1e-6)
    )
    assert slope == pytest.approx(((high - low) * weights).sum() / 2e-6, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", SMOOTH)
def test_second_derivatives_are_differences_of_first_ones(name, interpreted):
    call, values, expected = SMOOTH[name]
    weights = onp.cos(onp.arange(onp.size(expected))).reshape(onp.shape(expected))
    steps = [direction(v) for v in values]

    def slope_at(shift, backward=False):
        arrays = arrays_of([v + shift * step for v, step in zip(values, steps, strict=True)])
        moving = [(x, step) for x, step in zip(arrays, steps, strict=True) if step.any()]
        for x, _ in moving:
            x.attach_grad()
        with autograd.record():
            y = call(*arrays)
            wrt = [x for x, _ in moving]
            found = autograd.grad(y, wrt, nd.array(weights, dtype="float64"), create_graph=True)
            slope = sum(
                (g * nd.array(step, dtype="float64")).sum()
                for g, (_, step) in zip(found, moving, strict=True)
            )
        if backward:
            slope.backward()
            return sum((x.grad.asnumpy() * step).sum() for x, step in moving)
        return slope.asscalar()

    beside = 0.01  # no kink is there
    difference = (slope_at(beside + 1e-6) - slope_at(beside - 1e-6)) / 2e-6
    assert slope_at(beside, backward=True) == pytest.approx(difference, rel=1e-6, abs=1e-8)


def direction(value):
    """Where to move an argument; a condition stays."""
    return (
        onp.zeros(value.shape)
        if value.dtype == bool
        else onp.sin(1 + onp.arange(value.size)).reshape(value.shape)
    )


@pytest.mark.parametrize("name", [name for name in CONSTANT if not name.startswith("one_hot")])
def test_steps_have_no_gradient(name):
    call, values, _ = CONSTANT[name]
    arrays = arrays_of(values)
    for x in arrays:
        x.attach_grad()
    with autograd.record():
        y = call(*arrays).sum() + arrays[0].sum()
    y.backward()
    assert (arrays[0].grad.asnumpy() == 1).all()


def test_every_function_has_a_case():
    covered = {part for name in SMOOTH | CONSTANT for part in name.split("(")[0].split()}
    random = {name for name in nd.__all__ if name.startswith("random_")}
    assert set(nd.__all__) - covered - random == ELSEWHERE


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh", "softsign"])
def test_activation_by_name(name):
    assert (nd.Activation(nd.array(A), name) == getattr(nd, name)(nd.array(A))).min().asscalar() == 1
    with pytest.raises(ValueError, match="act_type must be one of relu"):
        nd.Activation(nd.array(A), "gelu")


def test_dropout_is_active_in_training_only():
    x = nd.ones((100, 100))
    x.attach_grad()
    assert (nd.Dropout(x, 0.5) == x).min().asscalar() == 1
    with autograd.record():
        y = nd.Dropout(x, 0.25)
    y.backward()
    kept = y.asnumpy()
    assert set(onp.unique(kept)) == {0, onp.float32(1 / 0.75)}
    assert kept.mean() == pytest.approx(1, abs=0.05)
    onp.testing.assert_array_equal(x.grad.asnumpy(), kept)
    assert nd.Dropout(x, 0.5, mode="always").asnumpy().min() == 0


def test_operands_may_be_lists_numpy_arrays_and_numbers():
    assert nd.exp([0, 0]).asnumpy().tolist() == [1, 1]
    assert nd.maximum(onp.array([1.0, 4.0]), 2).asnumpy().tolist() == [2, 4]
    assert nd.power(2, nd.array([1, 3])).asnumpy().tolist() == [2, 8]
    assert nd.add(1.0, 2.0).dtype == onp.float32


def test_out_receives_the_result():
    target = nd.zeros(2)
    assert nd.add(nd.ones(2), 1, out=target) is target
    assert target.asnumpy().tolist() == [2, 2]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nd.ones((2, 3)).reshape((4, 2)), ValueError, "cannot reshape"),
        (lambda: nd.ones(2).reshape((0, 0, 0)), ValueError, "more dimensions than there are"),
        (
            lambda: nd.ones((6, 2)).reshape((-4, 4, 2, 0)),
            ValueError,
            "cannot split a dimension of 6 into 4 and 2",
        ),
        (lambda: nd.dot(nd.ones((2, 3)), nd.ones((2, 3))), ValueError, "shape"),
        (lambda: nd.norm(nd.ones(2), ord=3), ValueError, "ord must be 1 or 2"),
        (
            lambda: nd.FullyConnected(nd.ones((1, 2)), nd.ones((3, 2)), num_hidden=4),
            ValueError,
            "weight has 3 rows",
        ),
        (lambda: nd.Dropout(nd.ones(2), 1.5), ValueError, "p must be"),
        (lambda: nd.exp(nd.ones(2), axis=0), TypeError, "axis"),
        (lambda: nd.LeakyReLU(nd.ones(2), "prelu"), ValueError, "leaky"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
    with autograd.record(), pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", ["add", "where", "dot", "clip", "sigmoid"])
def test_a_missing_operand_is_a_type_error(name):
    with pytest.raises(TypeError, match="missing"):
        getattr(nd, name)()
    if name not in ("clip", "sigmoid"):
        with pytest.raises(TypeError, match="missing"):
            getattr(nd, name)(nd.ones(2))

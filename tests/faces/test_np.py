"""The NumPy face: NumPy's results, MXNet's defaults."""

import numpy as onp
import pytest

from tapejit import autograd, np, npx


def test_new_arrays_are_float32():
    made = (
        np.array([1, 2]),
        np.array(3),
        np.zeros(2),
        np.ones((2, 1)),
        np.empty(2),
        np.full(2, 7),
        np.arange(4),
        np.linspace(0, 1, 3),
        np.eye(2),
        np.identity(3),
        np.asarray([True]),
    )
    assert {x.dtype for x in made} == {onp.dtype("float32")}
    assert {type(x) for x in made} == {np.ndarray}


def test_an_array_keeps_its_dtype():
    assert np.array(onp.arange(2)).dtype == onp.int64
    assert np.array(onp.ones(2)).dtype == onp.float64
    assert np.array(np.ones(2, dtype="int32")).dtype == onp.int32
    assert np.array([1], dtype=bool).dtype == bool
    x = np.ones(2)
    assert np.asarray(x) is x
    assert np.asarray(x, "float64").dtype == onp.float64


def test_set_np_chooses_double_precision_for_all_makers():
    npx.set_np(dtype=True)
    try:
        assert npx.is_np_default_dtype()
        made = (np.array([1]), np.zeros(1), np.arange(2), np.random.normal(), np.exp([0]))
        assert {x.dtype for x in made} == {onp.dtype("float64")}
    finally:
        npx.reset_np()
    assert np.ones(1).dtype == onp.float32
    assert npx.is_np_array()
    assert npx.is_np_shape()
    with pytest.raises(ValueError, match=r"use tapejit\.nd"):
        npx.set_np(shape=False)


@pytest.mark.parametrize("args", [(4,), (1, 4), (0, 1, 0.25), (4, 0, -2)])
def test_arange(args):
    onp.testing.assert_array_equal(np.arange(*args).asnumpy(), onp.arange(*args, dtype="float32"))


def test_reductions_and_elements_have_no_dimensions():
    x = np.array([[1, 2], [3, 4]])
    for y in (x.sum(), x.mean(), x.max(), np.linalg.norm(x), np.dot(x[0], x[1]), x[0, 1], x[0][1]):
        assert (type(y), y.shape, y.dtype) == (np.ndarray, (), onp.dtype("float32"))
    assert x.sum().item() == 10.0
    assert not hasattr(x, "asscalar")


def test_comparisons_are_bool():
    x = np.array([1, 2])
    assert (x == 1).dtype == bool
    assert (x > 5).any().item() is False


FUNCTIONS = [
    (name, arguments)
    for names, arguments in {
        "exp expm1 log1p sqrt sin cos tan arctan sinh cosh tanh floor ceil abs sign square negative sum mean "
        "max min prod std var argmax transpose ravel ones_like zeros_like isnan": [
            onp.array([[0.5, 2.0], [1.5, 3.0]], "f")
        ],
        "add subtract multiply divide maximum minimum power arctan2 less equal logical_and dot matmul": [
            onp.array([[0.5, 2.0], [1.5, 3.0]], "f"),
            onp.array([[2.0, 1.0], [0.5, 4.0]], "f"),
        ],
    }.items()
    for name in names.split()
]


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize(("name", "arguments"), FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_a_function_is_numpys(name, arguments, record):
    expected = getattr(onp, name)(*arguments)
    arrays = [np.array(x) for x in arguments]
    arrays[0].attach_grad()
    with autograd.record() if record else autograd.pause():
        found = getattr(np, name)(*arrays)
        through_numpy = getattr(onp, name)(*arrays)
    for result in (found, through_numpy):
        assert type(result) is np.ndarray
        assert result.dtype == expected.dtype
        onp.testing.assert_allclose(result.asnumpy(), expected, rtol=1e-6)


def test_lists_and_numbers_become_arrays_of_the_face():
    assert np.exp([0, 0]).asnumpy().tolist() == [1, 1]
    assert np.sum([1, 2.5]).dtype == onp.float32
    assert np.stack([np.ones(2), [3, 4]]).shape == (2, 2)
    assert np.maximum(1.0, 2.0).item() == 2


def test_questions_answered_with_python_values():
    x = np.ones((2, 3))
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 3), 2, 6)
    assert np.allclose(x, 1.0)
    assert np.array_equal(x, x) is True
    assert np.shape([[1]]) == (1, 1)


def test_out_receives_the_result():
    target = np.zeros(2)
    assert np.add(np.ones(2), 1, out=target) is target
    assert target.tolist() == [2, 2]


def test_the_functions_of_npx():
    x = np.array([[-1.0, 2.0]])
    x.attach_grad()
    with autograd.record():
        y = npx.relu(x) + npx.sigmoid(x) * 0 + npx.log_softmax(x) * 0 + npx.stop_gradient(x) * 0
    y.backward()
    assert x.grad.tolist() == [[0, 1]]
    assert npx.one_hot(np.array([1]), 2).tolist() == [[0, 1]]
    assert npx.softmax(x).sum().item() == pytest.approx(1)
    assert npx.pick(x, np.array([1])).tolist() == [2]
    assert npx.batch_dot(np.ones((2, 1, 3)), np.ones((2, 3, 1))).shape == (2, 1, 1)
    assert npx.fully_connected(x, np.ones((3, 2)), np.ones(3)).tolist() == [[2, 2, 2]]
    assert npx.activation(x, "relu").tolist() == [[0, 2]]
    assert npx.leaky_relu(x).tolist() == [[-0.25, 2]]
    assert npx.dropout(x).tolist() == [[-1, 2]]
    assert npx.num_gpus() == 0
    npx.waitall()


NOTHING = [np.exp, lambda: np.exp(None), lambda: np.stack([]), lambda: np.add(None, None)]


@pytest.mark.parametrize("call", NOTHING)
def test_a_function_of_nothing_is_a_type_error(call):
    with pytest.raises(TypeError):
        call()
    with autograd.record(), pytest.raises(TypeError):
        call()


def test_an_array_of_traced_arrays_is_traced():
    x = np.array([2.0, 3.0])
    x.attach_grad()
    with autograd.record():
        rows = np.array([x, [1.0, x[0]]])
        copied = np.array(x)
        total = (rows * copied).sum()
    total.backward()
    assert type(rows) is np.ndarray
    assert rows.dtype == np.float32
    assert rows.tolist() == [[2.0, 3.0], [1.0, 2.0]]
    assert x.grad.tolist() == [8.0, 8.0]


def test_functions_of_lists_give_arrays_of_the_face():
    assert type(np.diff([1.0, 4.0])) is np.ndarray
    assert [type(x) for x in np.meshgrid([1, 2], [3])] == [np.ndarray] * 2
    assert type(np.where(np.array([1.0, 0.0]), 2.0, 3.0)) is np.ndarray

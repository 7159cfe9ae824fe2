"""In what `NDArray` differs from NumPy's array."""

import numpy as onp
import pytest

from tapejit import autograd, nd, np
from tapejit.context import cpu, gpu


def recorded(function, *arrays):
    """`function` inside a record, of arrays that are variables."""
    for x in arrays:
        x.attach_grad()
    with autograd.record():
        return function(*arrays)


@pytest.mark.parametrize("source", [[1, 2], onp.arange(2), onp.ones(2), onp.ones(2, bool), 3, 2.5, [[True]]])
def test_every_source_becomes_float32(source):
    made = nd.array(source)
    assert made.dtype == onp.float32
    onp.testing.assert_array_equal(made.asnumpy(), onp.asarray(source, "float32"))


def test_an_array_of_ours_keeps_its_dtype_and_others_may_be_asked_for():
    assert nd.array(nd.ones(2, dtype="float64")).dtype == onp.float64
    assert nd.array([1], dtype="int64").dtype == onp.int64
    with pytest.raises(TypeError, match="float16 is not supported"):
        nd.zeros(2, dtype="float16")


def test_the_source_is_copied():
    source = onp.ones(2, "float32")
    x = nd.array(source)
    source[0] = 5
    assert x.asnumpy().tolist() == [1, 1]
    x.asnumpy()[0] = 7
    assert x.asnumpy().tolist() == [1, 1]


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_comparisons_are_numbers_of_the_same_dtype(record, dtype):
    x, y = nd.array([1, 2, 3], dtype=dtype), nd.array([3, 2, 1], dtype=dtype)
    for compare, expected in [
        (lambda a, b: a < b, [1, 0, 0]),
        (lambda a, b: a <= b, [1, 1, 0]),
        (lambda a, b: a > b, [0, 0, 1]),
        (lambda a, b: a >= 2, [0, 1, 1]),
        (lambda a, b: 2 > a, [1, 0, 0]),  # noqa: SIM300
        (lambda a, b: a == b, [0, 1, 0]),
        (lambda a, b: a != b, [1, 0, 1]),
    ]:
        found = recorded(compare, x, y) if record else compare(x, y)
        assert type(found) is nd.NDArray
        assert found.dtype == dtype
        assert found.asnumpy().tolist() == expected


def test_a_comparison_has_zero_gradient_and_masks():
    x = nd.array([1, -2, 3])
    recorded(lambda a: a * a * (a > 0), x).backward()
    assert x.grad.asnumpy().tolist() == [2, 0, 6]
    recorded(lambda a: a > 0, x).backward()
    assert x.grad.asnumpy().tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "norm"])
def test_full_reductions_have_one_element_and_differentiate(name):
    x = nd.array([[1, 2], [3, 5]])
    eager = getattr(x, name)()
    assert eager.shape == (1,)
    for call in (lambda a: getattr(a, name)(), getattr(nd, name)):
        y = recorded(call, x)
        assert y.shape == (1,)
        y.backward()
        assert y.asscalar() == eager.asscalar()
        assert x.grad.asnumpy().any()
    assert getattr(x, name)(axis=0).shape == (2,)
    assert getattr(x, name)(axis=(0, 1), keepdims=True).shape == (1, 1)


def test_integer_sums_stay_integers():
    total = nd.array([1, 2], dtype="int32").sum()
    assert (total.dtype, total.asscalar()) == (onp.int32, 3)


def test_exclude_names_the_axes_that_stay():
    x = nd.ones((2, 3, 4))
    assert nd.sum(x, axis=1, exclude=True).asnumpy().tolist() == [8, 8, 8]
    assert recorded(lambda a: nd.sum(a, axis=1, exclude=True), x).shape == (3,)


def test_an_element_has_shape_one_and_is_differentiable():
    x = nd.array([4, 5, 6])
    assert x[1].shape == (1,)
    assert x[-1].asscalar() == 6
    assert nd.ones((2, 2))[1, 0].shape == (1,)
    assert nd.ones((2, 2))[1].shape == (2,)
    assert [e.asscalar() for e in x] == [4, 5, 6]
    recorded(lambda a: a[1] * a[-1], x).backward()
    assert x.grad.asnumpy().tolist() == [0, 6, 5]
    with pytest.raises(IndexError):
        x[3]


def test_writing_elements():
    x = nd.zeros((2, 3))
    x[0] = 1
    x[1, 2] = nd.array([7])
    x[:, 1] = nd.array([5, 6])
    x[1, 0] = x[0, 1]
    x[:] += 1
    assert x.asnumpy().tolist() == [[2, 6, 2], [6, 7, 8]]


def test_asscalar_gives_a_numpy_scalar_of_one_element():
    assert type(nd.array([2]).asscalar()) is onp.float32
    assert nd.array([[3]], dtype="int32").asscalar() == 3
    with pytest.raises(ValueError, match="The current array is not a scalar"):
        nd.ones(2).asscalar()


def test_truth():
    assert nd.ones(1)
    assert not nd.zeros((1, 1))
    with pytest.raises(ValueError, match="truth value of an NDArray"):
        bool(nd.ones(2))


def test_devices():
    x = nd.ones(2, ctx=cpu())
    assert x.context == x.ctx == x.device == cpu(0)
    assert str(x.context) == "cpu(0)"
    assert x.as_in_context(cpu()) is x
    with pytest.raises(ValueError, match=r"no device gpu\(0\)"):
        nd.zeros(2, gpu())
    with pytest.raises(ValueError, match="no device"):
        x.copyto(gpu(1))


def test_copies_and_storage():
    x, y = nd.array([1, 2]), nd.zeros(2)
    assert x.copyto(y) is y
    assert y.asnumpy().tolist() == [1, 2]
    assert x.copyto(cpu()).asnumpy().tolist() == [1, 2]
    assert (x.stype, x.tostype("default")) == ("default", x)
    with pytest.raises(ValueError, match="dense"):
        x.tostype("row_sparse")
    x.wait_to_read()
    nd.waitall()


def test_the_same_array_in_the_other_face():
    x = nd.array([1, 2])
    x.attach_grad()
    twin = x.as_np_ndarray()
    assert type(twin) is np.ndarray
    with autograd.record():
        y = (twin * twin).as_nd_ndarray() + x
    y.backward()
    assert x.grad.asnumpy().tolist() == [3, 5]
    assert type(twin.grad) is np.ndarray
    twin[0] = 9
    assert x.asnumpy().tolist() == [9, 2]


def test_numpy_functions_and_arrays_mix():
    x = nd.array([0, 1])
    assert type(onp.sin(x)) is nd.NDArray
    assert (onp.ones(2) + x).asnumpy().tolist() == [1, 2]
    assert onp.allclose(x, [0, 1])
    assert (x < [1, 1]).asnumpy().tolist() == [1, 0]

"""Random arrays of both faces: seeds, shapes, dtypes, distributions, threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as onp
import pytest

import tapejit as mx
from tapejit import autograd, nd, np, npx


@pytest.mark.parametrize("seed", [mx.random.seed, nd.random.seed, np.random.seed, npx.seed])
def test_every_seed_starts_the_one_sequence_anew(seed):
    def some():
        return [
            nd.random.normal(shape=2).asnumpy(),
            np.random.uniform(size=2).asnumpy(),
            mx.random.randn(2).asnumpy(),
        ]

    seed(11)
    first = some()
    second = some()
    seed(11)
    onp.testing.assert_array_equal(some(), first)
    assert not onp.array_equal(first, second)


@pytest.mark.parametrize(
    ("draw", "shape"),
    [
        (lambda: nd.random.normal(), (1,)),
        (lambda: nd.random_normal(shape=3), (3,)),
        (lambda: nd.random.uniform(0, 2, shape=(2, 3)), (2, 3)),
        (lambda: nd.random.uniform(0, 2, (2, 3)), (2, 3)),
        (lambda: nd.random.normal(nd.zeros((2, 1)), nd.ones(3)), (2, 3)),
        (lambda: nd.random.normal(nd.zeros(2), 1, shape=(4, 5)), (2, 4, 5)),
        (lambda: nd.random.exponential(2.0, shape=4), (4,)),
        (lambda: nd.random.gamma(2, 2, shape=4), (4,)),
        (lambda: nd.random.poisson(3, shape=4), (4,)),
        (lambda: nd.random.randn(2, 2), (2, 2)),
        (lambda: mx.nd.shuffle(nd.ones((4, 2))), (4, 2)),
    ],
)
def test_nd_shapes(draw, shape):
    found = draw()
    assert (type(found), found.shape, found.dtype) == (nd.NDArray, shape, onp.dtype("float32"))


@pytest.mark.parametrize(
    ("draw", "shape"),
    [
        (lambda: np.random.normal(), ()),
        (lambda: np.random.normal(0, 1, 3), (3,)),
        (lambda: np.random.uniform(size=(2, 1)), (2, 1)),
        (lambda: np.random.normal(np.zeros(2)), (2,)),
        (lambda: np.random.rand(2, 3), (2, 3)),
        (lambda: np.random.randn(), ()),
        (lambda: np.random.gamma(2.0, size=4), (4,)),
        (lambda: np.random.beta(a=1.0, b=2.0, size=(1, 2)), (1, 2)),
        (lambda: np.random.exponential(), ()),
    ],
)
def test_np_shapes(draw, shape):
    found = draw()
    assert (type(found), found.shape, found.dtype) == (np.ndarray, shape, onp.dtype("float32"))


def test_integers():
    assert nd.random.randint(0, 5, shape=3).dtype == onp.int32
    dice = np.random.randint(1, 7, size=1000).asnumpy()
    assert set(dice) == {1, 2, 3, 4, 5, 6}
    assert np.random.randint(1).item() == 0


def test_permutations():
    x = np.arange(50)
    np.random.shuffle(x)
    assert sorted(x.tolist()) == list(range(50)) != x.tolist()
    assert sorted(np.random.permutation(5).tolist()) == [0, 1, 2, 3, 4]
    assert set(np.random.choice(np.array([3.0, 4.0]), 20, p=[0.0, 1.0]).tolist()) == {4.0}
    rows = nd.random.shuffle(nd.arange(6).reshape((3, 2))).asnumpy()
    assert sorted(map(tuple, rows)) == [(0, 1), (2, 3), (4, 5)]


def test_moments():
    mx.random.seed(2)
    sample = nd.random.normal(3, 0.5, shape=20000).asnumpy()
    assert sample.mean() == pytest.approx(3, abs=0.02)
    assert sample.std() == pytest.approx(0.5, abs=0.02)


def test_out_is_filled():
    target = nd.zeros((2, 2))
    assert nd.random.uniform(1, 2, out=target) is target
    assert (target >= 1).min().asscalar() == 1


def test_a_wrong_call_names_the_parameters():
    with pytest.raises(TypeError, match=r"beta takes \(a, b, size, dtype\)"):
        np.random.beta(1.0)
    with pytest.raises(TypeError, match=r"laplace takes \(loc, scale, size, dtype\)"):
        np.random.laplace(width=2)
    with pytest.raises(ValueError, match="no device"):
        nd.random.normal(ctx=mx.gpu())


def test_what_is_drawn_in_a_record_is_a_constant():
    x = nd.ones(3)
    x.attach_grad()
    with autograd.record():
        noise = nd.random.normal(shape=3)
        y = x * noise
    y.backward()
    onp.testing.assert_array_equal(x.grad.asnumpy(), noise.asnumpy())


def test_threads_share_the_generator():
    mx.random.seed(4)
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda _: np.random.rand(100).asnumpy(), range(64)))
    assert len(onp.unique(onp.concatenate(drawn))) > 6300

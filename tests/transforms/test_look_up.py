"""Arrays as indices under transforms: a position that stands for many examples is checked for all of them."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import BoundsError

pytestmark = pytest.mark.usefixtures("interpreted")
TABLE = np.arange(12.0).reshape(4, 3)
ROWS = np.array([0, 2, 2])


def loss(w, x, y):
    z = np.dot(x, w)
    return np.log(np.sum(np.exp(z))) - z[y]


def test_derivatives_of_a_look_up():
    ones = tj.jacobian(lambda t: t[ROWS].sum(axis=1))(TABLE)
    for k, row in enumerate(ROWS):
        np.testing.assert_array_equal(ones[k], (np.arange(4) == row)[:, None] * np.ones((4, 3)))
    np.testing.assert_array_equal(tj.jvp(lambda t: t[ROWS] * 2, (TABLE,), (TABLE,))[1], TABLE[ROWS] * 2)


def test_an_index_per_example():
    np.testing.assert_array_equal(tj.vmap(lambda t, i: t[i], in_axes=(None, 0))(TABLE, ROWS), TABLE[ROWS])
    np.testing.assert_array_equal(tj.vmap(lambda t, i: t[i])(TABLE[:3], ROWS), TABLE[np.arange(3), ROWS])
    columns = np.array([[0, 1, 2], [3, 3, 3]])
    found = tj.vmap(lambda t, i: t[i], in_axes=(None, 1))(TABLE, columns)
    np.testing.assert_array_equal(found, TABLE[columns.T])


def test_a_computed_index_per_example():
    found = tj.vmap(lambda t: t[np.argmax(t)])(-TABLE)
    np.testing.assert_array_equal(found, -TABLE[:, 0])


def test_one_vmap_in_another():
    table = TABLE[:, ::-1].copy()

    def shifted(row):
        return tj.vmap(lambda i: row[i - np.argmin(row)])(np.array([0, 2]))

    np.testing.assert_array_equal(tj.vmap(shifted)(table), table[:, [1, 0]])


def test_per_example_gradients_of_a_classifier():
    rng = np.random.default_rng(0)
    w, xs, ys = rng.normal(size=(3, 3)), rng.normal(size=(4, 3)), np.array([0, 1, 2, 0])
    stacked, single = tj.vmap(tj.grad(loss), in_axes=(None, 0, 0)), tj.grad(loss)
    for labels in (ys, ys[::-1].copy(), ys):
        expected = [single(w, x, y) for x, y in zip(xs, labels, strict=True)]
        np.testing.assert_allclose(stacked(w, xs, labels), expected, rtol=1e-12)
    assert stacked.memory.traces == 1


def test_positions_outside_traced_and_replayed():
    f = tj.vmap(lambda t, i: t[i], in_axes=(None, 0))
    for _ in range(2):
        with pytest.raises(BoundsError, match="index 5 is out of bounds for dimension 0 of size 4"):
            f(TABLE, ROWS + 3)
        f(TABLE, ROWS)

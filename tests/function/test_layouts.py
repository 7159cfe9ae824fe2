"""Arguments in any layout take the paths that are known: transposed, stepped, reversed, unaligned ones."""

import numpy as np
import pytest

import tapejit as tj

TABLE = np.arange(24.0).reshape(4, 6) ** 1.5


def unaligned(x):
    memory = np.zeros(x.nbytes + 1, np.uint8)
    view = memory[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    assert not view.flags.aligned
    return view


LAYOUTS = {
    "transposed": lambda x: x.T.copy().T,
    "every second": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "reversed": lambda x: x[::-1].copy()[::-1],
    "real part": lambda x: (x + 1j).real,
    "unaligned": unaligned,
    "repeated": lambda x: np.broadcast_to(x[:1], x.shape),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_python_runs_once(name):
    x = LAYOUTS[name](TABLE)
    assert not x.flags.carray
    runs = []

    @tj.value_and_grad
    def total(x, w):
        runs.append(1)
        return np.sum(np.sin(x) * w[:, None])

    for w in (np.ones(4), np.arange(4.0), np.arange(8.0)[::2]):
        value, gradient = total(x, w)
        np.testing.assert_allclose(value, np.sum(np.sin(x) * w[:, None]))
        np.testing.assert_allclose(gradient, np.cos(x) * w[:, None])
    total(np.ascontiguousarray(x), np.ones(4))
    assert len(runs) == 1


def test_what_is_written_is_seen_in_the_callers_array():
    @tj.jit
    def halve(x):
        x *= 0.5
        return np.sum(x)

    memory = np.ones((3, 4))
    for k in range(1, 4):
        assert halve(memory[:, ::2]) == 6 * 0.5**k
    np.testing.assert_array_equal(memory, np.tile([0.125, 1.0], (3, 2)))

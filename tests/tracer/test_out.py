"""Results that NumPy writes into a given array, or gives as the array itself: never a copy without a word."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import UnsupportedError

X = np.random.default_rng(0).uniform(-1, 1, (4, 4))
CHOSEN = [True, False, True, False]

INTO = {
    "clip": (lambda x, out: x.clip(-0.5, 0.5, out=out), (4, 4)),
    "np.clip": (lambda x, out: np.clip(x, -0.5, 0.5, out), (4, 4)),
    "round": (lambda x, out: x.round(1, out), (4, 4)),
    "np.around": (lambda x, out: np.around(x, 1, out), (4, 4)),
    "compress": (lambda x, out: x.compress(CHOSEN, 0, out=out), (2, 4)),
    "take": (lambda x, out: x.take([0, 1], 0, out=out), (2, 4)),
    "np.fix": (lambda x, out: np.fix(x, out=out), (4, 4)),
}

SAME = {
    "astype": lambda x: x.astype("f8", copy=False),
    "np.astype": lambda x: np.astype(x, "f8", copy=False),
    "conj": lambda x: x.conj(),
}


def computed(run, f, x):
    """`f(x)` in NumPy, in a decorated function, in a record, or at once."""
    if run == "record":
        with tj.record():
            found = f(tj.array(x))
        return found.numpy()
    return {"numpy": f, "jit": tj.jit(f), "at once": lambda x: f(tj.array(x)).numpy()}[run](x)


@pytest.mark.parametrize("run", ["jit", "record", "at once"])
@pytest.mark.parametrize(("write", "shape"), INTO.values(), ids=INTO)
def test_results_are_written_where_they_are_asked_for(run, write, shape):
    def f(x):
        out = np.zeros_like(x, shape=shape)
        found = write(x, out)
        found += 1.0
        return out

    np.testing.assert_array_equal(computed(run, f, X), computed("numpy", f, X))


@pytest.mark.parametrize("run", ["jit", "record", "at once"])
@pytest.mark.parametrize("same", SAME.values(), ids=SAME)
def test_what_is_no_copy_in_numpy_is_none_here(run, same):
    def f(x):
        y = x * 1.0
        view = same(y)
        view += 1.0
        return y

    np.testing.assert_array_equal(computed(run, f, X), X + 1.0)


def test_arrays_of_numpy_take_no_traced_results():
    with pytest.raises(UnsupportedError, match=r"test_out.py:\d+: what is written to"):
        tj.jit(lambda x: x.round(1, out=np.zeros((4, 4))))(X)
    with pytest.raises(UnsupportedError, match=r"write x\[...\] = np.nan_to_num"):
        tj.jit(lambda x: np.nan_to_num(x, copy=False))(X)

"""Trying an example: what it gives in NumPy, on arrays outside a record, and inside, and its derivative."""

from __future__ import annotations

import io
import re
import warnings

import numpy as np
from numpy_examples import FLOATS, inputs

import tapejit as tj
from tapejit.tracer.array import Array


def leaves(found):
    """The arrays and numbers of a result, in order."""
    if isinstance(found, list | tuple):
        return [leaf for each in found for leaf in leaves(each)]
    return [found]


def variables(example):
    """The float inputs that an expression is written in."""
    return [name for name in FLOATS if re.search(rf"(?<![\w.'\"]){name}(?![\w'\"(=])", example)]


def after(write, array):
    """The array after a function wrote into it."""
    write(array)
    return array


def evaluate(example, values):
    """The leaves of the expression with these inputs."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return leaves(eval(example, {"np": np, "io": io, "after": after, **values}))


def in_numpy(example, dtype=np.float64, **changed):
    return evaluate(example, {**inputs(dtype), **changed})


def eager(example, dtype=np.float64):
    """The expression on arrays outside a record."""
    return evaluate(example, {name: tj.array(x) for name, x in inputs(dtype).items()})


class Recorded:
    """The expression inside a record, on variables."""

    def __init__(self, example, given=None):
        given = inputs() if given is None else given
        self.used = variables(example)
        self.arrays = {name: tj.array(x) for name, x in given.items()}
        for name in self.used:
            self.arrays[name].attach_grad()
        with tj.record():
            self.results = evaluate(example, self.arrays)

    def heads(self):
        """The results that a derivative flows through."""
        return [x for x in self.results if isinstance(x, Array) and x.tracked]

    def gradients(self, weights):
        """Of all heads, weighted, by every input."""
        tj.backward(self.heads(), [tj.array(w) for w in weights])
        return {name: self.arrays[name].grad.numpy() for name in self.used}


def same(found, expected, ulps=8):
    """Equal in dtype and shape, and up to `ulps` units in the last place of the largest element."""
    if not isinstance(expected, np.ndarray | np.generic):
        assert found == expected
        return
    value = np.asarray(found)
    assert value.shape == expected.shape, (value.shape, expected.shape)
    assert value.dtype == expected.dtype, (value.dtype, expected.dtype)
    if value.dtype.kind in "fc":
        size = np.abs(expected[np.isfinite(expected)])
        scale = float(size.max()) if size.size else 1.0
        eps = float(np.finfo(value.dtype).eps)
        np.testing.assert_allclose(value, expected, rtol=ulps * eps, atol=ulps * eps * scale)
    else:
        np.testing.assert_array_equal(value, expected)

"""The bank of branchy functions: values of eager NumPy, gradients of central differences, on every path."""

import dis
import sys

import numpy as np
import pytest
from branchy import BANK, early_return_of_a_helper, piecewise_loss
from differences import central_difference

import tapejit as tj

CALLS = 40


def inputs(seed=0, count=CALLS):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(3) * scale for scale in rng.choice([0.3, 1.0, 2.0], count)]


def lines_of(code):
    """The lines of a function and of the functions in it."""
    own = {line for _, line in dis.findlinestarts(code) if line is not None and line != code.co_firstlineno}
    return own.union(*(lines_of(c) for c in code.co_consts if hasattr(c, "co_code")))


def lines_reached(function, xs):
    """The lines that run for these inputs."""
    reached = set()

    def trace(frame, event, _):
        if frame.f_code.co_filename == function.__code__.co_filename:
            reached.add(frame.f_lineno)
            return trace
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for x in xs:
            function(x)
    finally:
        sys.settrace(before)
    return reached


def test_the_bank_is_large_enough():
    assert len(BANK) >= 45


@pytest.mark.parametrize("function", BANK, ids=lambda f: f.__name__)
def test_the_inputs_reach_every_line(function):
    assert lines_of(function.__code__) <= lines_reached(function, inputs())


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("function", BANK, ids=lambda f: f.__name__)
def test_values_and_gradients_on_every_path(function):
    both, slope, jitted = tj.value_and_grad(function), tj.grad(function), tj.jit(function)
    for x in inputs():
        expected, numerical = function(x), central_difference(function, x)
        value, gradient = both(x)
        size = max(1.0, np.abs(numerical).max())
        np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(jitted(x), expected, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(gradient, numerical, rtol=2e-4, atol=2e-4 * size)
        np.testing.assert_array_equal(slope(x), gradient)


def in_some_order(function, xs):
    """What a newly decorated function gives for each of `xs`, by its place in the given order."""
    decorated = tj.value_and_grad(function)
    return [(np.float64(value).tobytes(), gradient.tobytes()) for value, gradient in map(decorated, xs)]


def check_order_does_not_matter(function, xs):
    forwards = in_some_order(function, xs)
    assert in_some_order(function, xs[::-1])[::-1] == forwards
    assert in_some_order(function, [*xs, *xs]) == [*forwards, *forwards]


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("function", BANK, ids=lambda f: f.__name__)
def test_a_path_gives_the_same_bits_whenever_it_is_taken(function):
    check_order_does_not_matter(function, inputs(1, 12))


@pytest.mark.parametrize("function", [piecewise_loss, early_return_of_a_helper], ids=lambda f: f.__name__)
def test_a_compiled_path_gives_the_same_bits_whenever_it_is_taken(function):
    check_order_does_not_matter(function, inputs(1, 4))


@pytest.mark.slow
@pytest.mark.parametrize("function", BANK, ids=lambda f: f.__name__)
def test_any_compiled_path_gives_the_same_bits_whenever_it_is_taken(function):
    check_order_does_not_matter(function, inputs(1, 12))


@pytest.mark.slow
@pytest.mark.parametrize("function", BANK, ids=lambda f: f.__name__)
def test_compiled_values_and_gradients(function):
    both = tj.value_and_grad(function)
    for x in inputs(2, 20):
        expected, numerical = function(x), central_difference(function, x)
        value, gradient = both(x)
        np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-12)
        size = max(1.0, np.abs(numerical).max())
        np.testing.assert_allclose(gradient, numerical, rtol=2e-4, atol=2e-4 * size)

"""The tree of known paths: a call tries as many programs as its path has turns, and no Python."""

import itertools

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import RetraceWarning

pytestmark = pytest.mark.usefixtures("interpreted")


def signs(x):
    total = (x * x).sum()
    for k in range(5):
        total = total * 1.5 if x[k] > 0 else total + x[k]
    return total


def choices(x):
    return x.sum() * [1.0, -2.0, 0.5, 4.0, 3.0, 7.0, 9.0, 8.0][int(np.argmax(x))]


def corners():
    return [np.array(signs) for signs in itertools.product([1.0, -2.0], repeat=5)]


def runs_of(call):
    before = tj.cache_info().interpreted
    call()
    return tj.cache_info().interpreted - before


def test_no_more_programs_than_turns():
    decorated = tj.value_and_grad(signs)
    for x in corners():
        decorated(x)
    assert decorated.memory.traces == decorated.memory.paths == 32
    order = np.random.default_rng(0).permutation(32)
    for x in (corners()[k] for k in order):
        found = []
        assert runs_of(lambda x=x, found=found: found.extend(decorated(x))) <= 6
        np.testing.assert_allclose(found[0], signs(x), rtol=1e-14)
    assert decorated.memory.traces == 32


def test_a_path_that_came_last_is_tried_first():
    decorated = tj.grad(signs)
    for x in corners():
        decorated(x)
    for x in corners():
        decorated(x)
        assert runs_of(lambda x=x: decorated(x)) == 1


def test_an_integer_tells_its_branch():
    decorated = tj.grad(choices)
    xs = [np.eye(8)[k] + 0.1 for k in range(8)]
    for x in xs:
        decorated(x)
    for x in xs[::-1]:
        assert runs_of(lambda x=x: decorated(x)) <= 2
    assert decorated.memory.traces == 8


def test_a_float_that_python_saw_is_a_guard():
    runs = []

    def f(x):
        return (x * float(np.floor(x[0]))).sum()

    decorated = tj.jit(f)
    for x in ([1.5, 2.0], [1.7, 3.0], [2.5, 1.0], [1.1, 1.0], [-0.0, 2.0], [0.0, 2.0], [np.nan, 1.0]) * 2:
        runs.append(decorated.memory.traces)
        np.testing.assert_array_equal(decorated(np.array(x)), f(np.array(x)))
    assert runs[-7:] == [runs[-7]] * 7, "all of them are known by then"


def test_minus_zero_seen_by_python():
    decorated = tj.jit(
        lambda x: x * (1.0 / np.float64(float(x[0] * 0.0) or 1.0)) * np.copysign(1.0, float(x[0] * 0.0))
    )
    for x in (1.0, -1.0, 1.0, -1.0):
        np.testing.assert_array_equal(decorated(np.array([x])), [abs(x)])


def test_paths_are_dropped_when_there_are_too_many():
    decorated = tj.value_and_grad(signs)
    decorated.memory.max_paths = 8
    with pytest.warns(RetraceWarning):
        found = [decorated(x)[0] for x in corners() * 3]
    np.testing.assert_allclose(found, [signs(x) for x in corners() * 3], rtol=1e-14)
    assert decorated.memory.paths <= 8


def test_arguments_of_several_kinds():
    decorated = tj.value_and_grad(lambda x, n: (x**n).sum() if x[0] > 0 else x.sum() * n)
    kinds = [(np.full(size, sign), n) for size in (1, 2, 3) for n in (1, 2, True) for sign in (2.0, -2.0)]
    for _ in range(3):
        for x, n in kinds:
            value, _ = decorated(x, n)
            assert value == ((x**n).sum() if x[0] > 0 else x.sum() * n)
    assert decorated.memory.traces == len(kinds)

"""Generators inside a decorated function: constants of one call, and one warning that names the line."""

import random
import warnings

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import RandomEscapeWarning

pytestmark = pytest.mark.usefixtures("interpreted")
RNG = np.random.default_rng(0)


def by_generator(x):
    return np.sum(
        x * RNG.normal(size=3),
    )


def by_module(x):
    return np.sum(x * np.random.normal(size=3))


def by_python(x):
    return np.sum(x * random.random())


def by_argument(x, rng=RNG):
    return np.sum(x * rng.normal(size=3))


def by_new(x):
    rng = np.random.default_rng(abs(hash(str(x.shape))) % 7)
    return np.sum(x) * rng.normal()


@pytest.mark.parametrize(
    ("function", "line"), [(by_generator, 2), (by_module, 1), (by_python, 1), (by_new, 1)]
)
def test_one_warning_names_the_line(function, line):
    decorated = tj.grad(function)
    place = f"test_generators.py:{function.__code__.co_firstlineno + line}"
    with pytest.warns(RandomEscapeWarning, match=place) as caught:
        found = [decorated(np.ones(3)) for _ in range(3)]
    assert len(caught) == 1
    assert function is by_new or not np.array_equal(found[1], found[2])


def test_a_generator_given_as_an_argument_is_not_frozen():
    decorated, rng = tj.jit(by_argument), np.random.default_rng(4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RandomEscapeWarning)
        found = [float(decorated(np.ones(3), rng)) for _ in range(3)]
    again = np.random.default_rng(4)
    np.testing.assert_allclose(found, [again.normal(size=3).sum() for _ in range(3)])


def test_numbers_drawn_outside_are_no_reason_to_warn():
    noise, decorated = RNG.normal(size=3), tj.grad(lambda x, n: np.sum(x * n))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            np.testing.assert_array_equal(decorated(np.ones(3), noise), noise)

"""Every name of NumPy by its examples: values, derivatives both ways, dtypes, layouts, and the page."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from numpy_examples import EXAMPLES, FFT, LINALG, examples, inputs
from numpy_page import public
from trial import Recorded, eager, evaluate, in_numpy, same, variables

import tapejit as tj
from tapejit.engine import DECORATED
from tapejit.tracer.array import Array
from tapejit.tracer.errors import TapejitError

MODULES = (np, np.linalg, np.fft)
# Accurate in f32 to fewer digits: what is subtracted cancels.
LOOSE = ("cond(", "det(", "inv(", "pinv(", "polyfit", "polydiv", "tensorinv", "lstsq", "matrix_power")


@functools.cache
def traced():
    """The examples that are not refused."""
    every = [e for m in MODULES for name in public(m) for e in examples(m.__name__, name) or ()]
    return tuple(dict.fromkeys(e for e in every if not _refused(e)))


def _refused(example):
    try:
        Recorded(example)
    except (TapejitError, TypeError):
        return True
    return False


def differentiable(example):
    """The expression as a function of its float inputs, giving the results that depend on them."""
    names = variables(example)
    given = inputs()
    recorded = Recorded(example)
    chosen = [k for k, x in enumerate(recorded.results) if isinstance(x, Array) and x.tracked]

    def function(*args):
        found = evaluate(example, {**given, **dict(zip(names, args, strict=True))})
        return [found[k] for k in chosen]

    return function, [given[name] for name in names], bool(chosen)


def odd_layouts(arrays):
    """The same numbers in Fortran order, or backwards in memory."""
    return [np.array(x, order="F") if k % 2 else np.flip(np.flip(x).copy()) for k, x in enumerate(arrays)]


def weights_like(found, seed=0):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.standard_normal(np.shape(x)), np.asarray(x).dtype) for x in found]


def dot(xs, ys):
    pairs = zip(xs, ys, strict=True)
    return sum(float(np.sum(np.nan_to_num(np.asarray(x) * np.asarray(y)).real)) for x, y in pairs)


def test_every_example_belongs_to_a_name():
    for module, table in zip(MODULES, (EXAMPLES, LINALG, FFT), strict=True):
        assert [name for name in table if not hasattr(module, name)] == []


@pytest.mark.parametrize("part", range(8))
def test_values(part):
    for example in traced()[part::8]:
        expected = in_numpy(example)
        for found in (eager(example), Recorded(example).results):
            assert len(found) == len(expected), example
            for x, y in zip(found, expected, strict=True):
                with note(example):
                    same(x.numpy() if isinstance(x, Array) else x, y, ulps=64)


@pytest.mark.parametrize("part", range(8))
def test_single_precision(part):
    for example in traced()[part::8]:
        if "float64" in example:
            continue
        given = inputs(np.float32)
        with note(example):
            recorded, expected = Recorded(example, given), in_numpy(example, np.float32)
            for x, y in zip(recorded.results, expected, strict=True):
                if isinstance(x, Array):
                    assert x.dtype == np.asarray(y).dtype
                    wide = 1e-2 if any(name in example for name in LOOSE) else 2e-5
                    np.testing.assert_allclose(x.numpy(), y, rtol=wide, atol=wide)


@pytest.mark.parametrize("part", range(8))
def test_derivatives(part):
    for example in traced()[part::8]:
        function, args, any_head = differentiable(example)
        if not any_head or not args:
            continue
        with note(example):
            _check_derivative(function, args)


def _check_derivative(function, args):
    value, pull = tj.vjp(function, *odd_layouts(args))
    weights = weights_like(value)
    gradients = pull(weights)
    plain = tj.vjp(function, *args)[1](weights)
    for odd, even in zip(gradients, plain, strict=True):
        np.testing.assert_array_equal(odd, even)
    directions = weights_like(args, seed=1)
    tangents = tj.jvp(function, tuple(args), tuple(directions))[1]
    along = dot(weights, tangents)
    size = 1 + abs(along)
    assert abs(dot(gradients, directions) - along) <= 1e-11 * size, (
        "the adjoint is not the tangent's transpose"
    )
    step = 1e-6
    ends = [function(*(x + s * d for x, d in zip(args, directions, strict=True))) for s in (step, -step)]
    numerical = (dot(weights, ends[0]) - dot(weights, ends[1])) / (2 * step)
    assert abs(along - numerical) <= 2e-6 * size, f"{along} is not the difference quotient {numerical}"


class note:
    """The example in the error of what fails in it."""

    def __init__(self, example):
        self.example = example

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            error.add_note(f"example: {self.example}")


def _compiled_as_interpreted(chosen):
    """All results and gradients of these examples in one program each, in both tiers."""
    for example in chosen:
        function, args, any_head = differentiable(example)
        if not any_head or not args:
            continue
        with note(example):
            found = {}
            for tier in ("interpret", "compile"):
                DECORATED.tier = tier
                value, pull = tj.vjp(function, *args)
                found[tier] = [*value, *pull(weights_like(value))]
            for x, y in zip(found["compile"], found["interpret"], strict=True):
                same(x, np.asarray(y), ulps=256)


def test_compiled_programs_agree():
    _compiled_as_interpreted(traced()[7::48])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(16))
def test_all_compiled_programs_agree(part):
    _compiled_as_interpreted(traced()[part::16])


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_second_derivatives(part):
    for example in traced()[part::8]:
        function, args, any_head = differentiable(example)
        if any_head and args and len(args) < 3 and all(np.all(np.isfinite(x)) for x in function(*args)):
            with note(example):
                tj.check_grads(function, tuple(args), order=2, eps=1e-4, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "function", [lambda q: np.quantile(np.ones(3), q), lambda q: np.percentile(q * np.ones(3), q)]
)
def test_a_number_that_is_not_differentiated_is_refused_where_a_derivative_flows(function):
    with pytest.raises(TypeError, match=r"`q` at test_numpy_names\.py:\d+ is not differentiated"):
        tj.grad(function)(0.3)
    assert tj.grad(lambda q: function(tj.stop_gradient(q)) * q)(0.3) > 0


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda x: np.interp(x, [1.0, 2.0], [1.0]), ValueError, "one length"),
        (lambda x: np.gradient(x[:1]), ValueError, "needs at least 2"),
        (lambda x: np.select([x], [x]), TypeError, "truth values"),
        (lambda x: np.choose(np.array([0, 9]), [x[:2], x[:2]]), IndexError, "out of bounds"),
        (lambda x: np.insert(x, 9, 1.0), IndexError, "out of bounds"),
        (lambda x: np.searchsorted(x[None], 1.0), ValueError, "one dimension"),
        (lambda x: np.max(x, where=x > 0), ValueError, "needs `initial`"),
        (lambda x: np.nanargmax(x * np.nan), ValueError, "All-NaN"),
        (lambda x: np.add.reduceat(x, [0, 9]), IndexError, "outside"),
        (lambda x: np.subtract.reduce(x), TypeError, "not traced"),
        (lambda x: np.pad(x, 1, "odd"), TypeError, "not traced"),
        (lambda x: np.convolve(x, x[:0]), ValueError, "elements"),
        (lambda x: np.block([[x], x]), ValueError, "mismatched"),
        (lambda x: np.unwrap(x, axis=3), IndexError, "out of bounds"),
        (lambda x: x.strides, AttributeError, "memory"),
    ],
)
def test_mistakes_raise_what_numpy_raises_with_the_line(call, kind, words):
    x = tj.array([1.0, 2.0, 3.0])
    x.attach_grad()
    with tj.record(), pytest.raises(kind, match=words) as raised:
        call(x)
    assert "test_numpy_names.py:" in str(raised.value)

"""Functions of NumPy on arrays of any shape, along any axis, at random: values, errors and derivatives.

Sizes are from none to a few, dimensions from none to four. The derivative is checked as the transpose of the
tangent, which central differences check elsewhere.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from trial import leaves, same

import tapejit as tj
from tapejit.tracer.array import Array
from tapejit.tracer.errors import TapejitError

SETTINGS = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=(Phase.generate,),
)
SHAPES = st.lists(st.integers(0, 3), max_size=4).map(tuple)
FILLED = st.lists(st.integers(1, 3), min_size=1, max_size=4).map(tuple)
DTYPES = st.sampled_from(["float64", "float32", "int64", "bool"])


@st.composite
def arrays(draw, shapes=SHAPES, dtypes=DTYPES):
    """An array, its memory in C order, Fortran order or backwards; some of its numbers are equal."""
    shape, dtype = draw(shapes), draw(dtypes)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = np.asarray(np.round(rng.standard_normal(shape) * 2, 1)).astype(dtype)
    layout = draw(st.sampled_from("CFR"))
    return np.flip(np.flip(x).copy()) if layout == "R" else np.array(x, order=layout)


def axes_of(draw, rank, none=True, several=True):
    """An axis, negative or not; several; or None."""
    if not rank or (none and draw(st.booleans())):
        return None
    axis = st.integers(-rank, rank - 1)
    if not several or draw(st.booleans()):
        return draw(axis)
    chosen = draw(st.lists(axis, min_size=1, unique_by=lambda k: k % rank))
    return tuple(chosen)


def in_numpy(function, x):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return leaves(function(x))


def check(function, x):
    """As NumPy, error for error; and the derivative's two directions agree."""
    try:
        expected = in_numpy(function, x)
    except (ValueError, TypeError, IndexError) as error:
        with tj.record(), pytest.raises((TapejitError, type(error))) as raised:
            function(tj.array(x))
        assert isinstance(raised.value, ValueError | TypeError | IndexError)
        assert "test_surface_shapes.py" in str(raised.value)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = leaves(tj.jit(lambda y: tuple(leaves(function(y))))(x))
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        same(a, np.asarray(b), ulps=32)
    if x.dtype.kind == "f" and any(np.asarray(y).dtype.kind == "f" for y in expected) and _flows(function, x):
        _check_directions(function, x)


def _flows(function, x):
    """Whether a derivative flows through any of the results."""
    variable = tj.array(x)
    variable.attach_grad()
    with tj.record():
        return any(isinstance(y, Array) and y.tracked for y in leaves(function(variable)))


def _check_directions(function, x):
    def floats(y):
        return [z for z in leaves(function(y)) if isinstance(z, Array) and z.dtype.kind == "f"]

    rng = np.random.default_rng(1)
    value, pull = tj.vjp(floats, x)
    weights = [np.asarray(rng.standard_normal(np.shape(y)), np.asarray(y).dtype) for y in value]
    direction = np.asarray(rng.standard_normal(x.shape), x.dtype)
    tangents = tj.jvp(floats, (x,), (direction,))[1]
    along = sum(np.sum(np.float64(w) * t) for w, t in zip(weights, tangents, strict=True))
    back = np.sum(np.float64(pull(weights)[0]) * direction)
    rough = 1e-10 if x.dtype == np.float64 else 1e-3
    assert np.isnan(along) or not np.isfinite(along) or abs(back - along) <= rough * (1 + abs(along))


_REDUCTIONS = "sum prod mean var std max min ptp any all median nansum nanprod nanmean nanmax nanmin"


@pytest.mark.parametrize("name", _REDUCTIONS.split())
@given(data=st.data())
@SETTINGS
def test_reductions(name, data):
    x = data.draw(arrays())
    axis = axes_of(data.draw, x.ndim)
    how = {"axis": axis, "keepdims": data.draw(st.booleans())}
    if name in ("sum", "prod", "mean", "any", "all", "nansum", "nanprod") and data.draw(st.booleans()):
        how["where"] = np.resize([True, False, True], x.shape[-1:])
    if name in ("max", "min") and data.draw(st.booleans()):
        how["initial"] = 1
    if name == "ptp" and x.dtype == bool:
        return
    check(lambda y: getattr(np, name)(y, **how), x)


RUNNING = {
    "cumsum": np.cumsum,
    "cumprod": np.cumprod,
    "sort": np.sort,
    "argsort": lambda y, axis: np.argsort(y, axis=axis, kind="stable"),
    "argmax": np.argmax,
    "argmin": np.argmin,
    "flip": np.flip,
    "maximum.accumulate": lambda y, axis: np.maximum.accumulate(y, axis=axis or 0),
    "minimum.accumulate": lambda y, axis: np.minimum.accumulate(y, axis=axis or 0),
    "nancumsum": np.nancumsum,
    "repeat": lambda y, axis: np.repeat(y, 2, axis=axis),
    "roll": lambda y, axis: np.roll(y, 2, axis=axis),
    "delete": lambda y, axis: np.delete(y, [0], axis=axis),
    "append": lambda y, axis: np.append(y, y, axis=axis),
    "insert": lambda y, axis: np.insert(y, 0, 1, axis=axis),
    "count_nonzero": np.count_nonzero,
    "squeeze": np.squeeze,
    "unique": lambda y, axis: np.unique(y),
}


@pytest.mark.parametrize("name", RUNNING)
@given(data=st.data())
@SETTINGS
def test_along_one_axis(name, data):
    x = data.draw(arrays())
    axis = axes_of(data.draw, x.ndim, several=False)
    check(lambda y: RUNNING[name](y, axis=axis), x)


@given(data=st.data())
@SETTINGS
def test_differences(data):
    x = data.draw(arrays(FILLED, st.sampled_from(["float64", "float32", "int64"])))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    order = data.draw(st.integers(0, 3))
    check(lambda y: np.diff(y, order, axis=axis), x)
    check(lambda y: np.diff(y, axis=axis, prepend=0, append=y.sum()), x)
    check(lambda y: np.gradient(y, axis=axis), x)
    check(lambda y: np.trapezoid(y, dx=0.5, axis=axis), x)
    check(lambda y: np.cumulative_sum(y, axis=axis, include_initial=True), x)


@given(data=st.data())
@SETTINGS
def test_quantiles(data):
    x = data.draw(arrays(FILLED, st.just("float64")))
    axis = axes_of(data.draw, x.ndim)
    q = data.draw(st.sampled_from([0.0, 0.25, 0.6, 1.0]))
    method = data.draw(st.sampled_from(["linear", "hazen", "weibull", "lower", "nearest", "inverted_cdf"]))
    check(lambda y: np.quantile(y, q, axis=axis, method=method), x)
    check(lambda y: np.nanquantile(np.where(y > 1, np.nan, y), [q, 0.5], axis=axis, method=method), x)


@given(data=st.data())
@SETTINGS
def test_padding(data):
    x = data.draw(arrays(FILLED, st.sampled_from(["float64", "int64"])))
    width = [(data.draw(st.integers(0, 4)), data.draw(st.integers(0, 4))) for _ in x.shape]
    modes = "constant edge linear_ramp maximum mean median minimum reflect symmetric wrap"
    mode = data.draw(st.sampled_from(modes.split()))
    check(lambda y: np.pad(y, width, mode), x)
    if mode in ("reflect", "symmetric"):
        check(lambda y: np.pad(y, width, mode, reflect_type="odd"), x)


@given(data=st.data())
@SETTINGS
def test_shape(data):
    x = data.draw(arrays())
    rank = x.ndim
    perm = data.draw(st.permutations(range(rank)))
    check(lambda y: np.transpose(y, perm), x)
    order, turns, start, offset = (
        data.draw(s)
        for s in (st.sampled_from("CF"), st.integers(-2, 5), st.integers(0, rank), st.integers(-2, 2))
    )
    check(lambda y: np.reshape(y, -1, order=order), x)
    check(lambda y: np.ravel(y, order="F"), x)
    check(np.atleast_2d, x)
    check(np.atleast_3d, x)
    if rank > 1:
        pair = perm[:2]
        check(lambda y: np.rot90(y, turns, pair), x)
        check(lambda y: np.rollaxis(y, pair[0], start), x)
        check(lambda y: np.moveaxis(y, pair, pair[::-1]), x)
        check(lambda y: np.diagonal(y, offset, *pair), x)
        check(lambda y: np.trace(y, 1, *pair), x)
        check(np.tril, x)


@given(data=st.data())
@SETTINGS
def test_joining_and_splitting(data):
    x = data.draw(arrays())
    axis = axes_of(data.draw, x.ndim, none=False, several=False) or 0
    sections = data.draw(st.integers(1, 4))
    check(lambda y: np.array_split(y, sections, axis=axis), x)
    check(lambda y: np.split(y, sections, axis=axis), x)
    check(lambda y: np.stack([y, y * 2], axis=axis), x)
    check(lambda y: np.concatenate([y, y[:1]], axis=axis), x)
    check(lambda y: [np.hstack([y, y]), np.vstack([y, y]), np.dstack([y, y]), np.column_stack([y, y])], x)
    check(lambda y: np.block([[y, y], [y, y]]), x)
    counts = data.draw(st.sampled_from([2, (2, 1), (1, 2, 2)]))
    check(lambda y: np.tile(y, counts), x)


@given(data=st.data())
@SETTINGS
def test_sorted_search(data):
    x = data.draw(arrays(dtypes=st.sampled_from(["float64", "float32", "int64"])))
    table = np.sort(data.draw(arrays(st.tuples(st.integers(1, 9)), st.just("float64"))))
    side = data.draw(st.sampled_from(["left", "right"]))
    check(lambda y: np.searchsorted(table, y, side), x)
    check(lambda y: np.digitize(y, table), x)
    knots = np.unique(table)
    check(lambda y: np.interp(y, knots, np.sin(knots)), x)
    check(lambda y: np.histogram(y, 3) if y.size else y, x)


@given(data=st.data())
@SETTINGS
def test_convolutions(data):
    x = data.draw(arrays(st.tuples(st.integers(0, 6)), st.just("float64")))
    kernel = np.arange(1.0, data.draw(st.integers(2, 6)))
    mode = data.draw(st.sampled_from(["full", "same", "valid"]))
    check(lambda y: np.convolve(y, kernel, mode), x)
    check(lambda y: np.correlate(y, kernel, mode), x)
    check(lambda y: np.correlate(kernel, y, mode), x)


@given(data=st.data())
@SETTINGS
def test_products_along_one_dimension(data):
    x = data.draw(arrays(FILLED, st.sampled_from(["float64", "int64"])))
    check(lambda y: np.vecdot(y, y * 2), x)
    check(lambda y: np.matvec(y, y[..., :1, :].reshape(-1, y.shape[-1])[0]), x)
    check(lambda y: np.kron(y, y.ravel()[:2]), x)
    check(lambda y: np.cross(y, y + 1), x)
    check(lambda y: np.add.outer(y, y.ravel()[:3]), x)

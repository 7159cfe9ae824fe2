"""What must hold of a row of the primitive table, on one of its examples.

Each check takes (row, operands, attrs) and raises AssertionError when the row breaks it. The checks
of derivatives work on any function, so they also serve second derivatives and random programs.
`test_primitives` runs them on every row, `test_corruption` shows that each one catches wrong rows.
"""

import numpy as np
from emission import emitted

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.custom import custom_derivative
from tapejit.ir.factor import cholesky, qr
from tapejit.ir.interpreter import interpret
from tapejit.ir.matrix import columns, conj, dagger, hermitian, product, scaled_columns
from tapejit.ir.parser import parse_function
from tapejit.ir.printer import canonical_text, print_function
from tapejit.ir.spectrum import eigh, svd
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.transforms.batch import batch
from tapejit.ir.transforms.tangent import tangent
from tapejit.ir.types import type_of
from tapejit.ir.verifier import verify

STEP = 1e-6
REFUSED = ("poisson_quantile", "binomial_quantile")  # asking for their derivatives is an error


def single(row, operands, attrs):
    """The function that applies one row to its parameters."""
    builder = Builder(row.name, [type_of(x) for x in operands])
    return verify(builder.finish(row.several(*builder.params, builder=builder, **attrs)))


def as_defined(row, operands, attrs):
    """`single`; of a row whose derivative is stated for Hermitian matrices only, after taking that part, and
    of complex vectors what does not depend on their phases."""
    if row not in (cholesky, eigh, svd, qr):
        return single(row, operands, attrs)
    builder = Builder(row.name, [type_of(x) for x in operands])
    (x,) = builder.params
    results = row.several(hermitian(x) if row in (cholesky, eigh) else x, **attrs)
    return verify(builder.finish(WITHOUT_PHASES.get(row, tuple)(results) if x.is_complex else results))


def spectral(vectors, others):
    """The sum of the products of vectors with the conjugates of others, with different weights."""
    count = min(vectors.shape[-1], others.shape[-1])
    shape, last = (*vectors.shape[:-2], count), len(vectors.shape) - 2
    weights = 1.0 + ops.iota(builder=vectors.builder, dtype="f64", shape=shape, axis=last)
    left, right = columns(vectors, 0, count), columns(others, 0, count)
    return product(scaled_columns(left, weights), conj(right), turn=(False, True))


def without_completion(results):
    """Q and R, where what completes Q counts as the space that it spans."""
    q, r = results
    rank = r.shape[-1]
    others = columns(q, rank, q.shape[-1])
    return columns(q, 0, rank), r, product(others, conj(others), turn=(False, True))


WITHOUT_PHASES = {
    qr: without_completion,
    eigh: lambda rs: (rs[0], spectral(rs[1], rs[1])),
    svd: lambda rs: (rs[1], spectral(rs[0], rs[0]), spectral(rs[0], dagger(rs[2]))),
}


def is_float(x):
    """Real or complex floating point."""
    return np.asarray(x).dtype.kind in "fc"


def floats(values):
    return [x for x in values if is_float(x)]


def precision(values, double, single):
    """The tolerance for these values: that of f32 as soon as one of them is f32."""
    return single if any(np.asarray(x).dtype in (np.float32, np.complex64) for x in values) else double


def directions(values, seed):
    """A random direction for each float among `values`, in its dtype."""
    rng = np.random.default_rng(seed)
    return [direction(rng, np.shape(x), np.asarray(x).dtype) for x in floats(values)]


def direction(rng, shape, dtype):
    real = rng.standard_normal(shape)
    return (real + 1j * rng.standard_normal(shape) if dtype.kind == "c" else real).astype(dtype)


def shifted(values, dots, by):
    """`values` moved by `by` along `dots`, which has one entry per float."""
    remaining = iter(dots)
    return [x + by * next(remaining) if is_float(x) else x for x in values]


def dot(xs, ys):
    """The real part of the sum of products, without conjugation: the pairing that adjoints are defined by."""
    return sum(float(np.sum(x * y).real) for x, y in zip(xs, ys, strict=True))


def assert_same_bits(found, expected):
    """Equal, with signed zeros apart and any NaN the same as any other."""
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_array_equal(x, y, strict=True)
        number = ~np.isnan(x)
        np.testing.assert_array_equal(np.signbit(x[number]), np.signbit(y[number]))


# -- Derivatives of any function -------------------------------------------------------------------


def tangent_is_slope(f, args, rtol=1e-6):
    """The tangent is the central difference along a random direction (f64 only)."""
    dots = directions(args, seed=0)
    found = interpret(verify(tangent(f)), *args, *dots)[len(f.results) :]
    ahead, behind = (floats(interpret(f, *shifted(args, dots, s * STEP))) for s in (1, -1))
    for y_dot, y, z in zip(found, ahead, behind, strict=True):
        np.testing.assert_allclose(y_dot, (y - z) / (2 * STEP), rtol=rtol, atol=1e-8)


def adjoint_is_transpose(f, args, rtol=None):
    """For any x_dot and y_bar, y_bar . y_dot is x_bar . x_dot."""
    x_dots, y_bars = directions(args, seed=1), directions(interpret(f, *args), seed=2)
    y_dots = interpret(verify(tangent(f)), *args, *x_dots)[len(f.results) :]
    x_bars = interpret(verify(adjoint(f)), *args, *y_bars)[len(f.results) :]
    forward, backward = dot(y_bars, y_dots), dot(x_bars, x_dots)
    scale = dot(map(np.abs, x_bars), map(np.abs, x_dots))
    rtol = rtol or precision([*args, *interpret(f, *args)], 1e-12, 1e-4)
    assert abs(forward - backward) <= rtol * scale + 1e-300, (forward, backward)


# -- Rows --------------------------------------------------------------------------------------------


def has_derivative(row, operands, attrs):
    """Floats go in and come out, and the derivative is meant to be that of the reference."""
    f = single(row, operands, attrs)
    honest = row.name not in (ops.stop_gradient.name, custom_derivative.name, *REFUSED)
    return honest and bool(floats(operands)) and any(v.type.is_inexact for v in f.results)


def is_double(row, operands, attrs):
    """Nothing is f32, where a central difference says little."""
    return precision([*operands, *interpret(single(row, operands, attrs), *operands)], True, False)


def check_types(row, operands, attrs):
    """The reference returns, unaided, exactly the types that the type rule states."""
    f = single(row, operands, attrs)
    regions = {"regions": attrs["regions"]} if "regions" in attrs else {}
    found = row.reference(*operands, **{**attrs, **regions})
    arrays = (found,) if row.results == 1 else found
    assert [type_of(x) for x in arrays] == [v.type for v in f.results]


def check_text(row, operands, attrs):
    """What prints parses back to the same function."""
    f = single(row, operands, attrs)
    back = verify(parse_function(print_function(f)))
    assert print_function(back) == print_function(f)
    assert canonical_text(back) == canonical_text(f)
    assert back.body[0].attrs == f.body[0].attrs


def check_tangent(row, operands, attrs):
    if has_derivative(row, operands, attrs) and is_double(row, operands, attrs):
        tangent_is_slope(as_defined(row, operands, attrs), operands)


def check_adjoint(row, operands, attrs):
    if has_derivative(row, operands, attrs):
        adjoint_is_transpose(single(row, operands, attrs), operands)


def check_second_order(row, operands, attrs):
    """The adjoint is a function like others: its tangent is its slope, its adjoint the transpose."""
    if not has_derivative(row, operands, attrs) or not is_double(row, operands, attrs):
        return
    f = as_defined(row, operands, attrs)
    gradient = verify(adjoint(f))
    args = [*operands, *directions(interpret(f, *operands), seed=3)]
    tangent_is_slope(gradient, args)
    adjoint_is_transpose(gradient, args, rtol=1e-11)


def check_dtypes(row, operands, attrs):
    """Derivatives have the dtypes of what they are derivatives of."""
    if not has_derivative(row, operands, attrs):
        return
    f = single(row, operands, attrs)
    expected = [v.type for v in (*f.results, *f.params) if v.type.is_inexact]
    y_dots = [v.type for v in tangent(f).results[len(f.results) :]]
    x_bars = [v.type for v in adjoint(f).results[len(f.results) :]]
    assert y_dots + x_bars == expected


def check_batch(row, operands, attrs):
    """The batched row is a loop over the row, whichever operands carry the new axis."""
    f = single(row, operands, attrs)
    for mapped in mappings(len(operands)):
        stacks = [stack_of_variants(x) if m else x for x, m in zip(operands, mapped, strict=True)]
        found = interpret(verify(batch(f, 3, mapped)), *stacks)
        expected = [interpret(f, *take(stacks, mapped, i)) for i in range(3)]
        rtol = precision(operands, 1e-12, 1e-5)
        for result, parts in zip(found, zip(*expected, strict=True), strict=True):
            np.testing.assert_allclose(result, np.stack(parts), rtol=rtol)


def mappings(count):
    """All operands mapped, and each alone."""
    alone = [tuple(k == i for k in range(count)) for i in range(count)] if count > 1 else []
    return [(True,) * count, *alone] if count else []


def stack_of_variants(x):
    """x, the same elements in reverse (a truth value negated), and x."""
    other = ~x if x.dtype == bool else x.ravel()[::-1].reshape(x.shape)
    return np.stack([x, other, x])


def take(stacks, mapped, i):
    return [x[i] if m else x for x, m in zip(stacks, mapped, strict=True)]


def check_emission(row, operands, attrs):
    """The emission, read in plain Python, gives what the reference gives."""
    f = single(row, operands, attrs)
    expected = interpret(f, *operands)[0]
    found = emitted(row, f.results[0].type, operands, attrs)
    if found is not None:
        rtol = precision([*operands, expected], 2e-15, 1e-6)
        np.testing.assert_allclose(found, expected, rtol=rtol)


CHECKS = (
    check_types,
    check_text,
    check_tangent,
    check_adjoint,
    check_second_order,
    check_dtypes,
    check_batch,
    check_emission,
)

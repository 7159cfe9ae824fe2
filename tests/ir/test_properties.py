"""Random programs: a pass changes no bit, the text is the function, the adjoint is the transpose."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_function import ROUGH, SMOOTH, SPECIAL, functions
from row_checks import (
    adjoint_is_transpose,
    assert_same_bits,
    mappings,
    stack_of_variants,
    take,
    tangent_is_slope,
)

from tapejit.ir.interpreter import interpret
from tapejit.ir.parser import parse_function
from tapejit.ir.passes.pipeline import CANONICALISE, canonicalise
from tapejit.ir.printer import canonical_text, print_function
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.transforms.batch import batch
from tapejit.ir.transforms.tangent import tangent
from tapejit.ir.verifier import verify

PASSES = {**dict(CANONICALISE), "canonicalise": canonicalise}
MODEST = (0.25, -0.75, 0.5, 1.25, -1.5, 2.0)
ANYTHING = functions(SMOOTH + ROUGH, SPECIAL)
SOMETHING_SMOOTH = functions(SMOOTH, MODEST)
several = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("name", PASSES)
@several
@given(case=ANYTHING)
def test_a_pass_changes_no_bit(name, case):
    f, args = case
    text, expected = print_function(f), interpret(f, *args)
    g = verify(PASSES[name](f))
    assert_same_bits(interpret(g, *args), expected)
    assert g.params == f.params
    assert print_function(f) == text


@several
@given(case=ANYTHING)
def test_a_pass_changes_no_bit_of_derivatives(case):
    f, args = case
    for g, more in ((adjoint(f), 2), (tangent(f), 2)):
        inputs = [*args, *args[:more]]
        assert_same_bits(interpret(verify(canonicalise(g)), *inputs), interpret(g, *inputs))


@several
@given(case=ANYTHING)
def test_canonical_form_is_stable(case):
    f = canonicalise(case[0])
    assert canonical_text(canonicalise(f)) == canonical_text(f)


@several
@given(case=ANYTHING)
def test_the_text_is_the_function(case):
    f, args = case
    text = print_function(f)
    back = verify(parse_function(text))
    assert print_function(back) == text
    assert canonical_text(back) == canonical_text(f)
    assert_same_bits(interpret(back, *args), interpret(f, *args))


@several
@given(case=SOMETHING_SMOOTH)
def test_the_adjoint_is_the_transpose_of_the_tangent(case):
    f, args = case
    adjoint_is_transpose(verify(f), args)
    adjoint_is_transpose(canonicalise(adjoint(f)), [*args, *args], rtol=1e-10)


@several
@given(case=functions(SMOOTH, (0.25, -0.75, 0.5)))
def test_the_tangent_is_the_slope(case):
    f, args = case
    tangent_is_slope(f, [0.25 * x for x in args], rtol=1e-4)


@several
@given(case=ANYTHING, data=st.data())
def test_a_batch_is_a_loop(case, data):
    f, args = case
    mapped = data.draw(st.sampled_from(mappings(len(args))))
    stacks = [stack_of_variants(x) if m else x for x, m in zip(args, mapped, strict=True)]
    found = interpret(verify(batch(f, 3, mapped)), *stacks)
    expected = [interpret(f, *take(stacks, mapped, i)) for i in range(3)]
    for result, parts in zip(found, zip(*expected, strict=True), strict=True):
        np.testing.assert_allclose(result, np.stack(parts), rtol=1e-9)

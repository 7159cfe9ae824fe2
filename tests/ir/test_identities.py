"""Every row of the tables of `simplify` applies to its example and changes no bit of it.

The operands take all pairs of the numbers that arithmetic treats specially, in f64 and in f32.
"""

from itertools import product

import numpy as np
import pytest
from row_checks import assert_same_bits

from tapejit.ir import control, ops
from tapejit.ir.builder import Builder
from tapejit.ir.interpreter import interpret
from tapejit.ir.passes.algebra import ALGEBRA
from tapejit.ir.passes.dce import dce
from tapejit.ir.passes.layout import LAYOUT
from tapejit.ir.passes.pattern import Match
from tapejit.ir.passes.rewrite import rewrite
from tapejit.ir.types import TensorType
from tapejit.ir.verifier import verify

RULES = (*ALGEBRA, *LAYOUT)
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 3.0, np.inf, -np.inf, np.nan, 1e-45, -1e38, 1e-38, 0.1)
PAIRS = np.array(list(product(SPECIAL, SPECIAL))).T
COUNT = PAIRS.shape[1]


def cut(x, start, stop, step=1):
    return ops.slice_(x, start=(start,), stop=(stop,), step=(step,))


def full(x, value):
    return x.builder.full(x.type.with_dtype("bool"), value)


def single(x):
    return ops.reshape(x, shape=(1, COUNT, 1))


def constant_cond(x):
    branch = Builder("branch", [x.type])
    region = branch.finish([ops.sin(branch.params[0])])
    pred = x.builder.full(TensorType("bool"), False)
    return control.cond.several(pred, x, regions=(region, region))[0]


EXAMPLES = {
    "constant first -> constant second": lambda x, y: 3.0 * x,
    "x + -0.0 -> x": lambda x, y: x + -0.0,
    "x + -y -> x - y": lambda x, y: x + -y,
    "-x + y -> y - x": lambda x, y: -x + y,
    "x - 0.0 -> x": lambda x, y: x - 0.0,
    "-0.0 - x -> -x": lambda x, y: -0.0 - x,
    "x - -y -> x + y": lambda x, y: x - -y,
    "x * 1 -> x": lambda x, y: x * 1.0,
    "x * -1 -> -x": lambda x, y: x * -1.0,
    "-x * c -> x * -c": lambda x, y: -x * 0.1,
    "-x * -y -> x * y": lambda x, y: -x * -y,
    "-x * y -> -(x * y)": lambda x, y: -x * y,
    "x * -y -> -(x * y)": lambda x, y: x / -y,
    "x / 1 -> x": lambda x, y: x / 1.0,
    "x / -1 -> -x": lambda x, y: x / -1.0,
    "--x -> x": lambda x, y: ops.neg(ops.neg(x)),
    "-(x * c) -> x * -c": lambda x, y: -(x * 0.1),
    "abs(-x) -> abs(x)": lambda x, y: ops.abs_(-x),
    "abs(abs(x)) -> abs(x)": lambda x, y: ops.abs_(ops.abs_(x)),
    "x**0 -> 1": lambda x, y: ops.integer_pow(x, exponent=0),
    "x**1 -> x": lambda x, y: ops.integer_pow(x, exponent=1),
    "x**2 -> x * x": lambda x, y: ops.integer_pow(x, exponent=2),
    "x**-1 -> 1 / x": lambda x, y: ops.integer_pow(x, exponent=-1),
    "pow(x, 1.0) -> x": lambda x, y: ops.pow_(x, x.like(1.0)),
    "max(x, x) -> x": lambda x, y: ops.maximum(x, x),
    "x < x -> False": lambda x, y: ops.lt(x, x),
    "x == x -> True": lambda x, y: (lambda c: ops.eq(c, c))(ops.gt(x, y)),
    "not not x -> x": lambda x, y: ops.logical_not(ops.logical_not(ops.lt(x, y))),
    "not (x == y) -> x != y": lambda x, y: ops.logical_not(ops.eq(x, y)),
    "not (x != y) -> x == y": lambda x, y: ops.logical_not(ops.ne(x, y)),
    "x and constant": lambda x, y: ops.logical_and(full(x, True), ops.lt(x, y)),
    "x or constant": lambda x, y: ops.logical_or(ops.lt(x, y), full(x, True)),
    "select(c, x, x) -> x": lambda x, y: ops.select(ops.lt(x, y), x, x),
    "select(constant, x, y)": lambda x, y: ops.select(full(x, False), x, y),
    "select(not c, x, y) -> select(c, y, x)": lambda x, y: ops.select(ops.logical_not(ops.lt(x, y)), x, y),
    "select(c, select(c, x, y), z) -> select(c, x, z)": lambda x, y: (
        lambda c: ops.select(c, ops.select(c, x, y), y + 1.0)
    )(ops.lt(x, y)),
    "select(c, x, select(c, y, z)) -> select(c, x, z)": lambda x, y: (
        lambda c: ops.select(c, x, ops.select(c, x, y))
    )(ops.lt(x, y)),
    "select(c, f(select(c, x, y)), z) -> select(c, f(x), z)": lambda x, y: (
        lambda c: ops.select(c, ops.select(c, x, y) * y, y)
    )(ops.lt(x, y)),
    "select(c, x, f(select(c, y, z))) -> select(c, x, f(z))": lambda x, y: (
        lambda c: ops.select(c, x, y - ops.select(c, x, y))
    )(ops.lt(x, y)),
    "cond of a constant": lambda x, y: constant_cond(x),
    "cast to the own dtype -> x": lambda x, y: ops.cast(x, dtype=x.dtype),
    "cast to a wider dtype and back -> x": lambda x, y: ops.cast(
        ops.cast(ops.cast(x, dtype="f32"), dtype="f64"), dtype="f32"
    ),
    "any order of a repeated scalar": lambda x, y: ops.reverse(
        ops.broadcast(ops.reshape(cut(x, 3, 4), shape=()), shape=(4,), dims=()), axes=(0,)
    ),
    "reshape to the own shape -> x": lambda x, y: ops.reshape(x, shape=x.shape),
    "reshape of a reshape": lambda x, y: ops.reshape(single(x), shape=(COUNT, 1)),
    "transpose in the own order -> x": lambda x, y: ops.transpose(x, perm=(0,)),
    "transpose of a transpose": lambda x, y: ops.transpose(
        ops.transpose(single(x), perm=(1, 2, 0)), perm=(1, 0, 2)
    ),
    "broadcast to the own shape -> x": lambda x, y: ops.broadcast(x, shape=x.shape, dims=(0,)),
    "broadcast of a broadcast": lambda x, y: ops.broadcast(
        ops.broadcast(x, shape=(2, COUNT), dims=(1,)), shape=(3, 2, COUNT), dims=(1, 2)
    ),
    "reverse of dimensions of one element -> x": lambda x, y: ops.reverse(single(x), axes=(0, 2)),
    "reverse of a reverse": lambda x, y: ops.reverse(ops.reverse(x, axes=(0,)), axes=(0,)),
    "slice of the whole -> x": lambda x, y: cut(x, 0, COUNT),
    "slice of a slice": lambda x, y: cut(cut(x, 3, COUNT - 1, 2), 1, 9, 3),
    "slice within one piece of a concat -> slice of the piece": lambda x, y: cut(
        ops.concat(x, y, axis=0), COUNT + 1, 2 * COUNT - 1, 2
    ),
    "slice within the middle of a pad -> slice of the operand": lambda x, y: cut(
        ops.pad(x, low=(2,), high=(1,), interior=(0,), value=7.0), 2, COUNT + 1, 3
    ),
    "pad by nothing -> x": lambda x, y: ops.pad(x, low=(0,), high=(0,), interior=(0,), value=7.0),
    "concat of one -> x": lambda x, y: ops.concat(x, axis=0),
    "reduction of single elements -> reshape": lambda x, y: ops.reduce_prod(single(x), axes=(0, 2)),
    "sum of single elements -> reshape, + 0.0": lambda x, y: ops.reduce_sum(single(x), axes=(0, 2)),
}


def applied(rule, function):
    """`function` with only this rule, and how often it applied."""
    hits = []

    def once(out, instr):
        found = rule.apply(Match(out, instr)) if instr.primitive in rule.primitives else None
        if found is None:
            return None
        hits.append(instr)
        return [v.value for v in (found if isinstance(found, tuple) else (found,))]

    return rewrite(function, once, lambda region: region), len(hits)


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.pattern)
def test_rule_applies_and_changes_no_bit(rule, dtype):
    builder = Builder("f", [TensorType(dtype, (COUNT,))] * 2)
    f = builder.finish([EXAMPLES[rule.pattern](*builder.params)])
    g, hits = applied(rule, f)
    assert hits
    args = PAIRS.astype(f.params[0].type.numpy_dtype)
    assert_same_bits(interpret(verify(dce(g)), *args), interpret(f, *args))


def test_every_rule_has_an_example_and_a_reason():
    assert set(EXAMPLES) == {rule.pattern for rule in RULES}
    assert all(rule.why for rule in RULES)


INEXACT = {
    "x * 0": lambda x, y: x * 0.0,
    "x - x": lambda x, y: x - x,
    "x + 0.0": lambda x, y: x + 0.0,
    "0.0 - x": lambda x, y: 0.0 - x,
    "x / 3": lambda x, y: x / 3.0,
    "x / 2**-1074": lambda x, y: x / 5e-324,
    "x / x": lambda x, y: x / x,
    "not (x < y)": lambda x, y: ops.logical_not(ops.lt(x, y)),
    "x == x": lambda x, y: ops.eq(x, x),
    "-(x - y)": lambda x, y: -(x - y),
    "x / 0": lambda x, y: x / 0.0,
    "x and y": lambda x, y: ops.logical_and(ops.lt(x, y), ops.gt(x, y)),
    "cast to a narrower dtype and back": lambda x, y: ops.cast(ops.cast(x, dtype="f32"), dtype="f64"),
}


@pytest.mark.parametrize("name", INEXACT)
def test_no_rule_applies_to_what_is_not_exact(name):
    builder = Builder("f", [TensorType("f64", (COUNT,))] * 2)
    f = builder.finish([INEXACT[name](*builder.params)])
    assert [rule.pattern for rule in RULES if applied(rule, f)[1]] == []

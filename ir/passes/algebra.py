"""The exact identities of arithmetic, logic and choice, as rows for `simplify`.

What is missing is missing because it is not exact: x * 0, x - x, x + 0.0 (-0.0 + 0.0 is 0.0),
not (x < y), x / c as x * (1 / c), any reordering of sums or products. Where c is a power of two that would be
exact; LLVM does it, and here it would tell the mean of 64 elements from that of 63 (runtime/family.py).
"""

from __future__ import annotations

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.control import cond
from tapejit.ir.emission import Scalar
from tapejit.ir.ops import logical_and, logical_not, logical_or, neg, select
from tapejit.ir.passes.pattern import Match, Rule, same

ALGEBRA = (
    Rule(
        (ops.add, ops.mul),
        "constant first -> constant second",
        "both commute",
        lambda m: m.instr.primitive(m.y, m.x) if _only_first_constant(m) else None,
    ),
    Rule(
        (ops.add,),
        "x + -0.0 -> x",
        "-0.0 is neutral, for 0.0 and -0.0 too; so is the integer 0",
        lambda m: m.x if m.filled(m.y, -0.0) else None,
    ),
    Rule(
        (ops.add,),
        "x + -y -> x - y",
        "the definition of subtraction in IEEE 754",
        lambda m: m.x - y if (y := m.under(neg, m.y)) else None,
    ),
    Rule(
        (ops.add,),
        "-x + y -> y - x",
        "the same, addition commutes",
        lambda m: m.y - x if (x := m.under(neg, m.x)) else None,
    ),
    Rule((ops.sub,), "x - 0.0 -> x", "adding -0.0", lambda m: m.x if m.filled(m.y, 0.0) else None),
    Rule(
        (ops.sub,),
        "-0.0 - x -> -x",
        "0.0 at -0.0 and -0.0 at 0.0, as negation",
        lambda m: -m.y if m.filled(m.x, -0.0) else None,
    ),
    Rule(
        (ops.sub,),
        "x - -y -> x + y",
        "negation is exact",
        lambda m: m.x + y if (y := m.under(neg, m.y)) else None,
    ),
    Rule((ops.mul,), "x * 1 -> x", "1 is neutral", lambda m: m.x if m.filled(m.y, 1.0) else None),
    Rule(
        (ops.mul,), "x * -1 -> -x", "only the sign changes", lambda m: -m.x if m.filled(m.y, -1.0) else None
    ),
    Rule(
        (ops.mul,),
        "-x * c -> x * -c",
        "the sign of a product is apart from its rounding",
        lambda m: x * -m.number(m.y) if (x := m.under(neg, m.x)) and _float_constant(m, m.y) else None,
    ),
    Rule((ops.mul, ops.div), "-x * -y -> x * y", "the signs cancel", lambda m: _both_negated(m)),
    Rule(
        (ops.mul, ops.div),
        "-x * y -> -(x * y)",
        "the sign is apart from the rounding",
        lambda m: -m.instr.primitive(x, m.y) if (x := _real_negated(m, m.x)) else None,
    ),
    Rule(
        (ops.mul, ops.div),
        "x * -y -> -(x * y)",
        "the sign is apart from the rounding",
        lambda m: -m.instr.primitive(m.x, y) if (y := _real_negated(m, m.y)) else None,
    ),
    Rule((ops.div,), "x / 1 -> x", "1 is neutral", lambda m: m.x if m.filled(m.y, 1.0) else None),
    Rule(
        (ops.div,), "x / -1 -> -x", "only the sign changes", lambda m: -m.x if m.filled(m.y, -1.0) else None
    ),
    Rule((ops.neg,), "--x -> x", "negation is its own inverse", lambda m: m.under(neg, m.x)),
    Rule(
        (ops.neg,),
        "-(x * c) -> x * -c",
        "the sign is apart from the rounding",
        lambda m: p.x * -p.number(p.y) if (p := m.of(ops.mul, m.x)) and _float_constant(p, p.y) else None,
    ),
    Rule(
        (ops.abs_,),
        "abs(-x) -> abs(x)",
        "abs drops the sign",
        lambda m: ops.abs_(x) if (x := m.under(neg, m.x)) else None,
    ),
    Rule(
        (ops.abs_,),
        "abs(abs(x)) -> abs(x)",
        "abs drops a sign that is not there",
        lambda m: m.x if m.of(ops.abs_, m.x) else None,
    ),
    Rule(
        (ops.integer_pow,),
        "x**0 -> 1",
        "by definition, NaN included",
        lambda m: m.x.like(1.0) if m.attrs["exponent"] == 0 else None,
    ),
    Rule(
        (ops.integer_pow,),
        "x**1 -> x",
        "no multiplication",
        lambda m: m.x if m.attrs["exponent"] == 1 else None,
    ),
    Rule(
        (ops.integer_pow,),
        "x**2 -> x * x",
        "what repeated squaring does",
        lambda m: m.x * m.x if m.attrs["exponent"] == 2 else None,
    ),
    Rule(
        (ops.integer_pow,),
        "x**-1 -> 1 / x",
        "what a negative power is",
        lambda m: 1.0 / m.x if m.attrs["exponent"] == -1 else None,
    ),
    Rule(
        (ops.pow_,),
        "pow(x, 1.0) -> x",
        "exact in C's pow, NaN included",
        lambda m: m.x if m.filled(m.y, 1.0) else None,
    ),
    Rule(
        (ops.maximum, ops.minimum, logical_and, logical_or),
        "max(x, x) -> x",
        "idempotent",
        lambda m: m.x if same(m.x, m.y) else None,
    ),
    Rule(
        (ops.lt, ops.gt, ops.ne),
        "x < x -> False",
        "for NaN too; `!=` only without NaN",
        lambda m: _truth(m, False) if same(m.x, m.y) and _irreflexive(m) else None,
    ),
    Rule(
        (ops.eq, ops.le, ops.ge),
        "x == x -> True",
        "integers and truth values are not NaN",
        lambda m: _truth(m, True) if same(m.x, m.y) and not m.x.is_inexact else None,
    ),
    Rule((logical_not,), "not not x -> x", "its own inverse", lambda m: m.under(logical_not, m.x)),
    Rule(
        (logical_not,),
        "not (x == y) -> x != y",
        "complements, for NaN too",
        lambda m: ops.ne(p.x, p.y) if (p := m.of(ops.eq, m.x)) else None,
    ),
    Rule(
        (logical_not,),
        "not (x != y) -> x == y",
        "complements, for NaN too",
        lambda m: ops.eq(p.x, p.y) if (p := m.of(ops.ne, m.x)) else None,
    ),
    Rule(
        (logical_and,), "x and constant", "True is neutral, False absorbs", lambda m: _logic(m, neutral=True)
    ),
    Rule(
        (logical_or,), "x or constant", "False is neutral, True absorbs", lambda m: _logic(m, neutral=False)
    ),
    Rule((select,), "select(c, x, x) -> x", "either arm is x", lambda m: m.y if same(m.y, m.z) else None),
    Rule(
        (select,),
        "select(constant, x, y)",
        "the condition is known",
        lambda m: None if m.number(m.x) is None else m.y if m.number(m.x) else m.z,
    ),
    Rule(
        (select,),
        "select(not c, x, y) -> select(c, y, x)",
        "the arms change places",
        lambda m: select(c, m.z, m.y) if (c := m.under(logical_not, m.x)) else None,
    ),
    Rule(
        (select,),
        "select(c, select(c, x, y), z) -> select(c, x, z)",
        "c is known in the arm",
        lambda m: select(m.x, p.y, m.z) if (p := m.of(select, m.y)) and same(p.x, m.x) else None,
    ),
    Rule(
        (select,),
        "select(c, x, select(c, y, z)) -> select(c, x, z)",
        "not c is known in the arm",
        lambda m: select(m.x, m.y, p.z) if (p := m.of(select, m.z)) and same(p.x, m.x) else None,
    ),
    Rule(
        (select,),
        "select(c, f(select(c, x, y)), z) -> select(c, f(x), z)",
        "f takes element by element",
        lambda m: select(m.x, arm, m.z) if (arm := _under_condition(m, m.y, arm=1)) else None,
    ),
    Rule(
        (select,),
        "select(c, x, f(select(c, y, z))) -> select(c, x, f(z))",
        "f takes element by element",
        lambda m: select(m.x, m.y, arm) if (arm := _under_condition(m, m.z, arm=2)) else None,
    ),
    Rule(
        (cond,),
        "cond of a constant",
        "the branch is known",
        lambda m: None if m.number(m.x) is None else _branch_taken(m),
    ),
)


def _only_first_constant(m: Match) -> bool:
    return m.number(m.x) is not None and m.number(m.y) is None


def _float_constant(m: Match, x: Var) -> bool:
    return x.is_float and m.number(x) is not None


def _real_negated(m: Match, x: Var) -> Var | None:
    """y where x is -y. Not of complex numbers: the sign of a zero among the parts would change."""
    return None if x.is_complex else m.under(neg, x)


def _both_negated(m: Match) -> Var | None:
    x, y = _real_negated(m, m.x), _real_negated(m, m.y)
    return m.instr.primitive(x, y) if x and y else None


def _irreflexive(m: Match) -> bool:
    return m.instr.primitive is not ops.ne or not m.x.is_inexact


def _truth(m: Match, value: bool) -> Var:
    return m.out.builder.full(m.type, value)


def _logic(m: Match, neutral: bool) -> Var | None:
    for x, other in ((m.x, m.y), (m.y, m.x)):
        if m.number(other) is not None:
            return x if m.number(other) is neutral else other
    return None


def _under_condition(m: Match, x: Var, arm: int) -> Var | None:
    """x computed from what its operands are where the condition of `m` chooses `arm`."""
    maker = m.out.makers.get(x.value)
    if maker is None or not isinstance(maker.primitive.emission, Scalar):
        return None
    inner = Match(m.out, maker)
    choices = [m.of(select, v) for v in inner.operands]
    known = [p.operands[arm] if p and same(p.x, m.x) else None for p in choices]
    if not any(known):
        return None
    operands = [v or old for v, old in zip(known, inner.operands, strict=True)]
    return maker.primitive(*operands, **maker.attrs)


def _branch_taken(m: Match) -> tuple[Var, ...]:
    taken = m.instr.regions[0 if m.number(m.x) else 1]
    return m.out.builder.inline(taken, m.operands[1:])

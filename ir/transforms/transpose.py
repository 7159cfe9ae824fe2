"""Linear maps the other way round: a rule stated for one direction of derivatives serves both.

A tangent rule is linear in the tangents, an adjoint rule in the adjoints. The transpose of a linear map is
its adjoint at any point; a rule that is not linear has none.
"""

from __future__ import annotations

from tapejit.ir.builder import Builder, Var, replay
from tapejit.ir.function import Function, Value
from tapejit.ir.passes.dce import dce
from tapejit.ir.primitive import Discrete
from tapejit.ir.transforms.adjoint import backpropagate, depending
from tapejit.ir.transforms.tangent import tangent


def transposed(rule: Function, linear: int) -> Function:
    """`rule : (r, u) -> v`, linear in its last `linear` parameters u, to `(r, v_bar) -> u_bar`."""
    builder = Builder(f"{rule.name}.transpose")
    count = len(rule.params) - linear
    env = {v: builder.param(v.type, v.name) for v in rule.params[:count]}
    seeds: dict[Value, Var] = {}
    for v in rule.results:
        bar = builder.param(v.type)
        seeds[v] = seeds[v] + bar if v in seeds else bar
    env |= {v: builder.full(v.type, 0.0) for v in rule.params[count:]}
    env = replay(builder, rule.body, env.items())
    given = rule.params[count:]
    adjoints = backpropagate(builder, depending(rule.body, given), env, seeds)
    return dce(builder.finish(adjoints.get(v) or env[v].like(0.0) for v in given))


def is_linear(rule: Function, linear: int) -> bool:
    """Whether `rule` is seen to be linear in its last parameters: its derivative does not depend on them."""
    count = len(rule.params) - linear
    given = rule.params[count:]
    if _rounds(rule, given):
        return False
    pushed = tangent(rule, range(count, len(rule.params)))
    pushed.results = pushed.results[len(rule.results) :]
    lean = dce(pushed)
    read = {*lean.results, *(v for instr in lean.body for v in instr.operands)}
    return read.isdisjoint(lean.params[count : len(rule.params)])


def _rounds(rule: Function, given: tuple[Value, ...]) -> bool:
    """Whether a float passes through something piecewise constant on its way."""
    reached = set(given)
    for instr in dce(rule).body:
        if reached.isdisjoint(instr.operands):
            continue
        if isinstance(instr.primitive.jvp, Discrete):
            return True
        reached.update(instr.results)
    return False

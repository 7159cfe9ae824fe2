"""A function of single numbers, called for lanes of vectors one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import llvmlite.ir as ll

from tapejit.codegen.lane import Lane

_MASK = ll.IntType(32)


def call_in_lanes(condition: Lane, others: Lane, function: ll.Function, operands: Sequence[Lane]) -> Lane:
    """`function(*operands)` in the lanes where the condition holds, `others` in the other lanes."""
    builder, before = others.builder, others.builder.block
    body, after = (builder.append_basic_block(name) for name in ("lane", "lanes"))
    mask = builder.zext(builder.bitcast(condition.value, ll.IntType(others.type.count)), _MASK)
    builder.cbranch(builder.icmp_unsigned("!=", mask, _MASK(0)), body, after)
    builder.position_at_end(body)
    rest, found = builder.phi(_MASK), builder.phi(others.type)
    k = builder.cttz(rest, ll.IntType(1)(1))
    called = builder.call(function, [builder.extract_element(x.value, k) for x in operands])
    changed = builder.insert_element(found, called, k)
    less = builder.and_(rest, builder.sub(rest, _MASK(1)))
    builder.cbranch(builder.icmp_unsigned("!=", less, _MASK(0)), body, after)
    builder.position_at_end(after)
    result = builder.phi(others.type)
    for phi, at_first, later in ((rest, mask, less), (found, others.value, changed)):
        phi.add_incoming(at_first, before)
        phi.add_incoming(later, body)
    result.add_incoming(others.value, before)
    result.add_incoming(changed, body)
    return Lane(builder, result)

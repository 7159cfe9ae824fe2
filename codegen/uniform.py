"""A shorter way where all lanes of a vector are of one kind: one test and a branch for all of them.

Only for functions that are called (`ScalarFunction.called_for`): inlined, the branch would keep LLVM from
vectorising the loop. A lane's result must not depend on its neighbours: both ways give it the same bits.
"""

from __future__ import annotations

from collections.abc import Callable

import llvmlite.ir as ll

from tapejit.codegen.lane import Lane
from tapejit.codegen.lane_control import branch, negation


def where_all(condition: Lane, short: Callable[[], Lane], full: Callable[[], Lane]) -> Lane:
    """`short()` if the condition holds for every lane, else `full()`, which is right for any."""
    (result,) = branch(_everywhere(condition), lambda: (short(),), lambda: (full(),))
    return result


def where_either(
    condition: Lane, chosen: Callable[[], Lane], other: Callable[[], Lane], mixed: Callable[[], Lane]
) -> Lane:
    """`chosen()` if the condition holds for every lane, `other()` if for none, else `mixed()`."""
    return where_all(condition, chosen, lambda: where_all(negation(condition), other, mixed))


def _everywhere(condition: Lane) -> Lane:
    kind, builder = condition.type, condition.builder
    if not isinstance(kind, ll.VectorType):
        return condition
    bits = ll.IntType(kind.count)
    return Lane(builder, builder.icmp_unsigned("==", builder.bitcast(condition.value, bits), bits(-1)))

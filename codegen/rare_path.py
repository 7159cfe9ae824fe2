"""A branch for rare operands that does not keep LLVM from vectorising the loop around it.

The vectoriser refuses a loop with a call in a branch, unless the callee claims a masked vector variant. It
then takes any callee, and where the variant's width (64 here, never chosen) is not its own, it tests each
lane and calls the scalar function for the few that need it: 0.1 ns an element while none does. Should a
later LLVM refuse, the loop is only slower. Where lanes are vectors already, we do what LLVM would.
"""

from __future__ import annotations

from collections.abc import Callable

import llvmlite.ir as ll

from tapejit.codegen.each_lane import call_in_lanes
from tapejit.codegen.kept import keep
from tapejit.codegen.lane import Lane
from tapejit.codegen.lane_type import element_of

_ATTRIBUTES = ("noinline", "nounwind", "cold", "readnone", "willreturn")


def rarely(condition: Lane, common: Lane, name: str, rare: Callable[..., Lane], *operands: Lane) -> Lane:
    """`rare(*operands)` where `condition` holds, else `common`. `name` is that of the emitted function."""
    builder = common.builder
    parameters = [element_of(x.type) for x in operands]
    function = _function(builder.module, name, rare, parameters, element_of(common.type))
    if isinstance(common.type, ll.VectorType):
        return call_in_lanes(condition, common, function, operands)
    before = builder.block
    with builder.if_then(condition.value, likely=False):
        called = builder.call(function, [x.value for x in operands])
        inside = builder.block
    result = builder.phi(common.type)
    result.add_incoming(common.value, before)
    result.add_incoming(called, inside)
    return Lane(builder, result)


def _function(
    module: ll.Module, name: str, body: Callable[..., Lane], parameters: list[ll.Type], result: ll.Type
) -> ll.Function:
    existing = module.globals.get(name)
    if existing is not None:
        return existing
    function = ll.Function(module, ll.FunctionType(result, parameters), name)
    function.linkage = "internal"
    variant = f'"vector-function-abi-variant"="_ZGV_LLVM_M64{"v" * len(parameters)}_{name}({name})"'
    for attribute in (*_ATTRIBUTES, variant):
        set.add(function.attributes, attribute)  # `add` itself knows only some of LLVM's attributes
    builder = ll.IRBuilder(function.append_basic_block("entry"))
    builder.ret(body(*(Lane(builder, argument) for argument in function.args)).value)
    keep(module, function)  # and its parameters, also one that is always the same: the variant counts them
    return function

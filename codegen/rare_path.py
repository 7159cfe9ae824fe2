"""A branch for rare operands that does not keep LLVM from vectorising the loop around it.

The vectoriser refuses a loop with a call in a branch, unless the callee claims a masked vector variant. It
then takes any callee, and where the variant's width (64 here, never chosen) is not its own, it tests each
lane and calls the scalar function for the few that need it: 0.1 ns an element while none does. Should a
later LLVM refuse, the loop is only slower.
"""

from __future__ import annotations

from collections.abc import Callable

import llvmlite.ir as ll

from tapejit.codegen.lane import Lane

_USED = "llvm.compiler.used"
_ATTRIBUTES = ("noinline", "nounwind", "cold", "readnone", "willreturn")


def rarely(condition: Lane, common: Lane, name: str, rare: Callable[..., Lane], *operands: Lane) -> Lane:
    """`rare(*operands)` where `condition` holds, else `common`. `name` is that of the emitted function."""
    builder = common.builder
    function = _function(builder.module, name, rare, [x.type for x in operands], common.type)
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
    _keep_parameters(module, function)
    return function


def _keep_parameters(module: ll.Module, function: ll.Function) -> None:
    """LLVM must not drop a parameter that is always the same, for the variant's name counts them.

    It does not when somebody unknown might call the function: whoever reads `llvm.compiler.used`.
    """
    pointer = ll.IntType(8).as_pointer()
    kept = module.globals.get(_USED)
    if kept is None:
        kept = ll.GlobalVariable(module, ll.ArrayType(pointer, 0), _USED)
        kept.linkage, kept.section = "appending", "llvm.metadata"
        kept.initializer = ll.Constant(kept.value_type, [])
    listed = [*kept.initializer.constant, function.bitcast(pointer)]
    kept.value_type = ll.ArrayType(pointer, len(listed))
    kept.initializer = ll.Constant(kept.value_type, listed)

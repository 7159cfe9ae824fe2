"""`parallel(blocks, function, arguments)`: how a program has the blocks of a nest run by the pool."""

from __future__ import annotations

from typing import Any

from tapejit.runtime.pipeline import pipeline
from tapejit.runtime.pool import BLOCK_FUNCTION, SYMBOL, WORD


def parallel() -> Any:
    """`parallel(blocks, function, arguments)`: `function(block, *arguments)` for every block, on all threads.

    The arguments are laid into a structure on the stack, and a function is made that takes them out again.
    """
    from numba import types
    from numba.extending import intrinsic

    def parallel(context: Any, blocks: Any, function: Any, arguments: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            compiled = _compiled(context, function.dispatcher.py_func, (types.int64, *arguments))
            return _launched(context, builder, compiled, arguments, given)

        return types.void(types.int64, function, arguments), generate

    return intrinsic(parallel)


def _compiled(context: Any, function: Any, kinds: Any) -> Any:
    """The block function, compiled into the program itself: optimised once, without entries for Python."""
    from numba.core import compiler, types
    from numba.core.targetconfig import ConfigStack

    flags = ConfigStack().top().copy()
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    return compiler.compile_extra(
        context.typing_context,
        context,
        function,
        kinds,
        types.void,
        flags,
        {},
        library=context.active_code_library,
        pipeline_class=pipeline(),
    )


def _launched(context: Any, builder: Any, compiled: Any, kinds: Any, given: Any) -> Any:
    import llvmlite.ir as ll
    from numba.core import cgutils

    blocks, _, arguments = given
    data = cgutils.alloca_once_value(builder, arguments)
    unpacker = _unpacker(context, builder.module, compiled.fndesc, kinds, arguments.type)
    launch = cgutils.get_or_insert_function(builder.module, ll.FunctionType(WORD, [WORD] * 3), SYMBOL)
    failed = builder.call(launch, [builder.ptrtoint(unpacker, WORD), builder.ptrtoint(data, WORD), blocks])
    with cgutils.if_unlikely(builder, cgutils.is_not_null(builder, failed)):
        context.call_conv.return_user_exc(builder, MemoryError, ("no memory for a block of a loop nest",))
    return context.get_dummy_value()


def _unpacker(context: Any, module: Any, described: Any, kinds: Any, structure: Any) -> Any:
    """A `BLOCK_FUNCTION` around the compiled block function. All that can fail in a block is its memory."""
    import llvmlite.ir as ll
    from numba.core.types import int64

    unpacker = ll.Function(module, BLOCK_FUNCTION, module.get_unique_name(f"{described.unique_name}.block"))
    unpacker.linkage = "internal"
    builder = ll.IRBuilder(unpacker.append_basic_block("entry"))
    data, block = unpacker.args
    packed = builder.load(builder.bitcast(data, structure.as_pointer()))
    values = [builder.extract_value(packed, k) for k in range(len(kinds))]
    status, _ = context.call_conv.call_function(
        builder,
        context.declare_function(module, described),
        described.restype,
        (int64, *kinds),
        [block, *values],
    )
    builder.ret(builder.zext(status.is_error, WORD))
    return unpacker

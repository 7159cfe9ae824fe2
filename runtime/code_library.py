"""From the syntax tree of a function to a library of machine code, through Numba's back end.

Start with `lowered`.
"""

from __future__ import annotations

import ast
from typing import Any

from numba.core import fastmathpass
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import _LowerResult
from numba.core.environment import Environment, lookup_environment
from numba.core.funcdesc import PythonFunctionDescriptor
from numba.core.runtime import rtsys

from tapejit.runtime import builtin
from tapejit.runtime.builtin_writer import write
from tapejit.runtime.lowering import lower
from tapejit.runtime.returning import ByConvention

MANY_LOOPS = 32  # from which on most of them run a few times: unrolling them far makes code long, not fast


class Library(JITCodeLibrary):  # type: ignore[misc]
    """Modules that LLVM optimises once, as a whole: there are no reference counts to find pairs of first."""

    loops = 0  # in the functions of the library

    def _optimize_functions(self, module: Any) -> None:
        module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        level = {"opt": 2} if self.loops >= MANY_LOOPS else {}
        manager, builder = self._codegen._module_pass_manager(**level)
        manager.run(self._final_module, builder)


def lowered(state: Any) -> Any:
    """What Numba's own lowering leaves: the function described, compiled unless it is part of another."""
    context, flags = state.targetctx, state.flags
    if state.library is None:
        state.library = Library(context.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
    described = _described(state)
    called, own = not (flags.no_compile or flags.no_cpython_wrapper), builtin.available()
    with context.push_code_library(state.library):
        inner = context.subtarget(fndesc=described)
        helper = _add_function(state, inner, described, called and own)
        if called and not own:
            _add_wrapper(state, inner, described, helper)
    if not flags.no_compile:
        state.library.finalize()
    found = _callable(state, described, own) if called else None
    return _LowerResult(described, helper, cfunc=found, env=lookup_environment(described.env_name))


def _add_wrapper(state: Any, context: Any, described: Any, helper: Any) -> None:
    """Numba's entry for Python, for processes in which ours is not available."""
    environment = Environment.from_fndesc(described)
    state.library.add_linking_library(rtsys.library)
    context.create_cpython_wrapper(
        state.library, described, environment, helper, release_gil=state.flags.release_gil
    )


def _callable(state: Any, described: Any, own: bool) -> Any:
    """The compiled function for Python."""
    library = state.library
    if not own:
        return state.targetctx.get_executable(library, described, lookup_environment(described.env_name))
    code = library.get_pointer_to_function(described.llvm_cpython_wrapper_name)
    return builtin.made(described.qualname, code, library)


def _described(state: Any) -> Any:
    """The function as Numba describes functions: its names, its types, its place in the symbol table."""
    identity = state.func_id
    return PythonFunctionDescriptor(
        True,
        identity.modname or "<dynamic>",
        identity.func_qualname,
        identity.unique_name,
        "",
        {},
        state.return_type,
        {},
        identity.arg_names,
        (),
        mangler=state.targetctx.mangler,
        argtypes=tuple(state.args),
        noalias=state.flags.noalias,
        global_dict=identity.func.__globals__,
        abi_tags=[state.flags.get_mangle_string()],
        uid=identity.unique_id,
    )


def _add_function(state: Any, context: Any, described: Any, called: bool) -> Any:
    """Lower the function into the library, `called` by Python; the helper that callers need of it."""
    module = state.library.create_ir_module(described.unique_name)
    function = context.declare_function(module, described)
    tree, parameters = state.func_id.func.tree, zip(described.args, described.argtypes, strict=True)
    state.library.loops += sum(isinstance(node, ast.For | ast.While) for node in ast.walk(tree))
    returned = ByConvention(context, described.restype)
    helper = lower(tree.body, context, function, tuple(parameters), described.global_dict, returned)
    if called:
        write(described.llvm_cpython_wrapper_name, function, described.argtypes)
    if context.fastmath:
        fastmathpass.rewrite_module(module, context.fastmath)
    state.library.add_ir_module(module)
    return helper

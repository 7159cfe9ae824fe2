"""Numba's pipeline for emitted source, with a front end of our own.

Numba's reads the bytecode of any function, brings it into SSA form and infers types, which takes longer than
LLVM and grows faster than the source. Emitted source needs none of it (`lowering`). What Numba is asked for
is what its back end knows: types and their layout, the meaning of operators and intrinsics, the calling
convention, machine code. See docs/decisions/0013-own-front-end.md. Start with `pipeline`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any


def named(tree: ast.FunctionDef, namespace: dict[str, Any], mark: str, filename: str = "<tapejit>") -> Any:
    """A Python function for Numba to name and to find its syntax tree in; it does nothing itself.

    `mark` makes its symbols unique among all processes.
    """
    parameters = tuple(parameter.arg for parameter in tree.args.args)
    code = _nothing.__code__.replace(
        co_name=tree.name,
        co_varnames=parameters,
        co_argcount=len(parameters),
        co_nlocals=len(parameters),
        co_filename=filename,
        co_firstlineno=tree.lineno,
    )
    function: Any = FunctionType(code, namespace, tree.name)
    function.tree = tree
    function.__qualname__ = f"{tree.name}_{mark}"
    return function


def _nothing() -> None:
    pass


def jitted(*signatures: Any, aliases: bool = False, **options: Any) -> Callable[[Any], Any]:
    """Numba's decorator for functions that `named` made; `aliases`: their arrays may overlap."""
    import numba

    if numba.config.DISABLE_JIT:
        raise RuntimeError(
            "NUMBA_DISABLE_JIT is set, so nothing can be compiled; unset it, or set TAPEJIT_TIER=interpret"
        )
    decorator: Callable[[Any], Any] = numba.njit(
        *signatures,
        nogil=True,
        error_model="numpy",
        fastmath={"contract"},
        pipeline_class=pipeline(aliases),
        **options,
    )
    return decorator


@cache
def pipeline(aliases: bool = False) -> Any:
    """A compiler class for `numba.njit(pipeline_class=...)`."""
    from numba.core import bytecode
    from numba.core.compiler import CompilerBase
    from numba.core.compiler_machinery import PassManager
    from numba.core.typed_passes import NoPythonBackend

    lowering = _lowering_pass()

    class EmittedSource(CompilerBase):  # type: ignore[misc]
        def compile_extra(self, function: Any) -> Any:
            self.state.func_id = bytecode.FunctionIdentity.from_function(function)
            self.state.lifted = ()
            return self._compile_bytecode()

        def define_pipelines(self) -> Any:
            self.state.flags.noalias = not aliases
            self.state.flags.no_cfunc_wrapper = True
            manager = PassManager("tapejit")
            manager.add_pass(lowering, "lower emitted source")
            manager.add_pass(NoPythonBackend, "wrap up")
            manager.finalize()
            return [manager]

    return EmittedSource


def _lowering_pass() -> Any:
    """A pass: the syntax tree of a function becomes machine code."""
    from numba.core.compiler_machinery import LoweringPass, register_pass

    class LowerEmittedSource(LoweringPass):  # type: ignore[misc]
        _name = "tapejit_lower_emitted_source"

        def __init__(self) -> None:
            super().__init__()

        def run_pass(self, state: Any) -> bool:
            from tapejit.runtime.code_library import lowered

            state["cr"] = lowered(state)
            return True

    return register_pass(mutates_CFG=True, analysis_only=False)(LowerEmittedSource)

"""Numba's pipeline for emitted source, with what it cannot know: arrays do not overlap, no index is negative.

Without the first many arrays do not vectorise; without the second every load and store first looks whether
its index counts from the end, and a loop whose bounds are no constants gathers element by element.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def pipeline() -> Any:
    """A compiler class for `numba.njit(pipeline_class=...)`."""
    from numba.core.compiler import Compiler
    from numba.core.typed_passes import NopythonRewrites

    indices = _non_negative_indices()

    class EmittedSource(Compiler):  # type: ignore[misc]
        def define_pipelines(self) -> Any:
            self.state.flags.noalias = True
            found = super().define_pipelines()
            found[0].add_pass_after(indices, NopythonRewrites)
            found[0].finalize()
            return found

    return EmittedSource


def _non_negative_indices() -> Any:
    """A pass: elements of arrays are looked up with unsigned indices."""
    from numba import types
    from numba.core import ir
    from numba.core.compiler_machinery import FunctionPass, register_pass

    def is_element(node: Any) -> bool:
        return isinstance(node, ir.SetItem) or (isinstance(node, ir.Expr) and node.op == "getitem")

    class NonNegativeIndices(FunctionPass):  # type: ignore[misc]
        _name = "tapejit_non_negative_indices"

        def __init__(self) -> None:
            super().__init__()

        def run_pass(self, state: Any) -> bool:
            for node, called in list(state.calltypes.items()):
                if called is not None and is_element(node) and isinstance(called.args[0], types.Array):
                    args = [types.uintp if t == types.intp else t for t in called.args[1:2]]
                    del state.calltypes[node]  # which lets nothing be overwritten
                    state.calltypes[node] = called.replace(args=(called.args[0], *args, *called.args[2:]))
            return False

    return register_pass(mutates_CFG=False, analysis_only=False)(NonNegativeIndices)

"""Functions that LLVM must keep as they are, though nothing seems to need it.

It does when somebody unknown might call them: whoever reads `llvm.compiler.used`, which leaves no trace in
machine code.
"""

from __future__ import annotations

import llvmlite.ir as ll

_USED = "llvm.compiler.used"


def keep(module: ll.Module, function: ll.Function) -> None:
    """Neither drop the function nor one of its parameters."""
    pointer = ll.IntType(8).as_pointer()
    kept = module.globals.get(_USED)
    if kept is None:
        kept = ll.GlobalVariable(module, ll.ArrayType(pointer, 0), _USED)
        kept.linkage, kept.section = "appending", "llvm.metadata"
        kept.initializer = ll.Constant(kept.value_type, [])
    listed = [*kept.initializer.constant, function.bitcast(pointer)]
    kept.value_type = ll.ArrayType(pointer, len(listed))
    kept.initializer = ll.Constant(kept.value_type, listed)

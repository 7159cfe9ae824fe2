"""Functions that a written module keeps to itself. Start with `internal`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.ir as ll

Argument = Any  # of `llvmlite.ir`
Body = Callable[[ll.IRBuilder, Sequence[Argument]], None]


def internal(module: ll.Module, name: str, kinds: Sequence[ll.Type], body: Body) -> ll.Function:
    """The module's function of this name, which returns nothing; `body` writes it if it is not there yet."""
    if name in module.globals:
        return module.globals[name]
    function = ll.Function(module, ll.FunctionType(ll.VoidType(), kinds), name)
    function.linkage = "internal"
    for attribute in ("noinline", "nounwind"):
        function.attributes.add(attribute)
    body(ll.IRBuilder(function.append_basic_block("entry")), function.args)
    return function

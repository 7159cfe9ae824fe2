"""Functions inside a program: the pieces of a routine of linear algebra, the loop nests that repeat.

The front end of emitted source reads them (`part_function`). Start with `Part.of`.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Part:
    """The syntax tree of a function, and what the names in it mean."""

    tree: ast.FunctionDef
    namespace: Mapping[str, Any]
    repeats: bool = False  # called many times, to save LLVM the work: rows that do not overlap, no inlining

    @classmethod
    def of(cls, function: Any) -> Any:
        """Of a Python function, whose source is at hand; others may call it in theirs."""
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
        assert isinstance(tree, ast.FunctionDef)
        found = inspect.getclosurevars(function)
        return cls(tree, {**found.globals, **found.nonlocals})

    @property
    def names(self) -> list[str]:
        """Those of its parameters."""
        return [parameter.arg for parameter in self.tree.args.args]

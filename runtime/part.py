"""The functions that a routine of linear algebra is made of: written in Python, calling one another.

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

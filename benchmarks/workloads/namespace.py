"""A function written for NumPy, given to another library.

Workloads say `np.sum`, `special.erf`, `log_sum_exp(z)`: names of their module. `written_for` gives a
copy of the function in which those names mean a library's own, so that a peer runs the same formula
in its natural form, and nobody pays for a layer in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any


def written_for(function: Any, names: Mapping[str, Any]) -> Any:
    """`function` and the module-level functions it calls, with globals replaced by `names`."""
    scope = dict(function.__globals__)
    for name in _names(function.__code__):
        if name in names:
            scope[name] = names[name]
        elif isinstance(scope.get(name), FunctionType):
            scope[name] = written_for(scope[name], names)
    return FunctionType(function.__code__, scope, function.__name__, function.__defaults__)


def _names(code: CodeType) -> Iterator[str]:
    """Of globals and attributes, those in comprehensions and inner functions too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)

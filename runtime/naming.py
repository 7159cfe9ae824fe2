"""Which names of a function need memory: those that are given anew in a loop or in a branch.

All others stand for a value as it is, which spares LLVM thousands of variables that it would dissolve again.
Start with `variables_of`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence


def variables_of(body: Sequence[ast.stmt], parameters: Iterable[str]) -> frozenset[str]:
    """The names that need memory.

    Not one that is given once, or only outside of loops and branches, or only as the counter of loops.
    """
    given = [*((name, False, False) for name in parameters), *_given(body, False)]
    again = {name for name, times in Counter(name for name, _, _ in given).items() if times > 1}
    inside = {name for name, nested, counts in given if nested and not counts}
    counters = {name for name, _, counts in given if counts}
    others = {name for name, _, counts in given if not counts}
    return frozenset(again & inside | counters & others)


def _given(body: Sequence[ast.stmt], nested: bool) -> Iterator[tuple[str, bool, bool]]:
    """Each name that is given: whether inside of a loop or branch, whether as a counter."""
    for statement in body:
        match statement:
            case ast.Assign(targets=targets):
                for target in targets:
                    yield from ((name, nested, False) for name in _names(target))
            case ast.AugAssign(target=ast.Name(id=name)):
                yield name, nested, False
            case ast.For(target=ast.Name(id=name), body=inner):
                yield name, nested, True
                yield from _given(inner, True)
            case ast.While(body=inner):
                yield from _given(inner, True)
            case ast.If(body=inner, orelse=otherwise):
                yield from _given(inner, True)
                yield from _given(otherwise, True)


def _names(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple):
        for each in target.elts:
            yield from _names(each)

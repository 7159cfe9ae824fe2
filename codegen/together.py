"""Functions of one angle stand side by side, so that what they have in common is done once.

The sine and the cosine of an angle begin alike, and both have a branch for huge angles. LLVM finds the one,
and makes one branch of the two, only where nothing stands between the calls. Start with `together`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tapejit.codegen.level import Guard, Node

_OF_ANGLE = re.compile(r"\w+ = (?:sin|cos|tan)\((\w+)\)$")
_ASSIGNED = re.compile(r"(\w+) = ")


def together(nodes: list[Node]) -> None:
    """Put each call right after the first one of the same variable, unless that has changed."""
    groups: list[list[Node]] = []
    of_angle: dict[str, list[Node]] = {}
    for node in nodes:
        angle = None if isinstance(node, Guard) else _OF_ANGLE.match(node.template)
        group = of_angle.setdefault(angle[1], []) if angle else []
        if not group:
            groups.append(group)
        group.append(node)
        for name in _assigned(node):
            of_angle.pop(name, None)
        if isinstance(node, Guard):
            together(node.body)
            together(node.otherwise)
    nodes[:] = [node for group in groups for node in group]


def _assigned(node: Node) -> Iterator[str]:
    for statement in node.statements():
        name = _ASSIGNED.match(statement.template)
        if name:
            yield name[1]

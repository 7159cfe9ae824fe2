"""The order of the elements of each row: a merge sort of positions, from pairs to ever longer runs.

It is stable, needs one more row of memory, and compares O(n log n) times whatever the elements are.
"""

from __future__ import annotations

from tapejit.codegen.control import indented
from tapejit.codegen.memory import Array, Home, Target
from tapejit.codegen.name import Names
from tapejit.codegen.root import Root
from tapejit.ir.emission import Ordered

RUNS = """\
for {k} in range({n}):
    {order}[{row} + {k}] = {k}
{width} = 1
while {width} < {n}:
    for {begin} in range(0, {n}, 2 * {width}):
        {middle} = min({begin} + {width}, {n})
        {end} = min({begin} + 2 * {width}, {n})
        {left} = {begin}
        {right} = {middle}
        for {k} in range({begin}, {end}):
            {take} = {left} >= {middle}
            if {left} < {middle} and {right} < {end}:
                {u} = {x}[{row} + {order}[{row} + {right}]]
                {v} = {x}[{row} + {order}[{row} + {left}]]
                {take} = {before}
            if {take}:
                {work}[{k}] = {order}[{row} + {right}]
                {right} += 1
            else:
                {work}[{k}] = {order}[{row} + {left}]
                {left} += 1
    for {k} in range({n}):
        {order}[{row} + {k}] = {work}[{k}]
    {width} *= 2
"""
VARIABLES = ("k", "width", "begin", "middle", "end", "left", "right", "take", "u", "v", "row", "work")


def sort_lines(root: Root, target: Target, source: Home, names: Names) -> list[str]:
    """Fill the target with the positions of the elements of `source`, row by row, in order."""
    order, shape = target.storage, root.space
    assert isinstance(order, Array)
    assert root.instr is not None
    if root.size == 0:
        return []
    if shape[-1] == 1:
        return [f"for k in range({root.size}):", f"    {order.name}[k] = 0"]
    emission = root.instr.primitive.emission
    assert isinstance(emission, Ordered)
    name = {v: names.fresh(v) for v in VARIABLES}
    before = emission.before.format(name["u"], name["v"])
    body = RUNS.format(**name, n=shape[-1], x=source.name, order=order.name, before=before)
    return [
        f"{name['work']} = empty({shape[-1]}, i64)",
        f"for {name['row']} in range(0, {root.size}, {shape[-1]}):",
        *indented(body.splitlines()),
    ]

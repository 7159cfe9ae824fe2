"""What it costs to evaluate an element: each element that it is made of counts once, however often read.

So `y * y` counts `y` once. The difference of a value's neighbours counts twice what that value is made of, as
far as no element serves both. Start with `evaluation_cost`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import inf

from tapejit.codegen.affine import Affine, LoopVar, atom
from tapejit.codegen.index import Index
from tapejit.codegen.moves import moved
from tapejit.ir.emission import Constant, Gathered, OnDemand, Padded, Scalar
from tapejit.ir.function import Instr, Value
from tapejit.ir.work import element_cost

MOST = 200  # elements looked at

Element = tuple[Value, Index]


def evaluation_cost(value: Value, definitions: Mapping[Value, Instr], stored: Collection[Value]) -> float:
    """The cost of an element of `value`, from elements of `stored` ones, of parameters and of complete folds.

    Each of these is a load and costs one. Infinite where it is not worked out.
    """
    loops = [atom(LoopVar("", n)) if n > 1 else Affine() for n in value.type.shape]
    first = definitions[value]
    pending = list(_operands(first, Index(value.type.shape, loops)))
    seen: set[tuple[Value, Affine]] = set()
    total = element_cost(first.primitive.emission)
    while pending:
        value, index = pending.pop()
        if (value, index.flat) in seen:
            continue
        seen.add((value, index.flat))
        instr = definitions.get(value)
        if len(seen) > MOST or (instr and isinstance(instr.primitive.emission, Gathered)):
            return inf
        if instr is None or value in stored or not isinstance(instr.primitive.emission, OnDemand):
            total += value.type.size > 1
        else:
            total += element_cost(instr.primitive.emission)
            pending += _operands(instr, index)
    return total


def _operands(instr: Instr, index: Index) -> Iterator[Element]:
    """The elements of which an element is made."""
    emission = instr.primitive.emission
    if isinstance(emission, Scalar):
        yield from ((v, index) for v in instr.operands)
    elif isinstance(emission, Padded):
        (x,) = instr.operands
        steps = emission.operand_index(index.dims, x.type, **instr.attrs)
        yield x, Index(x.type.shape, [place.divmod(step)[0] for place, step in steps])
    elif not isinstance(emission, Constant):
        yield moved(instr, index)

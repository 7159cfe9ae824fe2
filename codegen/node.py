"""Nodes of a quadrature side by side in the lanes of a vector, inside a function of single numbers.

The functions of `lane_control` compute one element; what an integral adds up is independent from node to
node, so that eight nodes cost little more than one. Start at `sum_over_nodes`.
"""

from __future__ import annotations

from collections.abc import Callable

import llvmlite.ir as ll

from tapejit.codegen.lane import Lane
from tapejit.codegen.lane_control import Lanes, repeat

WIDTH = 8  # one register of the widest processors, two or four of others
_INDEX = ll.IntType(32)


def spread(x: Lane) -> Lane:
    """The number in every lane."""
    kind = ll.VectorType(x.type, WIDTH)
    first = x.builder.insert_element(ll.Constant(kind, ll.Undefined), x.value, _INDEX(0))
    zeros = ll.Constant(ll.VectorType(_INDEX, WIDTH), [0] * WIDTH)
    return Lane(x.builder, x.builder.shuffle_vector(first, ll.Constant(kind, ll.Undefined), zeros))


def total(x: Lane) -> Lane:
    """The sum of the lanes, in pairs."""
    parts = [Lane(x.builder, x.builder.extract_element(x.value, _INDEX(k))) for k in range(WIDTH)]
    while len(parts) > 1:
        parts = [low + high for low, high in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


def sum_over_nodes(term: Callable[[Lane], Lane], like: Lane, first: float, step: float, count: int) -> Lane:
    """The sum of `term(first + k step)` for k below `count`, a multiple of `WIDTH`; `term` takes vectors."""
    assert count % WIDTH == 0
    offsets = [first + k * step for k in range(WIDTH)]
    nodes = Lane(like.builder, ll.Constant(ll.VectorType(like.type, WIDTH), offsets))

    def of_group(group: Lane, begin: Lane, found: Lane) -> tuple[Lane, Lanes]:
        return group < float(count // WIDTH), (begin + WIDTH * step, found + term(spread(begin) + nodes))

    nothing = like.like(0.0)
    return total(repeat(of_group, (nothing, spread(nothing)), count // WIDTH)[1])

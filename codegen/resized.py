"""A function of one vector length called for another: in the low lanes of its vectors, or piece by piece."""

from __future__ import annotations

from collections.abc import Iterable

import llvmlite.ir as ll

from tapejit.codegen.lane import Lane

_INDEX = ll.IntType(32)


def resized_call(function: ll.Function, lanes: int, result: int, *operands: Lane) -> Lane:
    """A result of `function`, whose vectors have so many lanes, for vectors of another power of two."""
    builder, wanted = operands[0].builder, operands[0].type.count

    def call(vectors: list[ll.Value]) -> ll.Value:
        return part_of(builder, builder.call(function, vectors), result)

    if wanted < lanes:
        whole = call([_filled_up(builder, x.value, lanes) for x in operands])
        return Lane(builder, _picked(builder, whole, range(wanted)))
    pieces = [
        call([_picked(builder, x.value, range(at, at + lanes)) for x in operands])
        for at in range(0, wanted, lanes)
    ]
    while len(pieces) > 1:
        pieces = [_joined(builder, x, y) for x, y in zip(pieces[::2], pieces[1::2], strict=True)]
    return Lane(builder, pieces[0])


def part_of(builder: ll.IRBuilder, found: ll.Value, k: int) -> ll.Value:
    """The k-th of several results, which come as a structure; the result itself if there is but one."""
    return builder.extract_value(found, k) if isinstance(found.type, ll.LiteralStructType) else found


def _filled_up(builder: ll.IRBuilder, x: ll.Value, lanes: int) -> ll.Value:
    """With zeros, which are no rare operand of any function."""
    count = x.type.count
    zeros = ll.Constant(x.type, 0.0)
    return builder.shuffle_vector(x, zeros, _indices([*range(count), *[count] * (lanes - count)]))


def _picked(builder: ll.IRBuilder, x: ll.Value, indices: Iterable[int]) -> ll.Value:
    return builder.shuffle_vector(x, ll.Constant(x.type, ll.Undefined), _indices(indices))


def _joined(builder: ll.IRBuilder, x: ll.Value, y: ll.Value) -> ll.Value:
    return builder.shuffle_vector(x, y, _indices(range(2 * x.type.count)))


def _indices(indices: Iterable[int]) -> ll.Constant:
    listed = list(indices)
    return ll.Constant(ll.VectorType(_INDEX, len(listed)), listed)

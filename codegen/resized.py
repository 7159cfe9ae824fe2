"""A function of one vector length called for another: in the low lanes of its vectors, or piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import llvmlite.ir as ll

_INDEX = ll.IntType(32)


def resized_call(builder: ll.IRBuilder, function: ll.Function, operands: Sequence[ll.Value]) -> ll.Value:
    """`function`, which takes and gives vectors of one length, of vectors of another power of two."""
    lanes, wanted = function.function_type.return_type.count, operands[0].type.count
    if wanted < lanes:
        called = builder.call(function, [_filled_up(builder, x, lanes) for x in operands])
        return _picked(builder, called, range(wanted))
    pieces = [
        builder.call(function, [_picked(builder, x, range(at, at + lanes)) for x in operands])
        for at in range(0, wanted, lanes)
    ]
    while len(pieces) > 1:
        pieces = [_joined(builder, x, y) for x, y in zip(pieces[::2], pieces[1::2], strict=True)]
    return pieces[0]


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

"""Loops, vectors and masks in LLVM IR, for functions over memory that are written rather than emitted.

Start with `counting`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.ir as ll

WORD, FLAG, INDEX = ll.IntType(64), ll.IntType(1), ll.IntType(32)


@contextmanager
def counting(builder: ll.IRBuilder, stop: Any, start: Any = None, step: Any = None) -> Iterator[ll.Value]:
    """A loop over the numbers from `start` (0) below `stop`, `step` (1) apart; none if there is none."""
    first, by = WORD(0) if start is None else start, WORD(1) if step is None else step
    before, body, after = (builder.block, *map(builder.append_basic_block, ("counting", "counted")))
    builder.cbranch(builder.icmp_signed("<", first, stop), body, after)
    builder.position_at_end(body)
    number = builder.phi(WORD)
    number.add_incoming(first, before)
    yield number
    following = builder.add(number, by, flags=["nsw"])
    number.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, stop), body, after)
    builder.position_at_end(after)


def in_pieces(
    builder: ll.IRBuilder,
    count: ll.Value,
    sizes: Sequence[int],
    share: Callable[[ll.Value], ll.Value],
    body: Callable[[int, ll.Value], None],
) -> None:
    """`body(size, at)` for piece after piece of `count`: the largest of `sizes` in `share(what is left)`."""
    before, head = builder.block, builder.append_basic_block("piece")
    builder.branch(head)
    builder.position_at_end(head)
    at = builder.phi(WORD)
    at.add_incoming(WORD(0), before)
    left = share(builder.sub(count, at))
    done, following = map(builder.append_basic_block, ("pieced", "next_piece"))
    grown = []
    for size in sizes:
        fits, smaller = map(builder.append_basic_block, (f"piece_{size}", "smaller"))
        builder.cbranch(builder.icmp_signed(">=", left, WORD(size)), fits, smaller)
        builder.position_at_end(fits)
        body(size, at)
        grown.append((builder.add(at, WORD(size)), builder.block))
        builder.branch(following)
        builder.position_at_end(smaller)
    builder.branch(done)
    builder.position_at_end(following)
    moved = builder.phi(WORD)
    for value, block in grown:
        moved.add_incoming(value, block)
    at.add_incoming(moved, following)
    builder.branch(head)
    builder.position_at_end(done)


def least(builder: ll.IRBuilder, x: ll.Value, y: ll.Value) -> ll.Value:
    """The smaller of two integers."""
    return builder.select(builder.icmp_signed("<", x, y), x, y)


def rounded_up(builder: ll.IRBuilder, x: ll.Value, y: ll.Value) -> ll.Value:
    """How often `y` goes into `x`, the last time in part."""
    return builder.sdiv(builder.add(x, builder.sub(y, y.type(1))), y)


def splat(builder: ll.IRBuilder, x: ll.Value, lanes: int) -> ll.Value:
    """A vector of so many `x`."""
    nothing = ll.Constant(ll.VectorType(x.type, lanes), ll.Undefined)
    first = builder.insert_element(nothing, x, INDEX(0))
    return shuffled(builder, first, nothing, [0] * lanes)


def shuffled(builder: ll.IRBuilder, x: ll.Value, y: ll.Value, lanes: Sequence[int]) -> ll.Value:
    """The lanes of two vectors at these places, where those of `y` follow those of `x`."""
    return builder.shuffle_vector(x, y, ll.Constant(ll.VectorType(INDEX, len(lanes)), list(lanes)))


class VectorMemory:
    """Loads and stores of vectors with so many lanes of a float type, the first lanes only where asked."""

    def __init__(self, builder: ll.IRBuilder, element: ll.Type, lanes: int):
        self.builder, self.element, self.lanes = builder, element, lanes
        self.type = ll.VectorType(element, lanes)
        self._align = 8 if element == ll.DoubleType() else 4

    def zero(self) -> ll.Constant:
        return ll.Constant(self.type, [self.element(0)] * self.lanes)

    def load(self, pointer: ll.Value, mask: ll.Value | None = None) -> ll.Value:
        """What lies there; zeros where the mask does not hold."""
        place = self.builder.bitcast(pointer, self.type.as_pointer())
        if mask is None:
            return self.builder.load(place, align=self._align)
        kinds = [place.type, INDEX, mask.type, self.type]
        function = self._masked("load", ll.FunctionType(self.type, kinds))
        return self.builder.call(function, [place, INDEX(self._align), mask, self.zero()])

    def store(self, vector: ll.Value, pointer: ll.Value, mask: ll.Value | None = None) -> None:
        """Put it there; nothing where the mask does not hold."""
        place = self.builder.bitcast(pointer, self.type.as_pointer())
        if mask is None:
            self.builder.store(vector, place, align=self._align)
            return
        kinds = [self.type, place.type, INDEX, mask.type]
        function = self._masked("store", ll.FunctionType(ll.VoidType(), kinds))
        self.builder.call(function, [vector, place, INDEX(self._align), mask])

    def first(self, count: ll.Value) -> ll.Value:
        """The mask that holds in so many lanes."""
        places = ll.Constant(ll.VectorType(WORD, self.lanes), list(range(self.lanes)))
        return self.builder.icmp_signed("<", places, splat(self.builder, count, self.lanes))

    def _masked(self, what: str, kind: ll.FunctionType) -> ll.Function:
        module = self.builder.module
        name = f"llvm.masked.{what}.v{self.lanes}{self.element.intrinsic_name}.p0"
        return module.globals.get(name) or ll.Function(module, kind, name)

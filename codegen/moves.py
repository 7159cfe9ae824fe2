"""Operations that only move elements: where an element comes from, followed without computing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tapejit.codegen.index import Index
from tapejit.ir.emission import IndexMap, Reinterpret
from tapejit.ir.function import Instr, Value


def moved(instr: Instr, index: Index) -> tuple[Value, Index]:
    """The element of the operand that is element `index` of the result."""
    (x,), emission = instr.operands, instr.primitive.emission
    if isinstance(emission, Reinterpret):
        return x, index.reshaped(x.type.shape)
    assert isinstance(emission, IndexMap)
    return x, Index(x.type.shape, emission.operand_index(index.dims, x.type, **instr.attrs))


def origins(value: Value, index: Index, definitions: Mapping[Value, Instr]) -> Iterator[tuple[Value, Index]]:
    """The element itself, and step by step the elements that it is a moved copy of."""
    yield value, index
    while value in definitions and isinstance(definitions[value].primitive.emission, IndexMap | Reinterpret):
        value, index = moved(definitions[value], index)
        yield value, index


def repeats_rows(instr: Instr) -> bool:
    """Whether an index map only repeats each element along trailing dimensions."""
    (x,), shape = instr.operands, instr.results[0].type.shape
    if x.type.size == 1:
        return True
    sources = [(d, n) for d, n in zip(taken_dims(instr), x.type.shape, strict=True) if n != 1]
    return sources == [(d, n) for d, n in enumerate(shape) if n != 1][: len(sources)]


def taken_dims(instr: Instr) -> list[int]:
    """Which dimension of the result indexes each dimension of the operand as it is; -1: none does."""
    (x,), emission = instr.operands, instr.primitive.emission
    assert isinstance(emission, IndexMap)
    probes = tuple(_Probe(d) for d in range(instr.results[0].type.rank))
    return [p.dim for p in emission.operand_index(probes, x.type, **instr.attrs)]


@dataclass(frozen=True)
class _Probe:
    """Stands for an index: remembers which dimension it is, and forgets it under arithmetic."""

    dim: int

    def __add__(self, other: int) -> _Probe:
        return self if other == 0 else _Probe(-1)

    def __mul__(self, factor: int) -> _Probe:
        return self if factor == 1 else _Probe(-1)

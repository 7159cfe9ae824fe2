"""Regions, the functions inside an instruction: their type rule, and building new ones from them.

The rules of control flow (`ir.control`, `ir.loop`) make the regions of a derivative by inlining a region
and its transform side by side, which is what `region_of` is for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from tapejit.ir.builder import Builder, Var
from tapejit.ir.function import Function, Value
from tapejit.ir.types import TensorType

T = TypeVar("T")
Types = tuple[TensorType, ...]


def check_params(region: Function, types: Sequence[TensorType]) -> None:
    """TypeError unless `region` takes operands of these types."""
    params = tuple(v.type for v in region.params)
    if params != tuple(types):
        raise TypeError(f"region @{region.name} takes {listed(params)}, but gets {listed(types)}")


def check_results(region: Function, types: Sequence[TensorType]) -> None:
    """TypeError unless the first results of `region` have these types."""
    found = result_types(region)[: len(types)]
    if found != tuple(types):
        raise TypeError(f"region @{region.name} gives {listed(found)} where {listed(types)} is expected")


def result_types(region: Function) -> Types:
    return tuple(v.type for v in region.results)


def listed(types: Iterable[TensorType]) -> str:
    return f"({', '.join(map(str, types))})"


def cut(values: Sequence[T], *counts: int) -> list[Sequence[T]]:
    """`values` in consecutive pieces of these lengths, and the rest."""
    pieces, at = [], 0
    for count in counts:
        pieces.append(values[at : at + count])
        at += count
    return [*pieces, values[at:]]


def floats(values: Iterable[Var]) -> list[Var]:
    return [x for x in values if x.is_inexact]


def region_of(name: str, params: Iterable[Var], make: Callable[..., Iterable[Var]]) -> Function:
    """The region that takes operands like `params` to the results of `make(*its parameters)`."""
    builder = Builder(name)
    for x in params:
        builder.param(x.type, x.value.name)
    return builder.finish(make(*builder.params))


def reached(region: Function, mapped: Sequence[bool]) -> Collection[Value]:
    """The values of `region` that depend on one of its mapped parameters."""
    found = {v for v, m in zip(region.params, mapped, strict=True) if m}
    for instr in region.body:
        if found.intersection(instr.operands):
            found.update(instr.results)
    return found

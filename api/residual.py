"""What a forward hands to its backward, and why: IR in which each value that the backward needs says it.

The text of `tapejit dump --stage residuals`. The choice itself is `ir.transforms.partition`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tapejit.engine import ENGINE
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.printer import print_function
from tapejit.ir.transforms.partition import Partition
from tapejit.ir.transforms.recomputation import recomputing, storing
from tapejit.ir.transforms.split import partition_of
from tapejit.tracer.plan import Planner
from tapejit.tracer.trie import Node

_ADDITION = 8  # units of the prices: the bytes of a float64
_ONE_PROGRAM = "# One program computes values and gradients, and stores nothing. In two it would be:\n"


def residuals_of_segment(name: str, node: Node, live: tuple[int, ...], joint: bool) -> str:
    """The residuals of a recorded segment; `joint`: its gradients are computed with its values."""
    planner = Planner(node, ENGINE)
    results = tuple(planner.values[i] for i in live)
    text = residual_text(Function(name, planner.params, planner.body, results), planner.partition(live))
    return _ONE_PROGRAM + text if joint else text


def residuals_of_function(function: Function) -> str:
    """The residuals of a function whose float results are differentiated by its float parameters."""
    heads = [v for v in function.results if v.type.is_inexact]
    others = [v for v in function.results if not v.type.is_inexact]
    ordered = replace(function, results=(*heads, *others))
    wrt = [k for k, v in enumerate(function.params) if v.type.is_inexact]
    return residual_text(function, partition_of(ordered, wrt, len(heads)))


def residual_text(function: Function, found: Partition) -> str:
    """The function, with what becomes of each instruction's results for a comment."""
    body = [replace(instr, location=_fate(instr, found, function.results)) for instr in function.body]
    stored = sum(v.type.nbytes for v in found.stored if v not in function.results)
    head = f"# {len(found.stored)} of its values are handed over, {stored:,} bytes beyond its results\n"
    return head + print_function(replace(function, body=body), locations=True)


def _fate(instr: Instr, found: Partition, kept: Collection[Value]) -> str | None:
    """What becomes of the results, with the prices between which it was chosen; None: they are not needed."""
    stored = [v for v in instr.results if v in found.stored]
    if not stored and instr not in found.recomputed:
        return None
    price, again = _price(instr, kept), _additions(recomputing(instr))
    if not stored:
        fate = f"computed again: {again} from its operands, to store {price}"
    elif all(v in kept for v in stored):
        fate = f"a result anyway: to load {price}"
    else:
        size = sum(v.type.nbytes for v in stored)
        fate = f"stored, {size:,} bytes: {price}, again {again} from its operands"
    return fate if instr.location is None else f"{fate}  ({instr.location})"


def _price(instr: Instr, kept: Collection[Value]) -> str:
    return _additions(sum(storing(v, v in kept) for v in instr.results))


def _additions(price: int | None) -> str:
    return "never" if price is None else f"{price // _ADDITION:,} additions"

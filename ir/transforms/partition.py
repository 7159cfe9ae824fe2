"""Residuals: what a forward stores so that the backward need not redo costly work.

A value that the backward needs is stored, or computed again, for which its operands are needed in turn. The
cheapest such choice is a minimum cut (as for PyTorch: H. He, "Min-cut optimal recomputation", 2022; with the
price of recomputing in the network too, which makes this an exact choice between bytes and arithmetic). An
edge leads from the source to each instruction, with the price of running it again; from there to each of
its results, with the price of storing that; and from each value to the instructions that read it. What the
backward needs leads to the sink. Cut from the source is what is needed; why not otherwise: decision 0012.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from tapejit.ir.function import Instr, Value
from tapejit.ir.transforms.minimum_cut import UNLIMITED, Network
from tapejit.ir.transforms.recomputation import loading, recomputing, storing


@dataclass(frozen=True)
class Partition:
    """How the backward gets at the values of the primal that it needs; each list in program order."""

    stored: list[Value]
    recomputed: list[Instr]


def partition(
    primal: Sequence[Instr],
    needed: Collection[Value],
    arguments: Collection[Value],
    kept: Collection[Value],
) -> Partition:
    """The cheapest way to have what is `needed` of the values of `primal`.

    `arguments` are at hand in the backward; values that are `kept` are results anyway, and cost only to load.
    """
    choice = _Choice()
    for instr in primal:
        choice.add(instr, kept)
    again = choice.computed_again(needed, arguments)
    missing = set(needed)
    stored: list[Value] = []
    recomputed: list[Instr] = []
    for instr in reversed(primal):
        if missing.isdisjoint(instr.results):
            continue
        if instr in again:
            recomputed.append(instr)
            missing.update(instr.operands)
        else:
            stored.extend(v for v in reversed(instr.results) if v in missing)
    return Partition(stored[::-1], recomputed[::-1])


def depended_on(body: Sequence[Instr], wanted: Iterable[Value]) -> set[Value]:
    """All that `wanted` depends on through `body`."""
    needed = set(wanted)
    for instr in reversed(body):
        if needed.intersection(instr.results):
            needed.update(instr.operands)
    return needed


class _Choice:
    """The network: a value on the sink's side is needed, an instruction there is computed again."""

    def __init__(self) -> None:
        self._network = Network()
        self._source, self._sink = self._network.node(), self._network.node()
        self._values: dict[Value, int] = {}
        self._instrs: dict[Instr, int] = {}

    def add(self, instr: Instr, kept: Collection[Value]) -> None:
        """An instruction that may be run again, or have its results stored."""
        node = self._instrs[instr] = self._network.node()
        price = recomputing(instr)
        self._network.edge(self._source, node, UNLIMITED if price is None else price)
        for v in instr.results:
            self._network.edge(node, self._value(v), storing(v, v in kept))
        for v in dict.fromkeys(instr.operands):
            self._network.edge(self._value(v), node, UNLIMITED)

    def computed_again(self, needed: Iterable[Value], arguments: Iterable[Value]) -> set[Instr]:
        """The instructions that the cheapest choice runs again."""
        for v in arguments:
            self._network.edge(self._source, self._value(v), loading(v))
        for v in self._values.keys() & needed:
            self._network.edge(self._values[v], self._sink, UNLIMITED)
        side = self._network.source_side(self._source, self._sink)
        return {instr for instr, node in self._instrs.items() if node not in side}

    def _value(self, value: Value) -> int:
        if value not in self._values:
            self._values[value] = self._network.node()
        return self._values[value]

"""A schedule to source: one Python function of plain loops, for Numba to compile.

The function takes C-contiguous arrays, views each as one row of elements (`flat`), so that every index
is a sum of loop variables times constants, and writes its results into the last of them.
Names it expects in its namespace: the scalar library, `flat`, `empty`, the dtypes, `inf`, `nan`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tapejit.codegen import fold
from tapejit.codegen.element import Array, Register, Storage
from tapejit.codegen.level import INDENT
from tapejit.codegen.name import Names
from tapejit.codegen.nest import NestWriter, Target, Targets
from tapejit.codegen.root import Kind, Root
from tapejit.codegen.schedule import Nest, Schedule, schedule
from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir.function import Function, Value
from tapejit.ir.signature import Signature


def compile_source(function: Function, signature: Signature, name: str = "program") -> str:
    """Source of `name(*params, *outs)`, which computes `function`."""
    return emit(schedule(function, signature), name)


def emit(plan: Schedule, name: str = "program") -> str:
    """The source of a schedule."""
    return "\n".join(_Program(plan, name).lines()) + "\n"


class _Program:
    """Names and memory of the function being written."""

    def __init__(self, scheduled: Schedule, name: str):
        self.schedule, self.plan, self.name = scheduled, scheduled.plan, name
        self.names = Names((*VOCABULARY, name))
        signature = self.plan.signature
        self.params = [self.names.fresh(v.name or "a") for v in self.plan.function.params]
        self.outs = [self.names.fresh(f"out{k}") for k in range(len(signature.results))]
        by_value = zip(self.plan.function.params, self.params, signature.by_value, strict=True)
        self.storage: Storage = {v: Register(n) if plain else Array(n) for v, n, plain in by_value}

    def lines(self) -> Iterator[str]:
        yield f"def {self.name}({', '.join([*self.params, *self.outs])}):"
        body = [*self._views(), *self._nests()]
        yield from (INDENT + line for line in body or ["pass"])

    def _views(self) -> Iterator[str]:
        by_value = self.plan.signature.by_value
        arrays = [n for n, plain in zip(self.params, by_value, strict=True) if not plain]
        yield from (f"{n} = flat({n})" for n in [*arrays, *self.outs])

    def _nests(self) -> Iterator[str]:
        for number, nest in enumerate(self.schedule.nests, 1):
            yield f"# nest {number}: {summary(nest)}"
            targets: Targets = {root: self._target(root) for root in nest.roots}
            yield from self._prepare(nest, targets)
            writer = NestWriter(self.plan, nest, self.storage, targets, self.names)
            yield from writer.lines()

    def _target(self, root: Root) -> Target:
        """Where a root writes: its result, or a temporary made now."""
        if root.slot is not None:
            target = Target(Array(self.outs[root.slot]), self.plan.signature.accumulate[root.slot])
        elif root.value.type.size == 1:
            target = Target(Register(""))
        else:
            target = Target(self.storage.get(root.value) or Array(self.names.of(root.value)))
        return target

    def _prepare(self, nest: Nest, targets: Targets) -> Iterator[str]:
        """Make the temporaries, and set to the starting value what the nest adds to in memory."""
        for root in nest.roots:
            target = targets[root]
            if isinstance(target.storage, Array):
                if root.slot is None and root.value not in self.storage:
                    yield f"{target.storage.name} = empty({root.value.type.size}, {root.value.type.dtype})"
                if root.kind is not Kind.COPY or root.instr is not None:
                    self.storage[root.value] = target.storage
                if root.kind is Kind.FOLD and not root.trailing and not target.accumulate:
                    yield f"for i in range({root.value.type.size}):"
                    yield f"{INDENT}{target.storage.name}[i] = {fold.start(root)}"


def summary(nest: Nest) -> str:
    """The operations a nest completes, and where the user wrote them."""
    names = _unique(root.instr.primitive.name if root.instr else "copy" for root in nest.roots)
    places = _unique(root.instr.location for root in nest.roots if root.instr and root.instr.location)
    return ", ".join(names) + (f"  ({', '.join(places)})" if places else "")


def _unique(words: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(w for w in words if w))

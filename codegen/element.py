"""Evaluate one element of a value inside loops: the demand-driven half of emission.

`Elements.element(value, index)` returns the name that holds the element, after placing the statements
it takes at the outermost loop level on which they depend; each (value, offset) is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tapejit.codegen.affine import Affine, LoopVar
from tapejit.codegen.index import Index
from tapejit.codegen.level import Guard, Node, Statement
from tapejit.codegen.memory import Register, Storage
from tapejit.codegen.moves import moved
from tapejit.codegen.name import Names
from tapejit.codegen.plan import Plan
from tapejit.ir.function import Instr, Value
from tapejit.ir.primitive import Constant, IndexMap, Padded, Reinterpret, Scalar

Demand = tuple[Value, Index]


Place = Callable[[frozenset[LoopVar]], list[Node]]


@dataclass
class _Scope:
    """What is known inside a guard (or, the outermost one, in the nest)."""

    loops: frozenset[LoopVar] = frozenset()
    nodes: list[Node] = field(default_factory=list)
    known: dict[tuple[Value, Affine], str] = field(default_factory=dict)


class Elements:
    """The elements computed so far in one nest."""

    def __init__(self, plan: Plan, storage: Storage, names: Names):
        self.plan, self.storage, self.names = plan, storage, names
        self.scopes = [_Scope()]
        self.place: Place = lambda loops: []

    def element(self, value: Value, index: Index) -> str:
        """The name of the element, loaded if the value is stored and computed if not."""
        pending = [(value, index)]
        while pending:
            wanted = pending[-1]
            missing = () if self._known(*wanted) else [d for d in self._demands(*wanted) if not self._known(*d)]
            pending.extend(missing)
            if not missing:
                pending.pop()
                if not self._known(*wanted):
                    self._produce(*wanted)
        return self._name(value, index)

    def define(self, value: Value, index: Index) -> str:
        """The name of the element of a stored value, computed by its definition and known from here on."""
        for demand in self._demands_of_definition(value, index):
            self.element(*demand)
        return self.learn(value, index, self._computed(value, index))

    def learn(self, value: Value, index: Index, name: str) -> str:
        """Record that `name` holds the element."""
        self._scope(index.loops).known[value, index.flat] = name
        return name

    def assign(self, value: Value, text: str, loops: frozenset[LoopVar], holes: Sequence[Affine] = ()) -> str:
        """Place `name = text` and return the name."""
        name = self.names.of(value)
        self._nodes(loops).append(Statement(f"{name} = {text}", tuple(holes)))
        return name

    # -- What is known, and where statements go ---------------------------------------------------------

    def _known(self, value: Value, index: Index) -> bool:
        return any((value, index.flat) in scope.known for scope in self.scopes)

    def _name(self, value: Value, index: Index) -> str:
        key = value, index.flat
        return next(scope.known[key] for scope in reversed(self.scopes) if key in scope.known)

    def _scope(self, loops: frozenset[LoopVar]) -> _Scope:
        """The innermost guard whose condition varies with one of the loops."""
        return next(s for s in reversed(self.scopes) if s is self.scopes[0] or s.loops & loops)

    def _nodes(self, loops: frozenset[LoopVar]) -> list[Node]:
        scope = self._scope(loops)
        return self.place(loops) if scope is self.scopes[0] else scope.nodes

    # -- Steps ------------------------------------------------------------------------------------------

    def _demands(self, value: Value, index: Index) -> list[Demand]:
        """The elements that must be known before this one can be produced."""
        return [] if value in self.storage else self._demands_of_definition(value, index)

    def _demands_of_definition(self, value: Value, index: Index) -> list[Demand]:
        instr = self.plan.definitions[value]
        emission = instr.primitive.emission
        if isinstance(emission, Scalar):
            return [(v, index) for v in instr.operands]
        if isinstance(emission, Reinterpret | IndexMap):
            return [moved(instr, index)]
        return []

    def _produce(self, value: Value, index: Index) -> None:
        stored = value in self.storage
        self.learn(value, index, self._load(value, index) if stored else self._computed(value, index))

    def _computed(self, value: Value, index: Index) -> str:
        instr = self.plan.definitions[value]
        emission = instr.primitive.emission
        if isinstance(emission, Scalar):
            return self._scalar(instr, value, [self._name(v, index) for v in instr.operands], index)
        if isinstance(emission, Constant):
            return self._constant(instr, value, emission, index)
        if isinstance(emission, Padded):
            return self._padded(instr, value, emission, index)
        return self._name(*moved(instr, index))

    def _load(self, value: Value, index: Index) -> str:
        home = self.storage[value]
        if isinstance(home, Register):
            return home.name
        home.read = True
        return self.assign(value, f"{home.name}[{{0}}]", index.loops, (index.flat,))

    def _scalar(self, instr: Instr, value: Value, names: Sequence[str], index: Index) -> str:
        emission = instr.primitive.emission
        assert isinstance(emission, Scalar)
        if emission.source == "{0}":
            return names[0]
        text = emission.source.format(*names, **instr.attrs)
        return self.assign(value, narrow(text, value.type.dtype), index.loops)

    def _constant(self, instr: Instr, value: Value, emission: Constant, index: Index) -> str:
        tokens = tuple(f"{{{k}}}" for k in range(len(index.shape)))
        text = emission.source(tokens, **instr.attrs)
        used = any(token in text for token in tokens)
        return self.assign(value, text, index.loops, index.dims) if used else text

    def _padded(self, instr: Instr, value: Value, emission: Padded, index: Index) -> str:
        (x,) = instr.operands
        steps = emission.operand_index(index.dims, x.type, **instr.attrs)
        conditions, dims = _inside(steps, x.type.shape)
        if not conditions:
            return self.element(x, Index(x.type.shape, dims))
        name = self.names.of(value)
        outside = f"{name} = {value.type.dtype}({_number(instr.attrs['value'])})"
        nodes = self._nodes(index.loops)
        if x.type.size == 0:
            nodes.append(Statement(outside))
            return name
        template = " and ".join(text.format(f"{{{k}}}") for k, (text, _) in enumerate(conditions))
        condition = Statement(template, tuple(e for _, e in conditions))
        scope = _Scope(frozenset().union(*(e.loops for e in condition.holes)))
        self.scopes.append(scope)
        found = self.element(x, Index(x.type.shape, dims))
        self.scopes.pop()
        nodes.append(Guard(condition, [*scope.nodes, Statement(f"{name} = {found}")], [Statement(outside)]))
        return name


def narrow(text: str, dtype: str) -> str:
    """Source of a value of `dtype`: Numba computes with i64 where the IR says i32."""
    return f"i32({text})" if dtype == "i32" else text


def _inside(
    steps: Sequence[tuple[Affine, int]], shape: Sequence[int]
) -> tuple[list[tuple[str, Affine]], list[Affine]]:
    """The conditions under which a padded index lies in the operand, and the operand's index."""
    conditions, dims = [], []
    for (place, step), n in zip(steps, shape, strict=True):
        low, high = place.span
        last = (n - 1) * step
        if low < 0:
            conditions.append(("{0} >= 0", place))
        if high > last:
            conditions.append((f"{{0}} <= {last}", place))
        quotient, remainder = place.divmod(step)
        if remainder.span != (0, 0):
            conditions.append((f"({{0}}) % {step} == 0", place))
        dims.append(quotient)
    return conditions, dims


def _number(value: float) -> str:
    return "nan" if value != value else repr(value)

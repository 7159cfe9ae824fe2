"""Evaluate one element of a value inside loops: the demand-driven half of emission.

`Elements.element(value, index)` returns the name that holds the element, after placing the statements
it takes at the outermost loop level on which they depend; each (value, offset) is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tapejit.codegen.affine import Affine, Loaded, LoopVar, atom
from tapejit.codegen.index import Index
from tapejit.codegen.level import Guard, Node, Statement
from tapejit.codegen.memory import Array, Register, Storage
from tapejit.codegen.moves import moved
from tapejit.codegen.name import Names
from tapejit.codegen.plan import Plan
from tapejit.ir.function import Instr, Value
from tapejit.ir.ops import literal
from tapejit.ir.primitive import Constant, Gathered, IndexMap, Padded, Reinterpret, Scalar

Demand = tuple[Value, Index]
Conditions = Sequence[tuple[str, Affine]]  # source with `{0}` for an expression

Place = Callable[[frozenset[LoopVar]], list[Node]]


@dataclass(frozen=True)
class Known:
    """The source of an element, and the loops that it varies with."""

    text: str
    loops: frozenset[LoopVar] = frozenset()


@dataclass
class _Scope:
    """What is known inside a guard (or, the outermost one, in the nest)."""

    loops: frozenset[LoopVar] = frozenset()
    nodes: list[Node] = field(default_factory=list)
    known: dict[tuple[Value, Affine], Known] = field(default_factory=dict)


class Elements:
    """The elements computed so far in one nest."""

    def __init__(self, plan: Plan, storage: Storage, names: Names):
        self.plan, self.storage, self.names = plan, storage, names
        self.scopes = [_Scope()]
        self.fused: dict[Instr, None] = {}  # the instructions evaluated, in order
        self.place: Place = lambda loops: []

    def element(self, value: Value, index: Index) -> Known:
        """The element, loaded if the value is stored and computed if not."""
        pending = [(value, index)]
        while pending:
            wanted = pending[-1]
            demands = () if self._known(*wanted) else self._demands(*wanted)
            missing = [d for d in demands if not self._known(*d)]
            pending.extend(missing)
            if not missing:
                pending.pop()
                if not self._known(*wanted):
                    self._produce(*wanted)
        return self._recall(value, index)

    def define(self, value: Value, index: Index) -> Known:
        """The element of a stored value, computed by its definition and known from here on."""
        for demand in self._demands_of_definition(value, index):
            self.element(*demand)
        return self.learn(value, index, self._computed(value, index))

    def learn(self, value: Value, index: Index, element: Known) -> Known:
        """Remember the element."""
        self._scope(index.loops).known[value, index.flat] = element
        return element

    def assign(
        self,
        value: Value,
        text: str,
        loops: frozenset[LoopVar],
        holes: Sequence[Affine] = (),
        array: Array | None = None,
    ) -> Known:
        """Place `name = text` inside `loops`."""
        name = self.names.of(value)
        self._nodes(loops).append(Statement(f"{name} = {text}", tuple(holes), array))
        return Known(name, loops)

    # -- What is known, and where statements go ---------------------------------------------------------

    def _known(self, value: Value, index: Index) -> bool:
        return any((value, index.flat) in scope.known for scope in self.scopes)

    def _recall(self, value: Value, index: Index) -> Known:
        key = value, index.flat
        return next(scope.known[key] for scope in reversed(self.scopes) if key in scope.known)

    def _scope(self, loops: frozenset[LoopVar]) -> _Scope:
        """The innermost guard whose condition varies with one of the loops, or with none."""
        outermost = self.scopes[0]
        return next(s for s in reversed(self.scopes) if s is outermost or s.loops & loops or not s.loops)

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
        if isinstance(emission, Gathered):
            return [_position(instr, index)]
        return []

    def _produce(self, value: Value, index: Index) -> None:
        stored = value in self.storage
        self.learn(value, index, self._load(value, index) if stored else self._computed(value, index))

    def _computed(self, value: Value, index: Index) -> Known:
        instr = self.plan.definitions[value]
        emission = instr.primitive.emission
        if isinstance(emission, Scalar):
            return self._scalar(instr, value, emission, [self._recall(v, index) for v in instr.operands])
        if isinstance(emission, Constant):
            return self._constant(instr, value, emission, index)
        if isinstance(emission, Padded):
            return self._padded(instr, value, emission, index)
        if isinstance(emission, Gathered):
            return self._gathered(instr, value, index)
        return self._recall(*moved(instr, index))

    def _load(self, value: Value, index: Index) -> Known:
        home = self.storage[value]
        if isinstance(home, Register):
            return Known(home.name)
        home.readers.add(self)
        return self.assign(value, f"{home.name}[{{0}}]", index.loops, (index.flat,), home)

    def _scalar(self, instr: Instr, value: Value, emission: Scalar, operands: Sequence[Known]) -> Known:
        source = emission.of(value.type)
        if source == "{0}":
            return operands[0]
        self.fused[instr] = None
        text = source.format(*(o.text for o in operands), **instr.attrs)
        return self.assign(value, narrow(text, value.type.dtype), all_loops(operands))

    def _constant(self, instr: Instr, value: Value, emission: Constant, index: Index) -> Known:
        tokens = tuple(f"{{{k}}}" for k in range(len(index.shape)))
        text = emission.source(tokens, **instr.attrs)
        used = [k for k, token in enumerate(tokens) if token in text]
        if not used:
            return Known(text)
        return self.assign(value, text, frozenset().union(*(index.dims[k].loops for k in used)), index.dims)

    def _padded(self, instr: Instr, value: Value, emission: Padded, index: Index) -> Known:
        (x,) = instr.operands
        conditions, dims = _inside(emission.operand_index(index.dims, x.type, **instr.attrs), x.type.shape)
        if not conditions:
            return self.element(x, Index(x.type.shape, dims))
        around = literal(value.type.dtype, instr.attrs["value"])
        return self._guarded(instr, (x, Index(x.type.shape, dims)), conditions, around, index.loops)

    def _gathered(self, instr: Instr, value: Value, index: Index) -> Known:
        x, where = instr.operands
        axis = instr.attrs["axis"]
        found = self._recall(*_position(instr, index))
        place = atom(Loaded(found.text, x.type.shape[axis], found.loops))
        inside = place if x.type.shape[axis] > 1 else Affine()  # where the conditions hold it is 0
        dims = (*index.dims[:axis], inside, *index.dims[axis + where.type.rank :])
        conditions = within(place, x.type.shape[axis])
        zero, loops = f"{value.type.dtype}(0)", index.loops | found.loops
        return self._guarded(instr, (x, Index(x.type.shape, dims)), conditions, zero, loops)

    def _guarded(
        self, instr: Instr, inside: Demand, conditions: Conditions, around: str, loops: frozenset[LoopVar]
    ) -> Known:
        """The element `inside` where the conditions hold, `around` elsewhere."""
        self.fused[instr] = None
        name = self.names.of(instr.results[0])
        outside = Statement(f"{name} = {around}")
        nodes = self._nodes(loops)
        nodes.append(self._guard(name, inside, conditions, outside) if inside[0].type.size else outside)
        return Known(name, loops)

    def _guard(self, name: str, inside: Demand, conditions: Conditions, outside: Statement) -> Guard:
        """`name` is the element `inside` where the conditions hold."""
        condition = all_hold(conditions)
        scope = _Scope(frozenset().union(*(e.loops for e in condition.holes)))
        self.scopes.append(scope)
        found = self.element(*inside)
        self.scopes.pop()
        return Guard(condition, [*scope.nodes, Statement(f"{name} = {found.text}")], [outside])


def within(place: Affine, size: int) -> Conditions:
    """That a loaded position is one of `size`."""
    return [("{0} >= 0", place), (f"{{0}} < {size}", place)]


def all_hold(conditions: Conditions, array: Array | None = None) -> Statement:
    """The condition of a guard; about the memory `array`, if that may turn out not to be needed."""
    template = " and ".join(text.format(f"{{{k}}}") for k, (text, _) in enumerate(conditions))
    return Statement(template, tuple(e for _, e in conditions), array)


def _position(instr: Instr, index: Index) -> Demand:
    """The element of the index operand that says where to gather."""
    _, where = instr.operands
    axis = instr.attrs["axis"]
    return where, Index(where.type.shape, index.dims[axis : axis + where.type.rank])


def all_loops(elements: Sequence[Known]) -> frozenset[LoopVar]:
    """The loops that something computed from these elements varies with."""
    return frozenset().union(*(e.loops for e in elements))


def narrow(text: str, dtype: str) -> str:
    """Source of a value of `dtype`: Numba computes with i64 where the IR says i32."""
    return f"i32({text})" if dtype == "i32" else text


def _inside(steps: Sequence[tuple[Affine, int]], shape: Sequence[int]) -> tuple[Conditions, list[Affine]]:
    """The conditions under which a padded index lies in the operand, and the operand's index."""
    conditions: list[tuple[str, Affine]] = []
    dims: list[Affine] = []
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
        dims.append(quotient if n > 1 else Affine())  # where the conditions hold it is 0
    return conditions, dims

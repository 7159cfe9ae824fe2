"""Evaluate one element of a value inside loops: the demand-driven half of emission.

`Elements.element(value, index)` returns the name that holds the element, after placing the statements
it takes at the outermost loop level on which they depend; each (value, offset) is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tapejit.codegen.affine import Affine, Loaded, LoopVar, atom
from tapejit.codegen.condition import Check, inside, within
from tapejit.codegen.index import Index
from tapejit.codegen.level import Condition, Guard, Node, Statement
from tapejit.codegen.memory import Array, Register, Storage
from tapejit.codegen.moves import moved
from tapejit.codegen.name import Names
from tapejit.codegen.plan import Plan
from tapejit.ir.constant import literal
from tapejit.ir.emission import Constant, Gathered, IndexMap, Padded, Reinterpret, Scalar
from tapejit.ir.function import Instr, Value

Demand = tuple[Value, Index]
Checks = tuple[Check, ...]

Place = Callable[[frozenset[LoopVar]], list[Node]]


@dataclass(frozen=True)
class Known:
    """The source of an element, and the loops that it varies with."""

    text: str
    loops: frozenset[LoopVar] = frozenset()


@dataclass
class Scope:
    """What is known inside the latest guard of its kind (or, the outermost one, in the nest).

    Guards of equal checks at one level share theirs: where one has run so does the next.
    """

    loops: frozenset[LoopVar] = frozenset()
    guard: Guard = field(default_factory=lambda: Guard(Statement("")))
    known: dict[tuple[Value, Affine], Known] = field(default_factory=dict)
    within: dict[tuple[Checks, frozenset[LoopVar]], Scope] = field(default_factory=dict)

    @property
    def nodes(self) -> list[Node]:
        return self.guard.body


class Elements:
    """The elements computed so far in one nest."""

    def __init__(self, plan: Plan, storage: Storage, names: Names):
        self.plan, self.storage, self.names = plan, storage, names
        self.scopes = [Scope()]
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

    def _scope(self, loops: frozenset[LoopVar]) -> Scope:
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
        checks, dims = _inside(emission.operand_index(index.dims, x.type, **instr.attrs), x.type.shape)
        if not checks:
            return self.element(x, Index(x.type.shape, dims))
        around = literal(value.type.dtype, instr.attrs["value"])
        if any(check.decided({}) is False for check in checks):
            return Known(around)
        return self._guarded(instr, (x, Index(x.type.shape, dims)), checks, around, index.loops)

    def _gathered(self, instr: Instr, value: Value, index: Index) -> Known:
        x, where = instr.operands
        axis = instr.attrs["axis"]
        found = self._recall(*_position(instr, index))
        place = atom(Loaded(found.text, x.type.shape[axis], found.loops))
        inside = place if x.type.shape[axis] > 1 else Affine()  # where the checks hold it is 0
        dims = (*index.dims[:axis], inside, *index.dims[axis + where.type.rank :])
        checks = within(place, x.type.shape[axis])
        zero, loops = f"{value.type.dtype}(0)", index.loops | found.loops
        return self._guarded(instr, (x, Index(x.type.shape, dims)), checks, zero, loops)

    def _guarded(
        self, instr: Instr, inside: Demand, checks: Checks, around: str, loops: frozenset[LoopVar]
    ) -> Known:
        """The element `inside` where the checks hold, `around` elsewhere."""
        self.fused[instr] = None
        name = self.names.of(instr.results[0])
        outside = Statement(f"{name} = {around}")
        if not inside[0].type.size:
            self._nodes(loops).append(outside)
            return Known(name, loops)
        with self.guard(checks, loops) as scope:
            found = self.element(*inside)
            scope.nodes.append(Statement(f"{name} = {found.text}"))
            scope.guard.otherwise.append(outside)
        return Known(name, loops)

    @contextmanager
    def guard(self, checks: Checks, loops: frozenset[LoopVar]) -> Iterator[Scope]:
        """A guard inside `loops`: what is placed in the meantime and varies with its checks goes into it."""
        varying = frozenset().union(*(check.place.loops for check in checks))
        scope = self._scope(loops).within.setdefault((checks, loops), Scope(varying))
        before, scope.guard = scope.guard, Guard(Condition("", checks=checks))
        self.scopes.append(scope)
        yield scope
        self.scopes.pop()
        nodes = self._nodes(loops)
        if nodes and nodes[-1] is before:
            before.absorb(scope.guard)
            scope.guard = before
        else:
            nodes.append(scope.guard)


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


def _inside(steps: Sequence[tuple[Affine, int]], shape: Sequence[int]) -> tuple[Checks, list[Affine]]:
    """The checks under which a padded index lies in the operand, and the operand's index."""
    checks: list[Check] = []
    dims: list[Affine] = []
    for (place, step), n in zip(steps, shape, strict=True):
        checks += inside(place, (n - 1) * step + 1)
        quotient, remainder = place.divmod(step)
        if remainder.span != (0, 0):
            checks.append(Check(place, "%", step))
        dims.append(quotient if n > 1 else Affine())  # where the checks hold it is 0
    return tuple(checks), dims

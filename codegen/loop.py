"""A loop, and the adjoint of a loop: the lines around their regions.

Carried values of one element are local variables; arrays swap two buffers, which are made once, outside.
The adjoint of a loop keeps the carried values that its pullback reads, in one growing row per value: a
step begins in the memory where the one before ended, and the way back reads them where they lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from tapejit.codegen.control import Lines, Site, assigned, copied, indented
from tapejit.codegen.level import INDENT
from tapejit.codegen.memory import Array, Home, Register
from tapejit.ir.emission import Branch, Call, Product, Regions
from tapejit.ir.function import Function, Instr, Value

FIRST_ROOM = 16  # steps that the adjoint of a loop has memory for before it grows
PATIENCE = 2**24  # elements computed between two looks at whether the user wants to stop
TICKS = "ticks"  # how many since the last look


class _Carried:
    """A value that changes with every step: where it is, and where the next one goes."""

    def __init__(self, site: Site, value: Value, hint: str):
        name = value.name or hint
        self.now, self.next = site.home(value, name), site.home(value, f"next_{name}")


def _made(site: Site, values: Sequence[Value], hint: str) -> list[_Carried]:
    """Carried values in memory of their own."""
    carried = [_Carried(site, v, hint) for v in values]
    for each in carried:
        site.make(each.now, each.next)
    return carried


def _now(carried: Sequence[_Carried]) -> list[Home]:
    return [each.now for each in carried]


def _next(carried: Sequence[_Carried]) -> list[Home]:
    return [each.next for each in carried]


def loop(site: Site) -> tuple[list[Home], Lines]:
    """The memory of the results, and the lines."""
    predicate, body = site.instr.regions
    carry = site.instr.attrs["carry"]
    carried, consts = _made(site, body.params[:carry], "state"), site.operands[carry:]
    test = _test(site, predicate, [*_now(carried), *consts])
    step = site.region(body, [*_now(carried), *consts], _next(carried))

    def lines() -> Iterator[str]:
        for each, source in zip(carried, site.operands, strict=False):
            yield from copied(each.now, source)
        yield "while True:"
        yield from indented(
            [
                *test(),
                *step.lines(),
                *assigned(_now(carried), step.sources()),
                *_swapped(carried),
                *_ticked(predicate, body),
            ]
        )

    return _now(carried), lines


def loop_adjoint(site: Site) -> tuple[list[Home], Lines]:
    """The memory of the results, and the lines: there, keeping what the way back reads, and back."""
    predicate, body, pullback = site.instr.regions
    carry, count = site.instr.attrs["carry"], len(predicate.params)
    steps = _Steps(site, body.params[:carry], _read(pullback))
    bars = _made(site, pullback.params[count:], "bar")
    sums = [site.home(v, v.name or "sum") for v in site.instr.results[len(bars) :]]
    site.make(*sums)
    inputs = [*_now(steps.carried), *site.operands[carry:count]]
    test = _test(site, predicate, inputs)
    there = site.region(body, inputs, _next(steps.carried))
    adding = frozenset(k for k, home in enumerate(sums, len(bars)) if isinstance(home, Array))
    back = site.region(pullback, [*inputs, *_now(bars)], [*_next(bars), *sums], adding)

    def lines() -> Iterator[str]:
        yield from steps.begun(site.operands)
        yield "while True:"
        yield from indented(
            [
                *steps.opened(),
                *test(),
                *steps.kept(),
                *there.lines(),
                *assigned(_now(steps.carried), there.sources()),
                *_swapped(steps.passing),
                f"{steps.at} += 1",
                *_ticked(predicate, body),
            ]
        )
        for each, source in zip(bars, site.operands[count:], strict=True):
            yield from copied(each.now, source)
        for home, value in zip(sums, site.instr.results[len(bars) :], strict=True):
            yield from _zeroed(home, value.type.dtype)
        yield f"while {steps.at} > 0:"
        yield from indented(
            [
                f"{steps.at} -= 1",
                *steps.recalled(),
                *back.lines(),
                *assigned(_now(bars), back.sources()[: len(bars)]),
                *_swapped(bars),
                *_added(sums, back.sources()[len(bars) :]),
                *_ticked(pullback),
            ]
        )

    return [*_now(bars), *sums], lines


class _Steps:
    """The carried values of the adjoint of a loop; those that are read on the way back have a row."""

    def __init__(self, site: Site, values: Sequence[Value], read: Sequence[bool]):
        self.names = site.names
        self.at, self.room = (site.names.fresh(n) for n in ("step", "room"))
        self.carried = [_Carried(site, v, "state") for v in values]
        self.rows = [
            (each, Array(site.names.fresh(f"{each.now.name}_steps"), v.type.size, v.type.dtype))
            for each, v, r in zip(self.carried, values, read, strict=False)
            if r
        ]
        rowed = {each for each, _ in self.rows}
        self.passing = [each for each in self.carried if each not in rowed]
        for each in self.passing:
            site.make(each.now, each.next)
        site.memory.append(self._made)

    def begun(self, sources: Sequence[Home]) -> Iterator[str]:
        """At the first step."""
        yield f"{self.at} = 0"
        yield from self._views()
        for each, source in zip(self.carried, sources, strict=False):
            yield from copied(each.now, source)

    def opened(self) -> Iterator[str]:
        """Memory for this step and the next."""
        if self.rows:
            yield f"if {self.at} + 1 == {self.room}:"
            yield from indented(self._grown())
        yield from self._views()
        for each, row in self.rows:
            if isinstance(each.next, Array):
                begin = f"({self.at} + 1) * {row.size}"
                yield f"{each.next.name} = {row.name}[{begin} : {begin} + {row.size}]"

    def kept(self) -> Iterator[str]:
        """The variables of this step; its arrays lie in their row."""
        for each, row in self.rows:
            if isinstance(each.now, Register):
                yield f"{row.name}[{self.at}] = {each.now.name}"

    def recalled(self) -> Iterator[str]:
        """The values of a step, as it began."""
        yield from self._views()
        for each, row in self.rows:
            if isinstance(each.now, Register):
                yield f"{each.now.name} = {row.name}[{self.at}]"

    def _made(self) -> Iterator[str]:
        if self.rows:
            yield f"{self.room} = {FIRST_ROOM}"
        for _, row in self.rows:
            yield f"{row.name} = empty({FIRST_ROOM * row.size}, {row.dtype})"

    def _views(self) -> Iterator[str]:
        for each, row in self.rows:
            if isinstance(each.now, Array):
                begin = f"{self.at} * {row.size}"
                yield f"{each.now.name} = {row.name}[{begin} : {begin} + {row.size}]"

    def _grown(self) -> Iterator[str]:
        """Twice the room in every row."""
        for _, row in self.rows:
            wider = self.names.fresh("wider")  # one name for each: their types may differ
            yield f"{wider} = empty(2 * {self.room} * {row.size}, {row.dtype})"
            yield f"for i in range({self.room} * {row.size}):"
            yield f"{INDENT}{wider}[i] = {row.name}[i]"
            yield f"{row.name} = {wider}"
        yield f"{self.room} = 2 * {self.room}"


def _test(site: Site, predicate: Function, operands: Sequence[Home]) -> Lines:
    """The lines that leave the loop when the predicate fails."""
    region = site.region(predicate, operands, [Register("")])
    return lambda: [*region.lines(), f"if not {region.sources()[0]}:", f"{INDENT}break"]


def _swapped(carried: Sequence[_Carried]) -> list[str]:
    names = [(each.now.name, each.next.name) for each in carried if isinstance(each.now, Array)]
    return [f"{here}, {there} = {there}, {here}" for here, there in names]


def _zeroed(home: Home, dtype: str) -> list[str]:
    if isinstance(home, Register):
        return [f"{home.name} = {dtype}(0)"]
    return [f"for i in range({home.size}):", f"{INDENT}{home.name}[i] = {dtype}(0)"]


def _added(sums: Sequence[Home], terms: Sequence[str]) -> list[str]:
    """Terms of one element; those of arrays are added where they are computed."""
    pairs = zip(sums, terms, strict=True)
    return [f"{home.name} = {home.name} + {term}" for home, term in pairs if isinstance(home, Register)]


def _read(region: Function) -> list[bool]:
    """Which parameters the region reads."""
    read = {*region.results, *(v for instr in region.body for v in instr.operands)}
    return [p in read for p in region.params]


# -- Interruption ------------------------------------------------------------------------------------


def _ticked(*regions: Function) -> list[str]:
    """Count the work of these regions; after enough of it look whether a signal, as of Ctrl-C, arrived."""
    return [
        f"{TICKS} += {max(1, sum(map(_work, regions)))}",
        f"if {TICKS} > {PATIENCE}:",
        f"{INDENT}{TICKS} = 0",
        f"{INDENT}check_signals()",
    ]


def _work(region: Function) -> int:
    """About how many elements are computed, loops inside aside, which count their own."""
    return sum(_work_of(instr) for instr in region.body)


def _work_of(instr: Instr) -> int:
    if isinstance(instr.primitive.emission, Regions):
        branches = instr.regions if isinstance(instr.primitive.emission, Branch | Call) else ()
        return sum(map(_work, branches))
    inner = 1
    if isinstance(instr.primitive.emission, Product):
        x = instr.operands[0].type
        inner = prod(x.shape[d] for d in instr.attrs["contract"][0])
    return inner * max(v.type.size for v in (*instr.operands, *instr.results))

"""One loop nest to source: evaluate the roots of each phase, merge loops, add registers, write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from tapejit.codegen import fold
from tapejit.codegen.affine import Affine, Loaded, LoopVar, atom
from tapejit.codegen.block import Blocks, Finish
from tapejit.codegen.condition import within
from tapejit.codegen.depth import by_depth
from tapejit.codegen.element import Elements, Known, all_loops, narrow
from tapejit.codegen.half import Halves
from tapejit.codegen.index import Index
from tapejit.codegen.lane_buffer import Lane, LaneBuffer, tiles, turned
from tapejit.codegen.level import (
    Condition,
    Guard,
    Item,
    Level,
    Node,
    Statement,
    chain,
    deepest,
    in_order,
    merge_loops,
    node_lines,
    runs,
    statements,
    write,
)
from tapejit.codegen.memory import Array, Register, Storage, Target
from tapejit.codegen.name import Names, loop_name
from tapejit.codegen.nesting import Nest, Phase
from tapejit.codegen.overwrite import Way
from tapejit.codegen.parallel import leaves_parts
from tapejit.codegen.piece import assigned, pieces
from tapejit.codegen.plan import Plan
from tapejit.codegen.root import Kind, Root
from tapejit.codegen.section import cut
from tapejit.codegen.strip import LANES, LEAST_LANES, Strip, across, by_phase, groups
from tapejit.codegen.together import together
from tapejit.codegen.window import window_checks
from tapejit.ir.emission import FoldIndex, Scanned
from tapejit.ir.function import Instr, Value

Targets = dict[Root, Target]


@dataclass(eq=False)
class _Job:
    """A root whose element has been evaluated, waiting for the loops to be settled."""

    root: Root
    element: fold.Element
    place: Affine  # of the element in the target
    home: Level  # where a register would live
    inner: Level  # where the element is known


class NestWriter:
    """Builds one nest; `storage` is updated with what it leaves in registers."""

    def __init__(
        self,
        plan: Plan,
        nest: Nest,
        storage: Storage,
        targets: Targets,
        names: Names,
        blocks: Blocks | None,
    ):
        self.plan, self.nest, self.names = plan, nest, names
        self.storage, self.targets = storage, targets
        self.elements = self.reader = Elements(plan, storage, names)
        self.blocks = blocks
        self.buffers: list[Array] = []  # of strips, known when the nest is written
        self._halves: Halves | None = None  # if it runs over half of a table
        self._overwriting: list[tuple[Level, list[Node]]] = []  # what the end of a phase's body does
        self._cut: set[Level] = set()  # innermost loops that are distributed over groups
        self.rows = [Level(LoopVar(loop_name(k), n)) for k, n in enumerate(nest.rows)]
        self._divide(self.rows)
        self._rows = [level.variable for level in self.rows]  # the variables that index
        self._buffer = LaneBuffer(nest.lanes or nest.strip, names)
        self._lane = self._strip_rows() if nest.lanes or nest.strip else None
        self.phases = [self._phase(phase) for phase in nest.phases]

    def lines(self) -> list[str]:
        """The source of the nest, or of one block of it, once all that reads its temporaries is built."""
        if self.nest.strip:
            *outer, level = self.rows
            return list(self._in_strips(outer, level, by_phase(self.phases, self.nest.strip), self._buffer))
        if self._lane:
            return list(self._side_by_side(self._lane))
        return list(write(self.rows, [line for levels in self.phases for line in self._written(levels)]))

    def _side_by_side(self, lane: Lane) -> Iterator[str]:
        """A nest whose rows run in strips, one row per lane."""
        begin, level, *rows = self.rows
        users = [*statements(rows), *(s for levels in self.phases for s in statements(levels))]
        found = list(tiles(users, lane, self._dtypes(), self._whole(), self._buffer))
        items = across(rows, [item for levels in self.phases for item in across(levels)])
        depth = len(self.nest.rows)
        fetched = [tile.copied(lane, False, depth) for tile in found if tile.reads]
        brought = [tile.copied(lane, True, depth) for tile in found if tile.writes]
        return self._in_strips([begin], level, [*fetched, *items, *brought], self._buffer)

    def _written(self, own: Sequence[Level]) -> Iterator[str]:
        """The lines of a phase; if its innermost loop is cut, group after group."""
        if self._cut.isdisjoint(own):
            yield from write(own)
        else:
            *outer, lane, body = own
            buffer = LaneBuffer(LANES, self.names)
            yield from self._in_strips(outer, lane, groups(body.before), buffer)

    def _in_strips(
        self, outer: Sequence[Level], lane: Level, items: Sequence[Item], buffer: LaneBuffer
    ) -> Iterator[str]:
        rows = self.rows[: self.rows.index(lane)] if lane in self.rows else self.rows  # others are in `items`
        around = [*in_order([*rows, *outer]), *lane.nodes]
        strip = Strip(lane, items, assigned(pieces(around)), buffer, self.names)
        self.buffers += buffer.arrays
        (run,) = runs(outer[-1])
        yield from write(outer, [*node_lines(lane.before), *strip.lines(run), *node_lines(lane.after)])

    def _dtypes(self) -> dict[Array, str]:
        """Of the arrays that it reads and writes."""
        homes = {home: value.type.dtype for value, home in self.storage.items() if isinstance(home, Array)}
        targets = ((root.value.type.dtype, target.storage) for root, target in self.targets.items())
        return homes | {array: dtype for dtype, array in targets if isinstance(array, Array)}

    def _whole(self) -> set[Array]:
        """The arrays that it writes element by element, leaving none out."""
        stores = (self.targets[root].storage for root in self.nest.roots if root.trailing)
        return {array for array in stores if isinstance(array, Array)}

    @property
    def extent(self) -> int:
        """Of the outermost loop, which blocks divide."""
        loop = (self.rows or self.phases[0])[0].loop
        return loop.extent if loop else 1

    def instrs(self) -> list[Instr]:
        """The instructions it computes."""
        roots = (root.instr for root in self.nest.roots if root.instr is not None)
        return list(dict.fromkeys([*self.elements.fused, *roots]))

    def _divide(self, levels: Sequence[Level]) -> None:
        """The outermost loop runs over a block."""
        if self.blocks is not None and levels:
            levels[0].divided = True

    def settle(self) -> None:
        """Make a row of each temporary that only this nest reads, and merge the loops over rows."""
        users = [*statements(self.rows), *(s for levels in self.phases for s in statements(levels))]
        first = {loop: Affine() for loop in self._rows}
        if self.blocks is not None:
            self.blocks.count_from_first(self._rows[0] if self._rows else self.phases[0][0].variable, users)
        for root in self.nest.roots:
            array = self.targets[root].storage
            if first and isinstance(array, Array) and array.temporary and array.readers == {self.elements}:
                array.private = bool(self.blocks or self.nest.lanes)
                array.size = root.value.type.size // max(prod(self.nest.rows), 1)
                self._make_row(array, root.value.type.dtype, [s for s in users if s.array is array], first)
        if self._lane is None:
            pinned = {level for level in self.rows if level.after}
            pinned |= set(self.rows[1:2]) if self.nest.band else set()
            levels = [*self.rows, Level()]
            merge_loops(levels, pinned, users)
            self.rows = levels[:-1]

    def _make_row(
        self, array: Array, dtype: str, users: Sequence[Statement], first: dict[LoopVar, Affine]
    ) -> None:
        """Of one row, or of one for each lane: in turn, or side by side."""
        if self._lane and self.nest.lanes:
            row = self._buffer.rows(dtype, array.size)
            for s in users:
                turned(s, array, row, self._lane, s.holes[0].replace(first))
            return
        if self._lane:
            array.size *= self._lane.pitch
            first = {**first, self._rows[-1]: atom(self._lane.counter)}
        if self.blocks is not None:
            self.blocks.private.append(array)
        for s in users:
            s.holes = tuple(h.replace(first) for h in s.holes)

    def _strip_rows(self) -> Lane:
        """Cut a loop over rows into strips: the outermost for rows side by side, else the innermost."""
        count, at = self.nest.lanes or self.nest.strip, 0 if self.nest.lanes else len(self.rows) - 1
        head = [self.rows[at], Level()]
        fold.strip_mine(head, self.names, count)
        self.rows[at : at + 1] = head[:-1]
        return Lane(self._rows[at], LoopVar(head[1].counter, count), self._buffer.pitch)

    def _phase(self, phase: Phase) -> list[Level]:
        depth = len(self._rows)
        own = chain([LoopVar(loop_name(depth + k), n) for k, n in enumerate(phase.inner)])
        levels = [*self.rows, *own]
        if not self.rows:
            self._divide(levels)
        if self.nest.is_half:
            self._halves = Halves(own[0].variable, own[1], self.names)
        self.elements.place = lambda loops: deepest(levels, loops).before
        jobs = [self._job(root, own, phase) for root in phase.roots if root.kind is not Kind.SCATTER]
        for root in phase.roots:
            if root.kind is Kind.SCATTER:
                levels[-1].before.append(self._scatter(root, self._space(root, own)))
        while self._overwriting:
            level, stores = self._overwriting.pop(0)
            level.before.extend(stores)
        for level in own:
            together(level.before)
        holes = [Statement("", (job.place, job.element.position)) for job in jobs]
        pinned = {job.home for job in jobs if job.root.kind is Kind.FOLD}
        pinned |= set(own[1:2]) if self._halves or self.nest.band else set()
        merge_loops(own, pinned, [*statements(own), *holes])
        for job, hole in zip(jobs, holes, strict=True):
            job.place = hole.holes[0]
        self._strip_mine(jobs, own)
        for job in jobs:
            self._finish(job, own)
        return own

    def _space(self, root: Root, own: Sequence[Level], begins: Sequence[int] = ()) -> list[Affine]:
        """The position in each dimension of a root's space, which begins at these values of its loops."""
        loops = [atom(loop) for loop in (*self._rows, *(level.loop for level in own if level.loop))]
        if begins:
            loops = [loop + -begin for loop, begin in zip(loops, begins, strict=True)]
        return root.positions(loops)

    def _job(self, root: Root, own: Sequence[Level], phase: Phase) -> _Job:
        space, levels = self._space(root, own, phase.begins.get(root, ())), [*self.rows, *own]
        checks = window_checks(root, space) if root in phase.begins else ()
        if not checks:
            return self._evaluated(root, space, levels, levels[-1])
        inner = Level()
        with self.elements.guard(checks, frozenset().union(*(e.loops for e in space))) as scope:
            job = self._evaluated(root, space, levels, inner)
            scope.nodes.extend(inner.before)
        inner.before = scope.guard.body
        return job

    def _evaluated(self, root: Root, space: Sequence[Affine], levels: Sequence[Level], inner: Level) -> _Job:
        """With its store, for a later root of the phase may load what it does not know by name."""
        home = deepest(levels, frozenset().union(*(space[k].loops for k in root.kept)))
        index = root.index(space)
        dtype = root.operands[0].value.type.dtype
        position = space[-1] if root.kind is Kind.FOLD and isinstance(root.rule, FoldIndex) else Affine()
        element = self._scan(root, space, levels) if root.kind is Kind.SCAN else self._element(root, space)
        element = self._doubled(root, element, inner) if root.mirror and not root.kept else element
        home = inner if home is levels[-1] else home
        job = _Job(root, fold.Element(element, dtype, position), index.flat, home, inner)
        if root.kind is Kind.OUTER:
            self.elements.learn(root.value, index, Known(element, index.loops))
        if self.plan.way(root) >= Way.LAST and inner is levels[-1]:
            self._overwriting.append((inner, self._write(job, element)))
        elif root.kind is not Kind.FOLD:
            inner.before.extend(self._write(job, element))
        return job

    def _element(self, root: Root, space: Sequence[Affine]) -> str:
        if root.kind is Kind.DEFINE:
            return self.elements.define(root.value, Index(root.value.type.shape, space)).text
        found = [self.elements.element(o.value, o.index(space)) for o in root.operands]
        if len(found) == 1:
            return found[0].text
        text = narrow(" * ".join(e.text for e in found), root.value.type.dtype)
        return self.elements.assign(root.value, text, all_loops(found)).text

    def _doubled(self, root: Root, element: str, inner: Level) -> str:
        """What an element adds to the sum of everything, where that runs over half of a table."""
        assert self._halves is not None
        name = self.names.typed("both", root.value.type.dtype)
        inner.before.append(self._halves.doubled(element, name))
        return name

    def _scan(self, root: Root, space: Sequence[Affine], levels: Sequence[Level]) -> str:
        """The element, in a register that keeps it for the next one."""
        assert root.instr is not None
        emission, dtype = root.instr.primitive.emission, root.value.type.dtype
        assert isinstance(emission, Scanned)
        found = [self.elements.element(o.value, o.index(space)).text for o in root.operands]
        name = self.names.of(root.value)
        first, step = (narrow(t.format(name, *found), dtype) for t in (emission.first, emission.step))
        if root.space[-1] > 1:
            levels[-2].before.append(Statement(f"{name} = {dtype}(0)"))
            first = f"{first} if {{0}} == 0 else {step}"
        levels[-1].before.append(Statement(f"{name} = {first}", (space[-1],)))
        return name

    def _scatter(self, root: Root, space: Sequence[Affine]) -> Node:
        """One update, written where its index says; nothing outside."""
        assert root.instr is not None
        target, axis = self.targets[root].storage, root.instr.attrs["axis"]
        assert isinstance(target, Array)
        *updates, at = [self.elements.element(o.value, o.index(space)) for o in root.operands]
        place = atom(Loaded(at.text, root.value.type.shape[axis], at.loops))
        rest = [space[k] for k in root.kept]
        cell = Index(root.value.type.shape, [*rest[:axis], place, *rest[axis:]]).flat
        update = updates[0].text if updates else "{1}"
        name, position = self._cell(root, target), Index(root.space, space).flat
        text = fold.combined(root, name, update)
        write = Statement(f"{name} = {text}", (cell, position), target)
        return Guard(Condition("", checks=within(place, root.value.type.shape[axis])), [write])

    def _strip_mine(self, jobs: Sequence[_Job], own: list[Level]) -> None:
        """Cut the innermost loop: into stretches for sums, into strips where calls wait for one another.

        Other loops are cut where padding begins and ends.
        """
        if len(own) < 2:
            return
        lengths = self._stretches(jobs, own)
        deep = not (self._lane or self._halves) and self._is_deep(own)
        if not (deep or self.nest.lanes or self._halves):
            cut(own, self.plan.general)
        if lengths or deep:
            fold.strip_mine(own, self.names, min([*lengths, LANES] if deep else lengths))
        if deep:
            self._cut.add(own[-2])

    def _stretches(self, jobs: Sequence[_Job], own: Sequence[Level]) -> list[int]:
        """How many elements each sum over the innermost loop adds up at a time."""
        sums = [job for job in jobs if job.root.kind is Kind.FOLD and fold.is_float_sum(job.root)]
        found = [fold.STRETCH[job.root.value.type.dtype] for job in sums if job.home is not job.inner]
        short = not self.plan.general and bool(found) and fold.is_short(own[-2].variable, min(found))
        return [] if short else found

    def _is_deep(self, own: Sequence[Level]) -> bool:
        """Whether the innermost loop is long, and long in its body as well."""
        long = self.plan.general or own[-2].variable.extent >= LEAST_LANES
        return long and len(by_depth(list(pieces(own[-1].before)))) > 1

    def _finish(self, job: _Job, own: list[Level]) -> None:
        name = job.element.name
        if job.root.kind is Kind.FOLD:
            levels = [*self.rows, *own[:-1], job.inner]
            finish: Finish = lambda name, *_: self._write(job, name)  # noqa: E731
            if self.blocks is not None and job.home is levels[0]:
                finish = self.blocks.apart(job.root, job.element.dtype, finish)
            stretch = self._stretch(levels, job.home, own)
            name = fold.add_fold(
                job.root, job.element, levels, job.home, stretch, self.names, finish, self.plan.general
            )
        if job.root.mirror and job.root.kept:
            job.inner.before.append(self._mirrored(job))
        if isinstance(self.targets[job.root].storage, Register):
            self.storage[job.root.value] = Register(name)
        elif self.rows and job.root.kind is Kind.FOLD and job.home is own[0]:
            row = self._row(job.root.value)
            self.elements.learn(job.root.value, row, Known(name, row.loops))

    def _mirrored(self, job: _Job) -> Node:
        """What an element of half of a table leaves in the sum of the mirrored row."""
        target = self.targets[job.root].storage
        assert self._halves is not None
        assert isinstance(target, Array)
        cell, sign = self._cell(job.root, target), "+" if job.root.mirror > 0 else "-"
        text = narrow(f"{cell} {sign} {job.element.name}", job.root.value.type.dtype)
        update = Statement(f"{cell} = {text}", (atom(self._halves.column),), target)
        return self._halves.where_twice([update])

    def _stretch(self, levels: list[Level], home: Level, own: Sequence[Level]) -> Level | None:
        """The loop whose elements are added up before the rounding error is kept."""
        cut = [level for level in levels[levels.index(home) + 1 :] if level.stretch]
        innermost = [level for level in levels[-2:-1] if level in own]
        return next(iter([*innermost, *cut] if self.nest.strip else [*cut, *innermost]), None)

    def _row(self, value: Value) -> Index:
        """The index in a value of one element per row."""
        index = Index(self.nest.rows, [atom(loop) for loop in self._rows])
        return index.reshaped(value.type.shape)

    def _write(self, job: _Job, name: str) -> list[Node]:
        target, root = self.targets[job.root], job.root
        if isinstance(target.storage, Register):
            return []
        cell, text = self._cell(root, target.storage), name
        if root.kind is Kind.FOLD and not root.trailing:
            text = fold.combined(root, cell, name)
        elif target.accumulate:
            text = narrow(f"{cell} + {name}", root.value.type.dtype)
        return [Statement(f"{cell} = {text}", (job.place,), target.storage)]

    def _cell(self, root: Root, target: Array) -> str:
        """An element of the target, with `{0}` for its place; of a block's part where blocks share it."""
        register = root.kind is Kind.FOLD and root.value.type.size == 1
        if self.blocks is not None and leaves_parts(root) and not register:
            return self.blocks.cell(root, target)
        return f"{target.name}[{{0}}]"

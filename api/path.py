"""One path through a function as one program: its segments joined, its truth tests as a guard result.

Tracing cuts a call into segments wherever Python looks at a value. Put together again they are one
straight function, which fuses as if nobody had looked. Whether Python would have gone the same way is
one more result of the program, `ok`: all that Python saw is again what it saw. Rounds of a `while`
that `tapejit.rounds` recognises become one native loop.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from tapejit.capture import Unguardable
from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.function import Function
from tapejit.ir.loop import while_
from tapejit.ir.transforms.adjoint import backpropagate
from tapejit.ir.types import TensorType, type_of
from tapejit.path_argument import Arguments, LineArguments, Place
from tapejit.rounds import Made, Ref, Rounds, find_rounds
from tapejit.segment_ir import equal, has_zeros, inlined, inside, parameters, region, truth
from tapejit.tracer.handle import Handle
from tapejit.tracer.number import Expression, Number
from tapejit.tracer.seen import Escape, Within
from tapejit.tracer.segment import Cut
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import trace_of
from tapejit.turned_round import constants_of, turned_round
from tapejit.turning import Turning, find_turning
from tapejit.written import NOTHING, Overwritten

Round = Callable[[Sequence[Var], Sequence[Var]], tuple[Sequence[Var], Var]]  # state, constants -> state, ok


class Loop(frozenset[Hashable]):
    """A step that stands for any number of rounds, which go the ways that are its elements."""


@dataclass(frozen=True)
class Path:
    """`function` takes `arguments`; those at `entered` are replaced by leaves of the call's arguments.

    Results: `ok` if `guarded`, then the handles asked for, then the gradients asked for, in the order in
    which their variables entered: that of the joint program of a straight call, which then is the same.
    Arguments in `worked_out` come of numbers among the leaves. Then come new contents of leaves, and last,
    at the places `reached` and `witness`, how many guards held, and the integer that the first guard that did
    not hold saw. `homes`: the arguments in which results are left, by the place of the result.
    """

    function: Function
    by_value: frozenset[int]
    arguments: list[Any]
    entered: dict[int, int]  # argument of the program -> leaf of the call
    guarded: bool
    places: list[int]  # per variable, which of the gradients is its own
    steps: tuple[Hashable, ...] = ()  # what Python saw at each guard, with `Loop`s between them
    reached: int | None = None
    witness: int | None = None
    worked_out: dict[int, Expression] = field(default_factory=dict)
    constants: tuple[Place, ...] = ()  # what was no argument, and what of it changed since earlier calls
    homes: dict[int, int] = field(default_factory=dict)

    @property
    def guards(self) -> tuple[int, ...]:
        """The results that are complete whether the path holds or not, the one that says so first."""
        exits = (at for at in (self.reached, self.witness) if at is not None)
        return (0, *exits) if self.guarded else ()


@dataclass(frozen=True)
class _Test:
    """A guard: whether Python sees the same again, and the integer that it sees, if it is one."""

    holds: Var
    step: Hashable
    integer: Var | None = None


def path_of(
    tape: Tape,
    leaves: Sequence[Any],
    results: Sequence[Handle],
    head: Handle | None,
    variables: Sequence[Handle],
    before: Sequence[Place] = (),
    overwritten: Overwritten = NOTHING,
) -> Path:
    """The path that `tape` recorded, from the call's `leaves` to `results` and the gradients of `head`.

    `overwritten` leaves become results. `before` are the `constants` of the path of the last call with the
    same operations, if there was one. Raises `Unguardable` when something that Python saw, or that is a
    result, is not a traced value.
    """
    used = [tape.origin(x) for x in results]
    joined = _Joined(tape, used, lambda builder: Arguments(builder, tape, leaves, before))
    found = [joined.var(ref) for ref in used]
    gradients = [] if head is None else joined.gradients(tape.origin(head), variables)
    order = sorted(range(len(gradients)), key=lambda k: joined.entry(variables[k]))
    ok = [joined.all_guards()] if joined.guards else []
    values = [*ok, *found, *(gradients[k] for k in order)]
    memory = {k: joined.memory_of(leaves[k], data) for k, data in overwritten.memory.items()}
    homes = {len(ok) + n: memory[k] for n, k in overwritten.taken.items()}
    homes |= {len(values) + n: memory[k] for n, k in enumerate(overwritten.written)}
    values += [joined.var(tape.origin(x)) for x in overwritten.written.values()]
    exits = joined.exits()
    reached, witness = (None if var is None else len(values) + n for n, var in enumerate(exits))
    return Path(
        joined.builder.finish([*values, *(var for var in exits if var is not None)]),
        frozenset(joined.arguments.by_value),
        joined.arguments.values,
        joined.arguments.entered,
        bool(ok),
        [order.index(k) for k in range(len(order))],
        tuple(joined.steps),
        reached,
        witness,
        joined.arguments.worked_out,
        tuple(joined.arguments.constants.places),
        homes,
    )


def line_of(tape: Tape, leaves: Sequence[Handle], results: Sequence[Handle]) -> Path:
    """All that `tape` recorded on its way from `leaves` to `results`, whatever Python saw; no guards.

    `arguments` are numbers, and for an array from outside the pair of its handle and what it was.
    """
    used = [tape.origin(x) for x in results]
    joined = _Unguarded(tape, used, lambda builder: LineArguments(builder, tape, leaves))
    function = joined.builder.finish(joined.var(ref) for ref in used)
    given = joined.arguments
    return Path(function, frozenset(given.by_value), given.values, given.entered, False, [])


class _Joined:
    """The segments of one call, replayed one after the other into one builder."""

    def __init__(self, tape: Tape, used: Sequence[Ref], arguments: Callable[[Builder], Arguments]):
        self.builder = Builder("path")
        self.arguments = arguments(self.builder)
        self.guards: list[_Test] = []
        self.steps: list[Hashable] = []
        self._vars: dict[int | Made, Var] = {}  # per array of the outside (its id), per value of a cut
        self._cuts = tape.cuts or []
        self._escapes = tape.escapes
        turning = find_turning(self._cuts, self._escapes, used)
        self._turning = {loop.start: loop for loop in turning}
        inside = [range(loop.start, loop.stop) for loop in turning]
        rounds = find_rounds(self._cuts, self._escapes, used)
        self._join([loop for loop in rounds if not any(_overlap(loop, each) for each in inside)])

    def var(self, ref: Ref | Number) -> Var:
        """A value of the trace, or an array from outside."""
        if isinstance(ref, tuple):
            return self._vars[ref]
        if isinstance(ref, Number):
            return self.arguments.seen(ref)
        return self._vars.get(id(ref)) or self._outside(ref, ref.type, ref.materialise(), None)

    def entry(self, variable: Handle) -> int:
        """Which parameter a variable is."""
        return self.builder.params.index(self.var(variable))

    def memory_of(self, leaf: Handle, data: np.ndarray) -> int:
        """Which parameter has the memory of a leaf, which was given as `data`."""
        var = self._vars.get(id(leaf)) or self._outside(leaf, type_of(data), data, None)
        return self.builder.params.index(var)

    def all_guards(self) -> Var:
        """Whether everything that Python saw so far is what it saw."""
        return functools.reduce(ops.logical_and, (test.holds for test in self.guards))

    def exits(self) -> tuple[Var | None, Var | None]:
        """How many guards held, one after the other, and what the first that did not hold saw."""
        if not self.guards:
            return None, None
        integers = any(test.integer is not None for test in self.guards)
        if len(self.guards) == 1 and not integers:
            return None, None
        none = self.builder.full(TensorType("i64"), 0)
        reached, witness, held = none, none, self.builder.full(TensorType("bool"), True)
        for test in self.guards:
            if test.integer is not None:
                fails = ops.logical_and(held, ops.logical_not(test.holds))
                witness = ops.select(fails, test.integer, witness)
            held = ops.logical_and(held, test.holds)
            reached = reached + ops.cast(held, dtype="i64")
        return reached, witness if integers else None

    def gradients(self, head: Ref, variables: Sequence[Handle]) -> list[Var]:
        """The adjoints of `variables` for the scalar `head`."""
        top = self.var(head)
        inputs = [self.var(v) for v in variables]
        body = list(self.builder.function.body)
        env = {v: Var(self.builder, v) for v in self.builder.function.params}
        env |= {v: Var(self.builder, v) for instr in body for v in instr.results}
        seed = self.builder.full(top.type, 1.0)
        adjoints = backpropagate(self.builder, body, env, {top.value: seed})
        return [adjoints.get(x.value) or x.like(0.0) for x in inputs]

    # -- Straight stretches ------------------------------------------------------------------------------

    def _join(self, rounds: Sequence[Rounds]) -> None:
        loops = {loop.start: loop for loop in rounds}
        count = self._arrive(0)
        while count < len(self._cuts):
            loop = loops.get(count)
            if loop is not None:
                self._loop(loop)
                count = loop.stop
            else:
                self._straight(count)
                count = self._arrive(count + 1)

    def _arrive(self, count: int) -> int:
        """After so many cuts: run the loop whose rounds begin here, if any, and guard what Python saw."""
        loop = self._turning.get(count)
        if loop is not None:
            self._turn(loop)
            count = loop.stop
        self._guard(count)
        return count

    def _straight(self, number: int) -> None:
        cut = self._cuts[number]
        args = [
            self.arguments.number(cut.values[k], type_) if i is None else self._input(cut, i, k)
            for k, (i, type_) in enumerate(parameters(cut))
        ]
        self._vars.update(inlined(self.builder, cut, number, args))

    def _input(self, cut: Cut, i: int, k: int) -> Var:
        ref = cut.inputs[i]
        if isinstance(ref, tuple):
            return self._vars[ref]
        name = trace_of(cut.node).function.params[k].name
        return self._vars.get(id(ref)) or self._outside(ref, ref.type, cut.values[k], name)

    def _outside(self, handle: Handle, type_: TensorType, value: Any, name: str | None) -> Var:
        var = self._vars[id(handle)] = self.arguments.array(handle, type_, value, name)
        return var

    def _guard(self, cuts: int) -> None:
        """Guard what Python saw after so many cuts."""
        for escape in self._escapes:
            if escape.after == cuts:
                self.guards.append(self._test(escape))
                self.steps.append(self.guards[-1].step)

    def _test(self, escape: Escape) -> _Test:
        """Whether what Python saw is what it would see again."""
        if escape.what is None:
            raise Unguardable("Python looked at a value inside a nested derivative")
        x, seen = self.var(escape.what), escape.seen
        if isinstance(seen, bool):
            return _Test(truth(x, seen), seen)
        if isinstance(seen, Within):
            return _Test(inside(x, seen), seen)
        same = equal(x, self.arguments.param(type_of(seen), seen), has_zeros(seen))
        holds = ops.reduce_all(same, axes=tuple(range(len(x.shape))))
        if x.is_inexact or x.type.size != 1:
            return _Test(holds, escape.key())
        return _Test(holds, int(seen.item()), ops.cast(ops.reshape(x, shape=()), dtype="i64"))

    # -- Loops -------------------------------------------------------------------------------------------

    def _loop(self, loop: Rounds) -> None:
        """All rounds of a loop: `while the next round goes like the others: do it`.

        Carried are the state, the state after another round, and whether that round went like the
        others. What is left at the end is the state in which the round that went otherwise begins.
        """
        state = [self.var(ref) for ref in loop.entry]
        self.steps.append(
            Loop([tuple(cut.node for cut in self._cuts[loop.start : loop.start + loop.period])])
        )
        results = self._while(state, self._constants(loop), partial(self._round, loop))
        last = loop.stop - loop.period
        for (position, index), var in zip(loop.slots, results, strict=True):
            self._vars[(last + position, index)] = var

    def _turn(self, loop: Turning) -> None:
        """The same for rounds that go different ways."""
        state = [self.var(ref) for ref in loop.entry]
        self.steps.append(Loop(way.key() for way in loop.ways))
        results = self._while(state, self._way_constants(loop), partial(turned_round, loop))
        self._vars.update(
            (ref, var) for ref, var in zip(loop.last, results, strict=True) if isinstance(ref, tuple)
        )

    def _way_constants(self, loop: Turning) -> list[Var]:
        """What the ways read that is no slot and not made in the round, in the order of `constants_of`."""
        return [
            self.arguments.number(cut.values[k], type_) if i is None else self._input(cut, i, k)
            for cut, i, k, type_ in constants_of(loop)
        ]

    def _while(self, state: Sequence[Var], fixed: Sequence[Var], do: Round) -> Sequence[Var]:
        """`do` round after round from `state`, as long as the next goes as it knows; the last state."""
        consts = [*fixed, *([self.all_guards()] if self.guards else [])]
        width = len(state)
        after, ok = do(state, consts)
        operands = [*state, *after, ok, *consts]

        def goes_on(xs: Sequence[Var]) -> list[Var]:
            again = xs[2 * width]
            return [ops.logical_and(xs[-1], again) if self.guards else again]

        def step(xs: Sequence[Var]) -> list[Var]:
            now = xs[width : 2 * width]
            after, ok = do(now, xs[2 * width + 1 :])
            return [*now, *after, ok]

        regions = (region("goes_on", operands, goes_on), region("round", operands, step))
        return while_.several(*operands, carry=2 * width + 1, regions=regions)[:width]

    def _constants(self, loop: Rounds) -> list[Var]:
        """What every round reads and none changes, in the order in which `_round` asks for it."""
        found = []
        for position in range(loop.period):
            cut = self._cuts[loop.start + position]
            for k, (i, type_) in enumerate(parameters(cut)):
                if i is None:
                    found.append(self.arguments.number(cut.values[k], type_))
                elif loop.source(position, i) == "constant":
                    found.append(self._input(cut, i, k))
        return found

    def _round(self, loop: Rounds, state: Sequence[Var], consts: Sequence[Var]) -> tuple[list[Var], Var]:
        """One round in the builder of `state`: the state after it, and whether it went like the others."""
        builder, remaining = state[0].builder, iter(consts)
        made: dict[Made, Var] = {}
        tests: list[Var] = []
        for position in range(loop.period):
            cut = self._cuts[loop.start + position]
            args = []
            for i, _ in parameters(cut):
                source = "constant" if i is None else loop.source(position, i)
                args.append(
                    next(remaining)
                    if source == "constant"
                    else state[source]
                    if isinstance(source, int)
                    else made[source]
                )
            made |= inlined(builder, cut, position, args)
            tests += [truth(made[(position, index)], seen) for index, seen in loop.tests[position]]
        return [made[slot] for slot in loop.slots], functools.reduce(ops.logical_and, tests)


class _Unguarded(_Joined):
    """The path that Python took, whatever made it take it."""

    def _guard(self, cuts: int) -> None:
        pass


def _overlap(loop: Rounds, cuts: range) -> bool:
    """Whether rounds are among these cuts."""
    return loop.start < cuts.stop and cuts.start < loop.stop

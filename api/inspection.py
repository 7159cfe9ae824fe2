"""Every stage of what was traced as text: trace, IR, adjoint, residuals, schedule, source, LLVM, assembly.

An `Inspection` remembers the segments of one call of a decorated function, or of one `record()` block,
and renders them. The stages below the IR are in `stage`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from tapejit.ir.builder import Builder, replay
from tapejit.ir.function import Function
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.printer import print_function
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.residual import residuals_of_segment
from tapejit.runtime.program import Executable
from tapejit.stage import PROGRAM_STAGES, check_stage
from tapejit.tracer.operation import WEAK_DTYPE
from tapejit.tracer.plan import Plan
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import Node, trace_of


class Inspection:
    """What the last call of one function went through."""

    def __init__(self, name: str, tape: Tape | None = None):
        self._name = name
        self._tape = tape
        self._program: Executable | None = None
        self._differentiated = False
        self._numbers: dict[Node, list[Any]] = {}  # among the arguments of a segment, None for the others

    def saw(self, tape: Tape, program: Executable | None = None, differentiated: bool = False) -> None:
        """Remember the segments of a call, and the one `program` that answered it, if it was not theirs."""
        self._tape, self._program, self._differentiated = tape, program, differentiated
        self._numbers = {
            cut.node: [x if type(x) in WEAK_DTYPE else None for x in cut.values] for cut in tape.cuts or ()
        }

    def text(self, stage: str) -> str:
        """The text of one stage, segment after segment; ValueError for an unknown stage."""
        check_stage(stage)
        if self._tape is None:
            raise RuntimeError(f"{self._name} has not been traced yet; call it first, or pass arguments")
        if not self._tape.history:
            raise RuntimeError(f"{self._name} recorded no operation on arrays whose result was used")
        if self._program is not None and (stage in PROGRAM_STAGES or self._is_adjoint(stage)):
            return _program_text(self._name, self._program, stage)
        nodes = dict.fromkeys(self._tape.history)
        return "\n".join(self._segment_text(node, stage) for node in nodes)

    def _segment_text(self, node: Node, stage: str) -> str:
        if stage in PROGRAM_STAGES:
            return "\n".join(PROGRAM_STAGES[stage](program) for program in _programs(node))
        if stage == "residuals":
            return residuals_of_segment(self._name, node, _live(node), not _plans(node, "forward"))
        return _TRACE_STAGES[stage](_primal(self._name, node, self._numbers.get(node, ())), node)

    def _is_adjoint(self, stage: str) -> bool:
        return stage == "adjoint" and self._differentiated


class Recording(Inspection):
    """What `with record() as recording` gives: the stages of what was recorded, once it has run.

    >>> import tapejit as tj
    >>> x = tj.array([1.0, 2.0])
    >>> x.attach_grad()
    >>> with tj.record() as recording:
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> print(recording.ir().splitlines()[2].strip())
    %1 = reduce_sum %0 {axes=[0]} : f64[]
    """

    def ir(self) -> str:
        """The IR of what was recorded, canonicalised."""
        return self.text("ir")

    def adjoint_ir(self) -> str:
        """The IR of its adjoint: after `backward()`, the program that ran."""
        return self.text("adjoint")

    def source(self) -> str:
        """The Python source that was emitted for Numba."""
        return self.text("source")

    def stage(self, name: str) -> str:
        """Any stage by name: trace, ir, adjoint, residuals, schedule, source, llvm or asm."""
        return self.text(name)


def _trace_text(primal: Function, node: Node) -> str:
    return print_function(primal, locations=True)


def _ir_text(primal: Function, node: Node) -> str:
    return print_function(canonicalise(primal))


def _adjoint_text(primal: Function, node: Node) -> str:
    plans = _plans(node, "joint") or _plans(node, "backward")
    if not plans:
        return print_function(canonicalise(adjoint(primal)))
    return _program_text(primal.name, _executable(plans[-1]), "adjoint")


def _program_text(name: str, program: Executable, stage: str) -> str:
    if stage in PROGRAM_STAGES:
        return PROGRAM_STAGES[stage](program)
    function = program.function
    return print_function(Function(f"{name}.adjoint", function.params, function.body, function.results))


_TRACE_STAGES: dict[str, Callable[[Function, Node], str]] = {
    "trace": _trace_text,
    "ir": _ir_text,
    "adjoint": _adjoint_text,
}


def _primal(name: str, node: Node, numbers: Sequence[Any]) -> Function:
    """What was recorded, with `numbers` for the parameters that they are the values of."""
    trace = trace_of(node)
    builder = Builder(name)
    known = itertools.zip_longest(trace.function.params, numbers)
    env = replay(
        builder,
        trace.function.body,
        [(v, builder.param(v.type, v.name) if x is None else builder.full(v.type, x)) for v, x in known],
    )
    return builder.finish(env[trace.values[i]] for i in _live(node))


def _live(node: Node) -> tuple[int, ...]:
    if "live" in node.plans:
        found: tuple[int, ...] = node.plans["live"]
        return found
    key = next(k for k in reversed(node.plans) if isinstance(k, tuple) and k[0] in ("joint", "forward"))
    return key[1]


def _programs(node: Node) -> list[Executable]:
    """The programs of a segment: joint if there is one, else forward, and backward if it was asked for."""
    joint = _plans(node, "joint")
    chosen = [joint] if joint else [_plans(node, "forward"), _plans(node, "backward")]
    return [_executable(plans[-1]) for plans in chosen if plans]


def _plans(node: Node, kind: str) -> list[Plan]:
    return [p for key, p in node.plans.items() if isinstance(key, tuple) and key[0] == kind]


def _executable(plan: Plan) -> Executable:
    assert isinstance(plan.program, Executable)
    return plan.program

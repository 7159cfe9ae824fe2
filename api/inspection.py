"""Every stage of a traced function as text: trace, IR, adjoint, schedule, source, LLVM, assembly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tapejit.codegen.emit import emit
from tapejit.codegen.schedule import schedule
from tapejit.ir.function import Function
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.printer import print_function
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.runtime.program import Executable
from tapejit.tracer.plan import Plan
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import Node

STAGES = ("trace", "ir", "adjoint", "schedule", "source", "llvm", "asm")


class Inspection:
    """What the last call of one function went through."""

    def __init__(self, name: str):
        self._name = name
        self._nodes: list[Node] = []

    def saw(self, tape: Tape) -> None:
        """Remember the segments of a call."""
        self._nodes = tape.history

    def text(self, stage: str) -> str:
        """The text of one stage, segment after segment; ValueError for an unknown stage."""
        if stage not in STAGES:
            raise ValueError(f"unknown stage {stage!r}; choose one of {', '.join(STAGES)}")
        if not self._nodes:
            raise RuntimeError(f"{self._name} has not been traced yet; call it first, or pass arguments")
        distinct = list(dict.fromkeys(self._nodes))
        return "\n".join(_RENDER[stage](self._name, node) for node in distinct)


def _plans(node: Node, *kinds: str) -> list[Plan]:
    return [p for key, p in node.plans.items() if isinstance(key, tuple) and key[0] in kinds]


def _main_plan(node: Node) -> Plan:
    """The plan that says most about a segment: joint if there is one."""
    return (_plans(node, "joint") or _plans(node, "forward", "backward"))[-1]


def _primal(name: str, node: Node) -> Function:
    trace = node.plans["trace"]
    live = _live(node)
    return Function(name, trace.function.params, trace.function.body, tuple(trace.values[i] for i in live))


def _live(node: Node) -> tuple[int, ...]:
    key = next(k for k in reversed(node.plans) if isinstance(k, tuple) and k[0] in ("joint", "forward"))
    return key[1]  # type: ignore[return-value]


def _trace_text(name: str, node: Node) -> str:
    return print_function(_primal(name, node), locations=True)


def _ir_text(name: str, node: Node) -> str:
    return print_function(canonicalise(_primal(name, node)))


def _adjoint_text(name: str, node: Node) -> str:
    plans = _plans(node, "joint", "backward")
    if not plans:
        return print_function(canonicalise(adjoint(_primal(name, node))))
    function = _executable(plans[-1]).function
    return print_function(Function(f"{name}.adjoint", function.params, function.body, function.results))


def _executable(plan: Plan) -> Executable:
    assert isinstance(plan.program, Executable)
    return plan.program


def _schedule_text(name: str, node: Node) -> str:
    executable = _executable(_main_plan(node))
    return schedule(executable.function, executable.signature).describe() + "\n"


def _source_text(name: str, node: Node) -> str:
    executable = _executable(_main_plan(node))
    return emit(schedule(executable.function, executable.signature))


def _llvm_text(name: str, node: Node) -> str:
    return _executable(_main_plan(node)).compile().llvm()


def _asm_text(name: str, node: Node) -> str:
    return _executable(_main_plan(node)).compile().asm()


_RENDER: dict[str, Callable[[str, Node], str]] = {
    "trace": _trace_text, "ir": _ir_text, "adjoint": _adjoint_text, "schedule": _schedule_text,
    "source": _source_text, "llvm": _llvm_text, "asm": _asm_text,
}

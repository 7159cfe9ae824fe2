"""Functions of one angle side by side: where that is allowed."""

from __future__ import annotations

import models
from models import build, joint

from tapejit.codegen.emit import compile_source
from tapejit.codegen.level import Condition, Guard, Node, Statement, node_lines
from tapejit.codegen.together import together
from tapejit.ir.signature import signature_of


def ordered(*lines: str) -> list[str]:
    nodes: list[Node] = [Statement(line) for line in lines]
    together(nodes)
    return list(node_lines(nodes))


def test_calls_of_one_variable_follow_the_first():
    found = ordered("x = a[0]", "s = sin(x)", "e = exp(x)", "r = s * e", "c = cos(x)", "d = tan(e)")
    assert found == ["x = a[0]", "s = sin(x)", "c = cos(x)", "e = exp(x)", "r = s * e", "d = tan(e)"]


def test_a_variable_that_changes_is_another():
    lines = ["s = sin(x)", "x = x * s", "c = cos(x)", "t = tan(x)"]
    assert ordered(*lines) == lines
    inside = Guard(Condition(""), [Statement("x = 1.0")])
    nodes: list[Node] = [Statement("s = sin(x)"), inside, Statement("c = cos(x)")]
    together(nodes)
    assert nodes[1] is inside


def test_calls_stay_inside_their_branch():
    body: list[Node] = [Statement("s = sin(x)"), Statement("r = s * s"), Statement("c = cos(x)")]
    nodes: list[Node] = [Statement("c = cos(x)"), Guard(Condition(""), body)]
    together(nodes)
    assert list(node_lines(nodes)) == ["c = cos(x)", "s = sin(x)", "c = cos(x)", "r = s * s"]


def test_value_and_gradient_of_a_sine():
    function = joint(build("f", models.wave, ("x", (100,))))
    lines = [line.strip() for line in compile_source(function, signature_of(function)).splitlines()]
    sine = next(k for k, line in enumerate(lines) if "sin(" in line)
    assert "cos(" in lines[sine + 1]

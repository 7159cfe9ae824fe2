"""Loops in sections and windows: what is read of padded values, with as few branches as there can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import build, joint, total
from plain import NAMESPACE, run_plainly

from tapejit.codegen import parallel, section, window
from tapejit.codegen.affine import Loaded, LoopVar, Split, atom
from tapejit.codegen.condition import Check, within
from tapejit.codegen.describe import describe
from tapejit.codegen.emit import compile_source
from tapejit.codegen.schedule import schedule
from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.scan import linear_scan
from tapejit.ir.signature import signature_of
from tapejit.runtime.template import Variables, template_of

OUTER, INNER = LoopVar("i", 20), LoopVar("j", 5)
i, j = atom(OUTER), atom(INNER)


def cut(x: Var, *ranges: tuple[int, int, int]) -> Var:
    start, stop, step = zip(*ranges, strict=True)
    return ops.slice_(x, start=start, stop=stop, step=step)


def neighbours(x: Var) -> tuple[Var, Var]:
    (n,) = x.shape
    return cut(x, (0, n - 1, 1)), cut(x, (1, n, 1))


def rosenbrock(x: Var) -> Var:
    left, right = neighbours(x)
    inner = right - left * left
    return total(inner * inner * 100.0 + (left - 1.0) * (left - 1.0))


def laplacian(u: Var) -> Var:
    """The energy of what a grid's points differ from their four neighbours by."""
    n, m = u.shape
    middle = cut(u, (1, n - 1, 1), (1, m - 1, 1)) * -4.0
    beside = cut(u, (1, n - 1, 1), (0, m - 2, 1)) + cut(u, (1, n - 1, 1), (2, m, 1))
    around = cut(u, (0, n - 2, 1), (1, m - 1, 1)) + cut(u, (2, n, 1), (1, m - 1, 1))
    return total((middle + beside + around) * (middle + beside + around))


def source(function: Function, general: bool = False) -> str:
    return compile_source(function, signature_of(function), general=general)


def whole(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float64)


def check(function: Function, *args: np.ndarray) -> None:
    for found, expected in zip(run_plainly(function, *args), interpret(function, *args), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("comparison", "ranges", "outcome"),
    [
        (Check(i, ">=", 3), {OUTER: (3, 9)}, True),
        (Check(i, ">=", 3), {OUTER: (0, 2)}, False),
        (Check(i, ">=", 3), {OUTER: (2, 3)}, None),
        (Check(i * -1, "<=", -3), {OUTER: (3, 9)}, True),
        (Check(i + j, "<=", 7), {OUTER: (0, 3)}, True),
        (Check(i + j, "<=", 7), {OUTER: (0, 4)}, None),
        (Check(i, "%", 2), {OUTER: (4, 4)}, None),
        (Check(atom(Split(i, "//", 4)), "<=", 4), {OUTER: (0, 3)}, True),
        (within(atom(Loaded("at", 8, frozenset({OUTER}))), 8)[0], {OUTER: (3, 9)}, None),
    ],
)
def test_a_check_is_decided_by_ranges(comparison, ranges, outcome):
    assert comparison.decided(ranges) is outcome


@pytest.mark.parametrize("factor", [-3, -2, -1, 1, 2, 3])
@pytest.mark.parametrize("relation", [">=", "<="])
@pytest.mark.parametrize("number", range(-7, 8))
def test_a_check_changes_where_it_says(factor, relation, number):
    comparison = Check(i * factor + 1, relation, number)
    change = comparison.change(OUTER)
    outcomes = {k: comparison.decided({OUTER: (k, k)}) for k in range(-20, 20)}
    assert change is not None
    assert len({outcomes[k] for k in outcomes if k < change}) <= 1
    assert len({outcomes[k] for k in outcomes if k >= change}) <= 1
    assert outcomes[change] is not outcomes[change - 1]


@pytest.mark.parametrize("number", range(-2, 23))
@pytest.mark.parametrize("relation", [">=", "<="])
def test_a_check_of_the_outer_loop_is_one_of_both(relation, number):
    both = LoopVar("both", 100)
    merged = Check(i, relation, number).merged(OUTER, INNER, both)
    assert merged is not None
    for a in range(20):
        for b in range(5):
            expected = Check(i, relation, number).decided({OUTER: (a, a)})
            assert merged.decided({both: (5 * a + b, 5 * a + b)}) is expected


def test_a_check_of_the_inner_loop_keeps_them_apart():
    assert Check(j, ">=", 1).merged(OUTER, INNER, LoopVar("both", 100)) is None
    assert Check(i + atom(Split(j, "//", 2)), ">=", 1).merged(OUTER, INNER, LoopVar("both", 100)) is None


def test_value_and_gradient_of_neighbours_are_one_pass_without_branches():
    function = joint(build("f", rosenbrock, ("x", (1000,))))
    plan = schedule(function, signature_of(function))
    assert [phase.inner for nest in plan.nests for phase in nest.phases] == [(1000,)]
    assert "if " not in source(function)
    assert "fold reduce_sum over [0:999] to result 0" in describe(plan)


def test_a_space_in_the_middle_of_another():
    def rule(x):
        left, right = neighbours(x)
        return total(ops.sin(left)), ops.pad(right * left, low=(1,), high=(0,), interior=(0,), value=0.0)

    function = build("f", rule, ("x", (50,)))
    assert "fold reduce_sum over [1:50]" in describe(schedule(function, signature_of(function)))


def test_long_rows_of_a_grid_have_no_branches():
    """What is left of them stands in loops over the first row and the last."""
    function = joint(build("f", laplacian, ("u", (60, 80))))
    lines = source(function).splitlines()
    (row,) = (k for k, line in enumerate(lines) if "for i in range(2, 58)" in line)
    (end,) = (k for k, line in enumerate(lines) if "for i in range(58, 60)" in line)
    (inner,) = (k for k in range(row, end) if "for j in range(2, 78)" in lines[k])
    (after,) = (k for k in range(inner, end) if "for j in range(78, 80)" in lines[k])
    assert not any("if " in line for line in lines[inner:after])


def test_padded_rows_are_one_loop():
    def rule(x):
        return ops.pad(ops.sin(x), low=(2, 0), high=(1, 0), interior=(0, 0), value=0.0)

    text = source(build("f", rule, ("x", (30, 7))))
    assert "for i in range(14, 224):" in text
    assert "if " not in text
    assert "for j" not in text


def test_large_bodies_are_not_repeated():
    def rule(x):
        padded = ops.pad(x, low=(1,), high=(0,), interior=(0,), value=0.0)
        for function in (ops.sin, ops.exp, ops.cos, ops.tanh, ops.sinh):
            padded = function(padded)
        return padded

    assert source(build("f", rule, ("x", (100,)))).count("sinh(") == 1


def test_spaces_that_share_nothing_stay_apart():
    function = build("f", lambda x, y: (ops.sin(x), ops.cos(y)), ("x", (100,)), ("y", (99,)))
    assert len(schedule(function, signature_of(function)).nests) == 2


def test_row_sums_do_not_run_in_windows_of_rows():
    """Their registers begin and end outside of the loop that a window shortens."""

    def rule(x):
        return ops.sin(x), ops.reduce_sum(cut(x, (0, 39, 1), (0, 50, 1)), axes=(1,))

    function = build("f", rule, ("x", (40, 50)))
    assert len(schedule(function, signature_of(function)).nests) == 2
    check(build("f", lambda x: rule(x)[1:], ("x", (40, 50))), whole((40, 50)))


def test_column_sums_run_in_windows_of_rows():
    def rule(x):
        return x * 2.0, ops.reduce_sum(cut(x, (1, 40, 1), (0, 7, 1)), axes=(0,))

    function = build("f", rule, ("x", (40, 7)))
    assert len(schedule(function, signature_of(function)).nests) == 1
    check(function, whole((40, 7)))


def test_positions_in_windows():
    def rule(x):
        return (
            x * 2.0,
            ops.argmax(cut(x, (1, 40, 1)), axes=(0,)),
            ops.reduce_max(cut(x, (0, 39, 1)), axes=(0,)),
        )

    check(build("f", rule, ("x", (40,))), whole((40,)))


def test_running_folds_of_nothing():
    function = build("f", lambda x: linear_scan(x, x, axis=1), ("x", (8, 0)))
    assert "x1 = x[" in source(function)
    check(function, whole((8, 0)))


@pytest.mark.parametrize("n", [2, 3, 4, 5, 16, 17, 100])
def test_short_arrays(n):
    check(joint(build("f", rosenbrock, ("x", (n,)))), whole((n,)))


@pytest.mark.parametrize("shape", [(3, 3), (3, 50), (50, 3), (4, 4), (20, 30)])
def test_grids(shape):
    check(joint(build("f", laplacian, ("u", shape))), whole(shape))


@pytest.fixture
def blocks(monkeypatch):
    """Every nest is divided, into blocks that cut sections anywhere."""
    monkeypatch.setattr(parallel, "LEAST_WORK", 0)
    monkeypatch.setattr(parallel, "BLOCK_WORK", 1e-9)
    monkeypatch.setattr(parallel, "MOST_BLOCKS", 7)
    monkeypatch.setattr(parallel, "PARTS_SHARE", 0.01)
    monkeypatch.setattr(parallel, "ALIGNED", 1)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("n", [8, 17, 40])
def test_sections_in_blocks(n):
    function = joint(build("f", rosenbrock, ("x", (n,))))
    assert "parallel(" in source(function)
    check(function, whole((n,)))
    check(joint(build("f", laplacian, ("u", (n, 21)))), whole((n, 21)))


def test_a_source_for_sizes_at_run_time():
    """The program of one size computes another with that one's numbers."""
    functions = [joint(build("f", rosenbrock, ("x", (n,)))) for n in (50, 73)]
    first, second = (template_of(source(function, general=True)) for function in functions)
    assert first.key == second.key
    variables = Variables(first.numbers).admitting(second.numbers)
    namespace = {**NAMESPACE, "size_at": lambda sizes, k: int(sizes[k])}
    exec(second.source(variables), namespace)
    x, value, gradient = whole((73,)), np.zeros(()), np.zeros(73)
    namespace["program"](variables.values(second.numbers), x, value, gradient)
    expected = interpret(functions[1], x)
    np.testing.assert_array_equal(value, expected[0])
    np.testing.assert_array_equal(gradient, expected[1])


@st.composite
def moves(draw: st.DrawFn, shape: tuple[int, ...]) -> list[tuple[str, dict]]:
    """Slices, pads and reversals one after another."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("slice", "pad", "reverse", "scale")))
        if kind == "slice":
            start = [draw(st.integers(0, n)) for n in shape]
            stop = [draw(st.integers(b, n)) for b, n in zip(start, shape, strict=True)]
            step = [draw(st.integers(1, 3)) for _ in shape]
            found.append((kind, {"start": tuple(start), "stop": tuple(stop), "step": tuple(step)}))
            shape = tuple(-((b - e) // s) for b, e, s in zip(start, stop, step, strict=True))
        elif kind == "pad":
            low, high, interior = (tuple(draw(st.integers(0, most)) for _ in shape) for most in (3, 3, 2))
            value = draw(st.sampled_from((0.0, 2.0)))
            found.append((kind, {"low": low, "high": high, "interior": interior, "value": value}))
            shape = tuple(
                a + b + n + max(n - 1, 0) * i for n, a, b, i in zip(shape, low, high, interior, strict=True)
            )
        elif kind == "reverse":
            found.append((kind, {"axes": tuple(d for d in range(len(shape)) if draw(st.booleans()))}))
        else:
            found.append((kind, {}))
    return found


def moved(x: Var, steps: list[tuple[str, dict]]) -> Var:
    for kind, attrs in steps:
        if kind == "scale":
            x = x * 3.0
        else:
            x = {"slice": ops.slice_, "pad": ops.pad, "reverse": ops.reverse}[kind](x, **attrs)
    return x


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_slices_and_pads(data):
    """Several moved copies of one array, added where their shapes agree, folded and stored."""
    shape = data.draw(st.sampled_from(((1,), (2,), (5,), (9,), (4, 3), (3, 6))))
    chains = [data.draw(moves(shape)) for _ in range(data.draw(st.integers(1, 3)))]

    def rule(x: Var):
        found = [moved(x, chain) for chain in chains]
        sums = [a + b for a in found for b in found if a is not b and a.shape == b.shape]
        return (*(total(v * v) for v in found), *found, *sums)

    function = build("f", rule, ("x", shape))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(section, "LEAST", data.draw(st.sampled_from((0, 16))))
        patch.setattr(window, "SHARE", data.draw(st.sampled_from((0, 8))))
        check(function, whole(shape))
        check(joint(build("g", lambda x: sum_of(rule(x)), ("x", shape))), whole(shape))


def sum_of(values: tuple[Var, ...]) -> Var:
    first, *others = [total(v) for v in values]
    for v in others:
        first = first + v
    return first

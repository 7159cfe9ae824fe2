"""Index arithmetic, and the loops it lets merge."""

from __future__ import annotations

import itertools

import pytest

from tapejit.codegen.affine import Affine, LoopVar, atom
from tapejit.codegen.index import Index, strides
from tapejit.codegen.level import Level, Statement, chain, merge_loops, write

ROW, COLUMN, OTHER = LoopVar("i", 4), LoopVar("j", 3), LoopVar("k", 5)


def evaluate(expression: Affine, **values: int) -> int:
    return eval(str(expression), values)  # the text is what gets compiled


@pytest.mark.parametrize("divisor", [1, 2, 3, 5, 6, 12])
@pytest.mark.parametrize(
    "expression",
    [
        atom(ROW) * 3 + atom(COLUMN),
        atom(ROW) * 6 + atom(COLUMN) + 7,
        atom(COLUMN) * -1 + 2,
        atom(ROW) * 5 + atom(COLUMN) * 2 + 1,
    ],
)
def test_divmod_is_division(expression, divisor):
    quotient, remainder = expression.divmod(divisor)
    for i, j in itertools.product(range(4), range(3)):
        assert (evaluate(quotient, i=i, j=j), evaluate(remainder, i=i, j=j)) == divmod(
            evaluate(expression, i=i, j=j), divisor
        )


def test_division_stays_affine_where_loops_fit():
    quotient, remainder = (atom(ROW) * 3 + atom(COLUMN)).divmod(3)
    assert (quotient, remainder) == (atom(ROW), atom(COLUMN))


def test_a_reshape_and_back_is_the_same_index():
    index = Index((12, 4), [atom(LoopVar("i", 12)), atom(LoopVar("j", 4))])
    there = index.reshaped((3, 16))
    back = Index((3, 16), there.dims)
    assert back.flat == index.flat


@pytest.mark.parametrize("expression", [atom(ROW) * 3 + atom(COLUMN) * -2 + 5, Affine(-3), atom(OTHER)])
def test_span_bounds_every_value(expression):
    values = [evaluate(expression, i=i, j=j, k=k) for i in range(4) for j in range(3) for k in range(5)]
    assert expression.span == (min(values), max(values))


def test_strides_ignore_dimensions_of_one():
    assert strides((2, 1, 3)) == (3, 0, 1)
    assert str(Index((2, 1, 3), [atom(ROW), Affine(), atom(COLUMN)]).flat) == "i * 3 + j"


def lines(*holes: Affine, between: bool = False) -> list[str]:
    levels: list[Level] = chain([ROW, COLUMN])
    body = Statement("x[{0}] = y[{1}]", holes)
    levels[-1].before.append(body)
    if between:
        levels[1].before.append(Statement("t = 0"))
    merge_loops(levels, set(), [body])
    return list(write(levels))


def test_loops_merge_where_every_access_is_contiguous():
    flat = atom(ROW) * 3 + atom(COLUMN)
    assert lines(flat, flat) == ["for i in range(12):", "    x[i] = y[i]"]


@pytest.mark.parametrize("other", [atom(COLUMN), atom(ROW), atom(COLUMN) * 4 + atom(ROW)])
def test_loops_stay_where_an_access_is_not(other):
    assert len(lines(atom(ROW) * 3 + atom(COLUMN), other)) == 3


def test_loops_stay_where_something_stands_between():
    flat = atom(ROW) * 3 + atom(COLUMN)
    assert len(lines(flat, flat, between=True)) == 4

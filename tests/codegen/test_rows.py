"""Every example of every primitive's row: native code agrees with the NumPy reference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from compiled import assert_close, run

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.primitive import Primitive
from tapejit.ir.types import type_of

GROUP = 24  # examples in one program, to save compile time


def examples() -> Iterator[tuple[Primitive, tuple, dict]]:
    for row in ops.TABLE.values():
        if row.name != "cond":
            for operands, attrs in row.examples:
                yield row, operands, attrs


def groups() -> list[list[tuple[Primitive, tuple, dict]]]:
    every = list(examples())
    return [every[k : k + GROUP] for k in range(0, len(every), GROUP)]


def together(group: list[tuple[Primitive, tuple, dict]]) -> tuple[Function, list[np.ndarray]]:
    b = Builder("together")
    args, results = [], []
    for row, operands, attrs in group:
        given = [b.param(type_of(x)) for x in operands]
        args += [np.ascontiguousarray(x) if np.ndim(x) else np.asarray(x) for x in operands]
        results.append(row(*given, builder=b, **attrs))
    return b.finish(results), args


@pytest.mark.parametrize("group", groups(), ids=lambda group: f"{group[0][0].name}-{group[-1][0].name}")
def test_examples(group):
    function, args = together(group)
    for (row, operands, attrs), found, expected in zip(
        group, run(function, *args), interpret(function, *args), strict=True
    ):
        try:
            assert_close(found, expected, ulps=8)
        except AssertionError as error:
            error.add_note(f"{row.name}{attrs} of {operands}")
            raise

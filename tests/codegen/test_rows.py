"""Every example of every primitive's row: native code agrees with the NumPy reference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from compiled import assert_close, run

from tapejit.ir.builder import Builder
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.primitive import Primitive
from tapejit.ir.table import TABLE
from tapejit.ir.types import type_of

GROUP = 24  # examples in one program, to save compile time


def examples() -> Iterator[tuple[Primitive, tuple, dict]]:
    for row in TABLE.values():
        if True:
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
        results += row.several(*given, builder=b, **attrs)
    return b.finish(results), args


@pytest.mark.parametrize("group", groups(), ids=lambda group: f"{group[0][0].name}-{group[-1][0].name}")
def test_examples(group):
    function, args = together(group)
    owners = [f"{example[0].name}{example[2]}" for example in group for _ in results_of(*example)]
    for owner, found, expected in zip(owners, run(function, *args), interpret(function, *args), strict=True):
        try:
            assert_close(found, expected, ulps=8)
        except AssertionError as error:
            error.add_note(owner)
            raise


def results_of(row: Primitive, operands: tuple, attrs: dict) -> tuple:
    static = {k: v for k, v in attrs.items() if k != "regions"}
    return row.result_types(tuple(type_of(x) for x in operands), static, attrs.get("regions", ()))

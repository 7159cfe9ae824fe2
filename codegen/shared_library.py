"""The index of the functions that programs share: those of the scalar library, and more that only serve here.

A row has a formula for each result. `sin_cos` gives the sine and the cosine of one angle at the price of one
and a half; the functions of huge angles are called where one turns up (`vector_trigonometric`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ll

from tapejit.codegen.micro_kernel import TileShape
from tapejit.codegen.packed_product import PackedProduct
from tapejit.codegen.product_function import PRODUCT, MatrixProduct
from tapejit.codegen.registers import Registers
from tapejit.codegen.scalar_library import ScalarFunction
from tapejit.codegen.shared_function import SharedFunction, function_of
from tapejit.codegen.vector_trigonometric import HUGE, cos, sin

PARTS = {"sin": ("sin_cos", 0), "cos": ("sin_cos", 1)}  # which result of which function


@dataclass(frozen=True)
class SharedRow:
    """A function that is defined once for all programs."""

    formulas: tuple[Callable[..., Any], ...]
    arity: int = 1
    widens: bool = True

    def function(self, name: str, dtype: str) -> SharedFunction:
        return SharedFunction(name, dtype, self.arity, len(self.formulas), self.widens)


OWN = {
    "sin_cos": SharedRow((sin, cos)),
    **{name: SharedRow((formula,), widens=False) for name, formula in HUGE.items()},
}


def shared_row(name: str, library: Mapping[str, ScalarFunction]) -> SharedRow:
    return OWN.get(name) or SharedRow((library[name].formula,), library[name].arity)


def defined(home: str, library: Mapping[str, ScalarFunction], registers: Registers) -> ll.Module:
    """The module with the function named `home` and its variants, for a processor with such registers."""
    name, dtype = function_of(home)
    if name == PRODUCT:
        shape = TileShape.of(dtype, registers)
        module = MatrixProduct(shape).defined(home)
        PackedProduct(shape, dtype).define(module, home)
        return module
    row = shared_row(name, library)
    return row.function(name, dtype).defined(row.formulas, registers.bytes)

"""The functions emitted source may call: the scalar library, and what compensated sums need.

Start with `Vocabulary`, which also says what of them is called instead of inlined, and defines that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import llvmlite.ir as ll

from tapejit.codegen.complex_library import with_complex
from tapejit.codegen.lane import Lane
from tapejit.codegen.outlined import outlined
from tapejit.codegen.packed_product import declared_part
from tapejit.codegen.product_function import PRODUCT, declared_product
from tapejit.codegen.registers import Registers
from tapejit.codegen.scalar_library import LIBRARY, ScalarFunction
from tapejit.codegen.shared_function import PREFIX, home_of
from tapejit.codegen.shared_library import defined
from tapejit.codegen.two_part import two_sum


def _rounding(a: Lane, b: Lane) -> Lane:
    """What `a + b` loses to rounding."""
    return two_sum(a, b)[1]


def _compensated(total: Lane, lost: Lane) -> Lane:
    """`total + lost`; `total` itself where an infinity has made NaN of what was lost."""
    builder = total.builder
    ordered = builder.fcmp_ordered("ord", lost.value, lost.value)
    return Lane(builder, builder.select(ordered, (total + lost).value, total.value))


class Vocabulary(Mapping[str, ScalarFunction]):
    """Functions by their names in the source."""

    def __init__(self, functions: Mapping[str, ScalarFunction]):
        self._functions = functions

    def __getitem__(self, name: str) -> ScalarFunction:
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def calls_in(self, source: str) -> dict[str, ScalarFunction]:
        """The functions that a source should call, as calls: if inlining them would take too long."""
        return outlined(self, source)

    def home(self, symbol: str) -> str | None:
        """The module that defines a function which programs share, by name; None if it is another one."""
        return home_of(symbol) if symbol.startswith(PREFIX) else None

    def definition(self, home: str, registers: Registers) -> ll.Module:
        """The module: a function and its variants for vectors, as these registers hold them."""
        return defined(home, self, registers)

    def product(self, module: ll.Module, dtype: str, part: str = "") -> ll.Function:
        """The matrix product of a dtype, in a program's module; `part` "pack" or "packed": half of it."""
        symbol = f"{PREFIX}{dtype}_{PRODUCT}"
        return declared_part(module, symbol, f".{part}", dtype) if part else declared_product(module, dtype)


VOCABULARY = Vocabulary(
    with_complex(
        {
            **LIBRARY,
            "rounding": ScalarFunction(_rounding, arity=2),
            "compensated": ScalarFunction(_compensated, arity=2),
        }
    )
)
TAKE_LITERALS = frozenset(name for name, function in VOCABULARY.items() if function.literal is not None)

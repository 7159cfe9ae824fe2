"""How a primitive becomes code: the kinds of emission a row can have.

The scheduler decides by these alone, never by a primitive's name. Start at `Scalar`, `Fold` and `IndexMap`:
most rows are one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tapejit.ir.types import TensorType


@dataclass(frozen=True)
class Scalar:
    """Elementwise: Python source of one element, `{0}`, `{1}` the operands, `{name}` an attribute.

    `complex_source` stands for it where the result is complex, if the same source would not do.
    """

    source: str
    complex_source: str | None = None

    def of(self, result: TensorType) -> str:
        """The source for a result of this type."""
        return self.complex_source or self.source if result.is_complex else self.source


@dataclass(frozen=True)
class Constant:
    """No operands: Python source of the element at `{index}` (a tuple of ints), from attributes."""

    source: Callable[..., str]  # (index expressions, **attrs) -> source


@dataclass(frozen=True)
class Fold:
    """A reduction over `axes`: `combine` is source over `{0}` (so far) and `{1}` (next element)."""

    identity: Callable[[str], str]  # dtype name -> source of the starting value
    combine: str


@dataclass(frozen=True)
class FoldIndex:
    """A reduction over `axes` to the position of the first element that `better` prefers.

    `better` is source over `{0}` (the best so far) and `{1}` (the next element).
    """

    better: str


@dataclass(frozen=True)
class IndexMap:
    """No arithmetic: element `index` of the result is one element of the operand.

    `operand_index(index, x_type, **attrs)` uses only `+`, `*` by ints on the entries of `index`.
    """

    operand_index: Callable[..., tuple[Any, ...]]


@dataclass(frozen=True)
class Padded:
    """Like `IndexMap`, with the constant `attrs["value"]` where the operand's index is outside."""

    operand_index: Callable[..., tuple[Any, ...]]


@dataclass(frozen=True)
class Gathered:
    """Operand 0 at the position along `attrs["axis"]` that operand 1 holds; zero where there is none."""


@dataclass(frozen=True)
class Scattered:
    """The last operand says to which position along `attrs["axis"]` each update goes; others are dropped.

    Updates at one place are combined by `fold`. Without another operand an update is its own position.
    """

    fold: Fold


@dataclass(frozen=True)
class Scanned:
    """A result for every position along `attrs["axis"]`, each from the one before.

    `step` is source over `{0}` (the one before) and the operands from `{1}` on; `first` has no `{0}`.
    """

    first: str
    step: str


@dataclass(frozen=True)
class Ordered:
    """The positions along the last dimension, in the order that `before` puts the elements into.

    `before` is source over `{0}` and `{1}`; where neither of two is before the other, they keep their order.
    """

    before: str


@dataclass(frozen=True)
class Reinterpret:
    """The same elements in the same row-major order under another shape."""


@dataclass(frozen=True)
class Pieces:
    """The operands side by side along `attrs["axis"]`."""


@dataclass(frozen=True)
class Updated:
    """The first operand, with the others written into windows of it: `attrs["starts"]`, `attrs["steps"]`."""


@dataclass(frozen=True)
class Product:
    """`dot_general`: batch, row and column dimensions, contracted by a routine or by a loop."""


@dataclass(frozen=True)
class Library:
    """A routine of linear algebra, `routine(*sizes, *operands, *results)` in the runtime, on whole arrays.

    `sizes` gives its leading arguments from the operand types and the attributes; of the operands it takes
    those in `reads`. If there are results that cost `extras`, it is told after the sizes whether any of them
    is read; else they have no memory. Where it returns True the program raises `LinAlgError(failure)`. There
    is one for each dtype of the first operand or, if `of_result`, of the first result.
    """

    routine: str
    sizes: Callable[..., tuple[Any, ...]]
    reads: tuple[int, ...] = (0,)
    extras: tuple[int, ...] = ()
    failure: str | None = None
    of_result: bool = False


@dataclass(frozen=True)
class Branch:
    """One of two regions, as the first operand says."""


@dataclass(frozen=True)
class Loop:
    """A region as long as another one says so; see `ir.loop`."""


@dataclass(frozen=True)
class LoopAdjoint:
    """The steps of a loop, then the way back through them; see `ir.loop`."""


@dataclass(frozen=True)
class Call:
    """A region, in place."""


@dataclass(frozen=True)
class Alias:
    """The first operands, as many as there are results; the regions are rules, which are not computed."""


OnDemand = Scalar | Constant | IndexMap | Padded | Gathered | Reinterpret  # evaluated where it is needed
Regions = Branch | Loop | LoopAdjoint | Call | Alias  # control flow: the code is that of the nested functions
Routine = Regions | Library  # lines of their own, which read whole operands and make arrays for their results

Emission = (
    OnDemand
    | Fold
    | FoldIndex
    | Scattered
    | Scanned
    | Ordered
    | Pieces
    | Updated
    | Product
    | Library
    | Regions
)

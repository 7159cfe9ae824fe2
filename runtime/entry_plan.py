"""What an entry is to do: which arguments fit, what becomes of them, how results are packed. Plain data.

An argument may be a tree of dicts, lists and tuples; its leaves are numbered in order, over all arguments.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime.condition import Condition

_NUMBERS = ("f64", "f32", "i64")  # that a program takes by value from an entry


@dataclass(frozen=True)
class GivenArray:
    """A NumPy array of exactly this type, in C order."""

    type: TensorType


@dataclass(frozen=True)
class GivenFloat:
    """A Python float or, unless it has to be `plain`, an np.float64."""

    plain: bool = False


@dataclass(frozen=True)
class GivenNumber:
    """A Python int; where `fraction`, a Python float may come as well."""

    fraction: bool


@dataclass(frozen=True)
class GivenConstant:
    """This very object."""

    value: Any


Leaf = GivenArray | GivenFloat | GivenNumber | GivenConstant


@dataclass(frozen=True)
class GivenTree:
    """A dict with these keys and no others, in this `order`, or a list or tuple of as many items."""

    kind: type
    keys: tuple[Hashable, ...]  # of the items
    items: tuple[Given, ...]  # in the order of the leaves
    order: tuple[Hashable, ...] = ()


Given = Leaf | GivenTree


@dataclass(frozen=True)
class Packed:
    """A dict, list or tuple of results."""

    kind: type
    keys: tuple[Hashable, ...]
    items: tuple[Layout, ...]


@dataclass(frozen=True)
class Argument:
    """The leaf of the call's arguments at a position."""

    position: int


@dataclass(frozen=True)
class Constant:
    """An array or number of the trace."""

    value: Any


Layout = int | Constant | Packed  # a result by its number, what it always is, or several


@dataclass(frozen=True)
class EntryPlan:
    """What an entry checks and returns. `sources`: what each parameter of the program is.

    With `guarded` the first result says whether the path holds; `layout` is how the others are packed. With
    `scalars` a result without dimensions is a NumPy scalar, otherwise an array. A leaf that is the home of a
    result has to be an array that shares memory with no other one; as a result it is the array itself.
    """

    given: Sequence[Given]
    conditions: Sequence[Condition]
    sources: Sequence[Argument | Constant]
    guarded: bool
    layout: Layout
    missed: Any  # what the entry returns if something does not fit
    scalars: bool = True

    def homes(self, signature: Signature) -> dict[int, int]:
        """By result that has a home: which leaf that is."""
        found = ((slot, self.sources[home]) for slot, home in signature.overwritten.items())
        return {slot: source.position for slot, source in found if isinstance(source, Argument)}


def plan_of_all(signature: Signature, missed: Any) -> EntryPlan | None:
    """For an entry that takes what the program takes and returns all results in a list of new arrays.

    None if a number of the signature is of a kind that no entry takes.
    """
    pairs = list(zip(signature.params, signature.by_value, strict=True))
    if any(plain and t.dtype not in _NUMBERS for t, plain in pairs):
        return None
    given = [GivenNumber(t.is_float) if plain else GivenArray(t) for t, plain in pairs]
    sources = [Argument(k) for k in range(len(given))]
    keys = tuple(range(len(signature.results)))
    return EntryPlan(given, (), sources, False, Packed(list, keys, keys), missed, scalars=False)

"""The structure of a pytree, with the order of the keys in its dicts: Python that runs over them sees it.

For optree, dicts with the same keys are alike, and their leaves come in the order of sorted keys. A path that
was learnt from one dict does not answer for another order. Start at `Structure`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from functools import cached_property
from typing import Any

_UNORDERED = (dict, defaultdict)  # whose order optree leaves out of account


class Structure:
    """What is left of a pytree without its leaves; equal for trees alike, with dicts in the same order."""

    def __init__(self, spec: Any):
        self.spec = spec

    @cached_property
    def _orders(self) -> tuple[tuple[Hashable, ...], ...]:
        return tuple(_orders(self.spec))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Structure) or self.spec != other.spec:
            return False
        return not self._orders or self._orders == other._orders

    def __hash__(self) -> int:
        return hash(self.spec)

    def __str__(self) -> str:
        return str(self.spec)


def key_order(spec: Any) -> tuple[Hashable, ...]:
    """The keys of a dict in its own order; none of another node, whose order is that of its children."""
    return tuple(spec.one_level().unflatten(range(spec.num_children))) if spec.type in _UNORDERED else ()


def _orders(spec: Any) -> list[tuple[Hashable, ...]]:
    own = key_order(spec)
    return [*([own] if own else []), *(order for child in spec.children() for order in _orders(child))]

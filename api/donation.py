"""Donated arguments of `jit`: the caller gives their memory away, and results of the call take it over.

In the functional style a step returns new parameters beside the old ones: `params = step(params, batch)`. If
the old ones are donated, the new ones are computed in their memory, and a call needs none of its own. A NumPy
array cannot be made unusable afterwards, as JAX does with its arrays: it *is* the result. Start at
`Donated.taken`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import optree

from tapejit import tree
from tapejit.argnums import described
from tapejit.ir.types import type_of
from tapejit.static_argument import places
from tapejit.tracer.errors import DonationWarning
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_frame


@dataclass(frozen=True)
class Donation:
    """Which arguments are donated: positions, which may count from the end, and names."""

    where: str
    positions: tuple[int, ...]
    names: tuple[str, ...]

    def leaves(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Donated:
        """Those of a call."""
        chosen = {k % len(args) for k in self.positions if -len(args) <= k < len(args)}
        marked = [optree.tree_map(lambda _, k=k: k in chosen, x) for k, x in enumerate(args)]
        named = {n: optree.tree_map(lambda _, n=n: n in self.names, x) for n, x in kwargs.items()}
        flags, _ = tree.flatten(tree.with_keywords(marked, named))
        return Donated(self.where, tuple(k for k, flag in enumerate(flags) if flag))

    def check_beside(self, positions: Sequence[int], names: Sequence[str]) -> None:
        """ValueError if one of these static arguments is donated."""
        both = [*set(self.positions).intersection(positions), *set(self.names).intersection(names)]
        if both:
            raise ValueError(
                f"argument {both[0]!r} of {self.where} is said to be static and donated; a static argument "
                "is no array: donate others"
            )

    def beside(self, bound: Sequence[int]) -> Donation:
        """The same for the function with the arguments at these positions bound."""
        return replace(self, positions=tuple(k - sum(b < k for b in bound) for k in self.positions))


@dataclass(frozen=True)
class Donated:
    """The leaves of a call that are donated."""

    where: str
    leaves: tuple[int, ...]

    def taken(
        self, given: Sequence[Any], results: Sequence[Handle], written: Mapping[int, Handle]
    ) -> dict[int, int]:
        """By the place of a result, the leaf in which it is left: the first that has its shape and dtype.

        A leaf that the function wrote to is taken only by what it became. DonationWarning for arrays that no
        result takes.
        """
        arrays = {k: given[k] for k in self.leaves if isinstance(given[k], np.ndarray) and given[k].ndim}
        places = {id(x): n for n, x in enumerate(results)}
        found = {places[id(x)]: k for k, x in written.items() if k in arrays and id(x) in places}
        free = {k: x for k, x in arrays.items() if k not in written}
        for n, result in enumerate(results):
            fitting = (k for k, x in free.items() if type_of(x) == result.type)
            if n not in found and (k := next(fitting, None)) is not None:
                found[n] = k
                del free[k]
        self._warn([x for x in free.values() if x.size])
        return found

    def _warn(self, unused: Sequence[np.ndarray]) -> None:
        caller = user_frame()
        if not unused or caller is None:
            return
        types = ", ".join(str(type_of(x)) for x in unused)
        warnings.warn_explicit(
            f"{self.where}: no result has the shape and dtype of the donated arguments {types}, so that "
            "their memory is not used: do not donate them",
            DonationWarning,
            caller.f_code.co_filename,
            caller.f_lineno,
            registry=caller.f_globals.setdefault("__warningregistry__", {}),
        )


def donation_of(
    function: Callable[..., Any],
    argnums: int | Sequence[int] | None,
    argnames: str | Sequence[str] | None,
) -> Donation | None:
    """What the arguments of `jit` say."""
    if argnums is None and argnames is None:
        return None
    return Donation(described(function), *places(function, argnums, argnames, "donated"))

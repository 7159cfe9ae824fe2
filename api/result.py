"""From the results of a program to that of a call: which arrays are asked for, and how they are packed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optree

from tapejit.capture import Unguardable
from tapejit.tracer.handle import Handle

Pack = Callable[[Sequence[Any]], Any]  # arrays and scalars to the result of the call; a mere rearrangement


def result_handles(tree: Any) -> list[Handle]:
    """The traced leaves of a result, each once; Unguardable for leaves that are not immutable."""
    handles: dict[int, Handle] = {}
    for x in optree.tree_leaves(tree, none_is_leaf=True):
        if isinstance(x, Handle):
            handles[id(x)] = x
        elif type(x) not in (int, float, bool, str, type(None)):
            raise Unguardable(f"it returns a {type(x).__name__} that is not a traced array")
    return list(handles.values())


def picker(tree: Any, handles: Sequence[Handle]) -> Pack:
    """How to rebuild the result `tree` from the values of `handles`."""
    leaves, structure = optree.tree_flatten(tree, none_is_leaf=True)
    position = {id(x): k for k, x in enumerate(handles)}
    if len(leaves) == 1 and leaves[0] is tree and isinstance(tree, Handle):
        place = position[id(tree)]
        return lambda outs: outs[place]

    places = [position.get(id(x)) if isinstance(x, Handle) else None for x in leaves]
    constants = [None if isinstance(x, Handle) else x for x in leaves]

    def pick(outs: Sequence[Any]) -> Any:
        picked = [x if k is None else outs[k] for k, x in zip(places, constants, strict=True)]
        return optree.tree_unflatten(structure, picked)

    return pick

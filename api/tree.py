"""Pytrees at the border of a decorated function: NumPy in, arrays of ours inside, NumPy out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import optree

from tapejit.structure import Structure
from tapejit.tracer.array import Array
from tapejit.tracer.handle import Handle, Leaf
from tapejit.tracer.number import Expression, Number
from tapejit.tracer.operand import check_plain


def variables(tree: Any, position: int, name: str, found: list[Handle]) -> Any:
    """`tree` with a new variable for every leaf; they are appended to `found`."""

    def variable(leaf: Any) -> Handle:
        data = floating(leaf, position, name)
        face = type(data) if isinstance(data, Handle) else Array
        new = face.wrap(data.materialise() if isinstance(data, Handle) else data.view())
        new._leaf = Leaf(None, "write")
        found.append(new)
        return new

    return optree.tree_map(variable, tree)


def floating(leaf: Any, position: int, name: str) -> Handle | np.ndarray:
    """A leaf of a differentiated argument; TypeError if it has no derivative."""
    check_plain(leaf)
    data: Any = leaf if isinstance(leaf, Handle) else np.asarray(leaf)
    if np.dtype(data.dtype).kind not in "fc":
        if data.dtype == object and not isinstance(leaf, np.ndarray):
            raise TypeError(
                f"{name}: argument {position} holds a {type(leaf).__name__}, which is no array and no tree; "
                "make a dataclass a tree by tj.register_dataclass, or leave it out of argnums"
            )
        raise TypeError(
            f"{name}: argument {position} holds {data.dtype}, which has no derivative; pass floats "
            "(for example x.astype(float)) or leave it out of argnums"
        )
    found: Handle | np.ndarray = data
    return found


def wrapped(tree: Any, numbers: bool = False) -> Any:
    """`tree` with NumPy arrays as arrays of ours, views of them: they do not outlive the call.

    `numbers`: a float becomes a number that remembers which leaf it is.
    """
    leaves, structure = optree.tree_flatten(tree)
    return optree.tree_unflatten(structure, [_wrapped(x, k, numbers) for k, x in enumerate(leaves)])


def _wrapped(x: Any, position: int, numbers: bool) -> Any:
    if isinstance(x, np.ndarray):
        check_plain(x)
        return Array.wrap(x.view())
    return Number(x, Expression(None, (position,)), Array) if numbers and type(x) is float else x


def concluded(tree: Any) -> Any:
    """What a function returned, with numbers as floats again."""
    return optree.tree_map(lambda x: x.seen() if isinstance(x, Number) else x, tree, none_is_leaf=True)


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of a pytree and its structure; None has no leaves."""
    leaves, spec = optree.tree_flatten(tree)
    return leaves, Structure(spec)


def with_keywords(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """All arguments as one pytree, in which keywords cannot be taken for a positional dict."""
    return (*args, ("keywords of the call", kwargs)) if kwargs else tuple(args)


def any_handle(tree: Any) -> bool:
    """Whether an array of ours is among the leaves."""
    return any(isinstance(x, Handle) for x in optree.tree_leaves(tree))


def plain(tree: Any) -> Any:
    """`tree` with the data of the arrays of ours in it; None where that would not do.

    It would not if there are none of these, or if another face, a pending trace or a view would notice.
    """
    leaves, structure = optree.tree_flatten(tree)
    arrays = [x for x in leaves if isinstance(x, Handle)]
    if not arrays or not all(type(x) is Array and x.alone for x in arrays):
        return None
    return optree.tree_unflatten(structure, [x._elements if isinstance(x, Handle) else x for x in leaves])


def ours(tree: Any) -> Any:
    """`tree` with NumPy's arrays and scalars as arrays of ours."""
    kinds = np.ndarray | np.generic
    return optree.tree_map(
        lambda x: Array.wrap(np.asarray(x)) if isinstance(x, kinds) else x, tree, none_is_leaf=True
    )


def delivered(tree: Any, keep: bool) -> Any:
    """Results as the caller wants them: NumPy arrays, or arrays of ours if `keep`."""
    return optree.tree_map(lambda x: out(x, keep), tree, none_is_leaf=True)


def out(x: Any, keep: bool) -> Any:
    """One leaf of a result."""
    if not isinstance(x, Handle):
        return Array.wrap(x) if keep and isinstance(x, np.ndarray) else x[()] if _is_scalar(x) else x
    if keep:
        return x
    data = x.materialise()
    if data.ndim == 0:
        return data[()]
    return data if data.base is None else data.copy()  # a view: the caller's own array


def _is_scalar(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.ndim == 0


def zeros(variable: Handle) -> np.ndarray:
    """The gradient of a variable that the result does not depend on."""
    return np.zeros(variable.type.shape, variable.type.numpy_dtype)

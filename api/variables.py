"""A call of a function as a line of IR, with variables for the arguments it is differentiated by."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree

from tapejit import tree
from tapejit.argnums import described
from tapejit.engine import TRIE
from tapejit.ir.transforms.batch import reached
from tapejit.line import LineCall, trace_line
from tapejit.tracer.array import Array
from tapejit.tracer.errors import ConversionError, DtypeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.inner import InnerTape
from tapejit.tracer.state import STATE
from tapejit.tracer.trie import Trie


def differentiable(
    function: Callable[..., Any],
    kind: str,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    chosen: Sequence[int],
    has_aux: bool = False,
    trie: Trie = TRIE,
) -> tuple[LineCall, list[Any]]:
    """A call as a line with the arguments `chosen` as variables, and the structures of these."""
    where = described(function)
    tape = inner_tape(trie, f"{kind} of {where}")
    variables: list[Handle] = []
    given: list[Handle] = []
    call_args, structures = list(args), []
    for i in chosen:
        leaves, structure = optree.tree_flatten(args[i])
        values = [_outer_array(tree.floating(leaf, i, where)) for leaf in leaves]
        names = leaf_names(function, i, len(leaves), structure)
        own = [tape.variable(x, name) for x, name in zip(values, names, strict=True)]
        variables += own
        given += values
        structures.append(structure)
        call_args[i] = optree.tree_unflatten(structure, own)
    if not variables:
        raise TypeError(f"{kind} of {where}: there is no array to differentiate by")
    call = trace_line(tape, where, variables, given, lambda: function(*call_args, **kwargs), has_aux)
    for head in call.heads:
        if not head.type.is_inexact:
            raise DtypeError(f"{kind} of {where}: it returned {head.type}; a derivative needs a float result")
    if tape.lost is not None and not _depends(call):
        raise lost_gradient(where, tape.lost)
    return call, structures


def inner_tape(trie: Trie, name: str) -> InnerTape:
    """A tape inside the one that records now."""
    outer = STATE.tape
    assert outer is not None
    return InnerTape(trie, outer, name)


def leaf_names(function: Callable[..., Any], position: int, count: int, structure: Any) -> list[str | None]:
    """What the leaves of an argument are called in the IR: `w`, or `w_0`, `w_1` for those of a tree."""
    name = argument_name(function, position)
    if name is None:
        return [None] * count
    return [name if structure.is_leaf() else f"{name}_{k}" for k in range(count)]


def argument_name(function: Callable[..., Any], position: int) -> str | None:
    """The function's own name for a positional argument; None if it has none."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code.co_varnames[position] if code and position < code.co_argcount else None


def _outer_array(x: Handle | np.ndarray) -> Handle:
    return x if isinstance(x, Handle) else Array.wrap(x.copy())


def lost_gradient(where: str, place: str) -> ConversionError:
    """The error of a result that is computed from arguments, but not by operations that were traced."""
    return ConversionError(
        f"the result of {where} does not depend on its arguments any more: a value left for "
        f"Python at {place}, by float(), .item() or a function of `math`; use NumPy's functions"
    )


def _depends(call: LineCall) -> bool:
    """Whether a leaf of the value is computed from a variable."""
    f = call.line.function
    own = len(call.variables)
    return any(reached(f, [k < own for k in range(len(f.params))])[: len(call.heads)])

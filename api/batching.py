"""`vmap`: from a function of one example to the function of a stack of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optree

from tapejit.argnums import described
from tapejit.capture import transform
from tapejit.ir.function import Function
from tapejit.ir.transforms.batch import batch_along, reached
from tapejit.ir.types import TensorType
from tapejit.lane_path import explored, joined
from tapejit.line import LineCall, trace_line
from tapejit.tracer.array import Array
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.inner import Choice
from tapejit.transformed import Transformed
from tapejit.variables import argument_name, inner_tape


@transform
def vmap(function: Callable[..., Any] | None = None, in_axes: Any = 0, out_axes: Any = 0) -> Any:
    """The function that applies `function` to every example of a stack, in one program.

    `in_axes`: along which axis each positional argument is a stack; an int for all arguments, or a tuple with
    an entry per argument: an int, None (the argument is the same for every example), or a tree that is a
    prefix of the argument's own. Keyword arguments are stacks along axis 0. `out_axes`: where the results
    carry the new axis; None for a result that is the same for every example. Values that depend on no
    stack are computed once. Where examples take different branches of an `if` or leave a `while` at different
    times, each path is computed for all examples and each gets the result of its own; results must then have
    equal shapes. Raises ShapeError when sizes differ or an axis is not there; NestedDemandError where Python
    asks for another number of an example, as by `float()`, and for more than 256 paths.

    >>> import numpy as np, tapejit as tj
    >>> weights = np.array([1.0, 2.0])
    >>> tj.vmap(lambda x: np.dot(x, weights))(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    array([1., 2., 3.])
    >>> tj.vmap(np.multiply, in_axes=(0, None))(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([[3., 4.],
           [6., 8.]])
    """
    if function is None:
        return functools.partial(vmap, in_axes=in_axes, out_axes=out_axes)
    return Batched(function, in_axes, out_axes)


@dataclass(frozen=True)
class Stack:
    """One leaf of an argument that carries the axis of the examples."""

    array: Handle
    axis: int
    name: str  # the argument it is of

    @property
    def size(self) -> int:
        return self.array.type.shape[self.axis]


class Batched(Transformed):
    """See `vmap`."""

    def __init__(self, function: Callable[..., Any], in_axes: Any, out_axes: Any):
        super().__init__(function, "vmap")
        _check_axes(in_axes, "in_axes")
        _check_axes(out_axes, "out_axes")
        self._in_axes = tuple(in_axes) if isinstance(in_axes, list) else in_axes
        self._out_axes, self._where_user = out_axes, f"vmap of {described(self._user)}"

    def _inside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given_tree: Any = (args, kwargs)
        leaves, structure = optree.tree_flatten(given_tree, none_is_leaf=True)
        stacks = self._stacks(leaves, args, kwargs)
        size = self._size([s for s in stacks if s is not None])
        given = [s for s in stacks if s is not None]

        def trace(choose: Choice) -> LineCall:
            return self._traced(leaves, stacks, structure, choose)

        axes = [s.axis for s in given]
        lanes, calls = zip(*explored(size, trace, self._where_user), strict=True)
        return (
            self._batched(calls[0], size, axes) if len(calls) == 1 else self._joined(lanes, calls, size, axes)
        )

    def _traced(
        self,
        leaves: Sequence[Any],
        stacks: Sequence[Stack | None],
        structure: Any,
        choose: Choice,
    ) -> LineCall:
        """The function on one example, as a line."""
        tape = inner_tape(self._trie, self._where_user)
        tape.choose = choose
        examples = [
            leaf if s is None else tape.parameter(s.array, s.axis, s.name)
            for leaf, s in zip(leaves, stacks, strict=True)
        ]
        variables = [x for x, s in zip(examples, stacks, strict=True) if s is not None]
        given = [s.array for s in stacks if s is not None]
        inner_tree: Any = optree.tree_unflatten(structure, examples)
        call_args, call_kwargs = inner_tree

        def call() -> Any:
            found = self._user(*call_args, **call_kwargs)
            for stack in tape.found_stacks(len(given)):  # by solvers, once per example
                variables.append(stack.parameter)
                given.append(stack.array)
            return found

        return trace_line(tape, described(self._user), variables, given, call, False)

    def _batched(self, call: LineCall, size: int, axes: list[int]) -> Any:
        """The stacked results of a call."""
        ins = _axes_in(call, axes)
        depends = reached(call.line.function, [a is not None for a in ins])
        outs = self._result_axes(call, [v.type for v in call.heads], depends)
        found = call.apply(("vmap", size, ins, outs), lambda f: batch_along(f, size, ins, outs))
        return call.value(iter(found))

    def _joined(self, lanes: Sequence[Any], calls: Sequence[LineCall], size: int, axes: list[int]) -> Any:
        """The results of several paths, each example with those of its own."""
        first = calls[0]
        results = []
        for call in calls:
            if call.structure != first.structure:
                raise TypeError(
                    f"{self._where_user}: examples that take different branches give results of different "
                    f"structures: {first.structure} and {call.structure}"
                )
            ins = _axes_in(call, axes)
            outs = (0,) * len(call.heads)
            key = ("vmap", size, ins, outs)
            results.append(call.apply(key, functools.partial(_along, size, ins, outs)))
        stacked = joined(lanes, results, self._where_user)
        types = [x.type.with_shape(x.type.shape[1:]) for x in stacked]
        places = self._result_axes(first, types, [True] * len(stacked))
        moved = [x if not axis else np.moveaxis(x, 0, axis) for x, axis in zip(stacked, places, strict=True)]
        return first.value(iter(moved))

    # -- Arguments ------------------------------------------------------------------------------------------

    def _stacks(
        self, leaves: Sequence[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> list[Stack | None]:
        """Per leaf of the arguments the stack that it is; None for a leaf that is no stack."""
        keywords: Any = kwargs
        axes = self._broadcast_axes(args) + [0] * len(optree.tree_leaves(keywords, none_is_leaf=True))
        names = [
            name
            for i, arg in enumerate(args)
            for name in _leaf_names(argument_name(self._user, i) or f"argument {i}", arg)
        ]
        names += [name for key in sorted(kwargs) for name in _leaf_names(key, kwargs[key])]
        return [
            None if axis is None or leaf is None else self._stack(leaf, axis, name)
            for leaf, axis, name in zip(leaves, axes, names, strict=True)
        ]

    def _broadcast_axes(self, args: Any) -> list[Any]:
        """The axis of every leaf of the positional arguments."""
        if isinstance(self._in_axes, tuple) and len(self._in_axes) != len(args):
            raise ValueError(
                f"{self._where_user}: in_axes has {len(self._in_axes)} entries, but there are {len(args)} "
                "positional arguments; give one entry each, or one int for all"
            )
        axes: Any = self._in_axes
        try:
            return list(optree.broadcast_prefix(axes, args, none_is_leaf=True))
        except ValueError as error:
            raise ValueError(
                f"{self._where_user}: in_axes={self._in_axes} is no prefix of the arguments: {error}"
            ) from None

    def _stack(self, leaf: Any, axis: int, name: str) -> Stack:
        if not isinstance(leaf, Handle):
            array = np.array(leaf)
            if array.dtype.kind not in "fcib":
                raise TypeError(
                    f"{self._where_user}: {name} is a {type(leaf).__name__}, not a stack; set its entry in "
                    "in_axes to None"
                )
            leaf = Array.wrap(array)
        rank = len(leaf.type.shape)
        if not -rank <= axis < rank:
            raise ShapeError(
                f"{self._where_user}: {name} of shape {leaf.type.shape} has no axis {axis}; an argument that "
                "is the same for every example has the entry None in in_axes"
            )
        return Stack(leaf, axis % rank, name)

    def _size(self, stacks: Sequence[Stack]) -> int:
        """The number of examples."""
        if not stacks:
            raise ValueError(f"{self._where_user}: no argument is a stack; in_axes must not be None for all")
        if len({s.size for s in stacks}) > 1:
            listed = ", ".join(f"{s.name} has {s.size} along axis {s.axis}" for s in stacks)
            raise ShapeError(f"{self._where_user}: the arguments are stacks of different sizes: {listed}")
        return stacks[0].size

    # -- Results --------------------------------------------------------------------------------------------

    def _result_axes(
        self, call: LineCall, types: Sequence[TensorType], depends: Sequence[bool]
    ) -> tuple[int | None, ...]:
        """Per result the axis that carries the examples; `types` are those of one example."""
        example = call.value(iter([0] * call.structure.num_leaves))
        try:
            axes = optree.broadcast_prefix(self._out_axes, example, none_is_leaf=True)
        except ValueError as error:
            raise ValueError(
                f"{self._where_user}: out_axes={self._out_axes} is no prefix of the result: {error}"
            ) from None
        leaves = optree.tree_leaves(example, none_is_leaf=True)
        own = [axis for axis, x in zip(axes, leaves, strict=True) if x is not None]
        return tuple(
            self._result_axis(axis, type_, each)
            for axis, type_, each in zip(own, types, depends, strict=True)
        )

    def _result_axis(self, axis: int | None, example: TensorType, depends: bool) -> int | None:
        rank = len(example.shape) + 1
        if axis is None:
            if depends:
                raise ValueError(
                    f"{self._where_user}: out_axes is None for a result that differs between examples; "
                    "give it an axis"
                )
            return None
        if not -rank <= axis < rank:
            raise ShapeError(
                f"{self._where_user}: a stack of results {example} has no axis {axis}; check out_axes"
            )
        return axis % rank


def _axes_in(call: LineCall, axes: Sequence[int]) -> tuple[int | None, ...]:
    """Per argument of a line the axis of the examples: those given, found on the way, and captured."""
    found = len(call.variables) - len(axes)
    return (*axes, *[0] * found, *(None for _ in call.captured))


def _along(size: int, ins: tuple[int | None, ...], outs: tuple[int | None, ...], f: Function) -> Function:
    return batch_along(f, size, ins, outs)


def _leaf_names(name: str, tree: Any) -> list[str]:
    """What errors call the leaves of an argument."""
    paths = optree.tree_paths(tree, none_is_leaf=True)
    return [name + "".join(f"[{key!r}]" for key in path) for path in paths]


def _check_axes(axes: Any, name: str) -> None:
    for leaf in optree.tree_leaves(axes, none_is_leaf=True):
        if leaf is not None and (not isinstance(leaf, int) or isinstance(leaf, bool)):
            raise TypeError(f"{name} must hold ints and None, got {leaf!r}")

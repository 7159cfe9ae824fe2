"""Decorated functions: `jit`, `grad`, `value_and_grad`.

A call runs the Python on a tape of its own, whose trie belongs to the decorated function, so a path
taken before is traced at dictionary speed and runs compiled programs. NumPy in, NumPy out; arguments
and results are pytrees. Inside another trace the call becomes part of that trace.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import optree

from tapejit.capture import Unguardable, guards_of
from tapejit.engine import DECORATED, Engine
from tapejit.inspection import Inspection
from tapejit.path import path_of
from tapejit.replay import MAX_PATHS_MET, MAX_REPLAYS, MAX_TRIES, MISS, Pack, Replay, leaf_of, picker, result_handles
from tapejit.tracer import nested
from tapejit.tracer.array import Array
from tapejit.tracer.backward import backward
from tapejit.tracer.errors import DtypeError, ShapeError
from tapejit.tracer.gradient import FreshGradients
from tapejit.tracer.handle import Handle, Leaf
from tapejit.tracer.state import STATE
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import Trie


class TracedFunction:
    """A function that is traced, compiled and cached when it is called."""

    def __init__(self, function: Callable[..., Any], engine: Engine = DECORATED):
        if not callable(function):
            raise TypeError(f"expected a function, got {type(function).__name__}")
        functools.update_wrapper(self, function)
        self._function = function
        self._trie = Trie(engine)
        code = getattr(inspect.unwrap(function), "__code__", None)
        self._parameters: tuple[str, ...] = code.co_varnames[: code.co_argcount] if code else ()
        self.inspection = Inspection(self._name())
        self._replays: dict[Hashable, Replay] = {}  # by path
        self._favourites: tuple[Replay, ...] = ()   # those that a call tries, the last one used first
        self._met: set[Hashable] = set()       # paths traced so far
        self._hopeless: set[Hashable] = set()  # paths that Python has to be run for
        self.why_python: str | None = "it has not been called"  # why calls run the Python; None if they do not

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if STATE.tape is None and not kwargs:
            for replay in self._favourites:
                result = replay.run(args)
                if result is not MISS:
                    if replay is not self._favourites[0]:
                        self._prefer(replay)
                    return result
        return self._traced_call(args, kwargs)

    def _prefer(self, replay: Replay) -> None:
        """Try this one first next time."""
        others = (other for other in self._favourites if other is not replay)
        self._favourites = (replay, *others)[:MAX_TRIES]

    def _traced_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the Python, tracing it."""
        raise AssertionError("each kind of traced function has its own")

    def ir(self, *args: Any, **kwargs: Any) -> str:
        """The IR of the last call's trace (of a call with `args`, if any are given), canonicalised."""
        return self._stage("ir", args, kwargs)

    def adjoint_ir(self, *args: Any, **kwargs: Any) -> str:
        """The IR of its adjoint: the program that computes value and gradient together."""
        return self._stage("adjoint", args, kwargs)

    def source(self, *args: Any, **kwargs: Any) -> str:
        """The Python source that was emitted for Numba."""
        return self._stage("source", args, kwargs)

    def stage(self, name: str, *args: Any, **kwargs: Any) -> str:
        """Any stage by name: trace, ir, adjoint, schedule, source, llvm or asm."""
        return self._stage(name, args, kwargs)

    def _stage(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        if args or kwargs:
            self(*args, **kwargs)
        return self.inspection.text(name)

    def _names_of(self, args: Sequence[Any]) -> dict[int, str]:
        """What the function calls its array arguments; `w_0` for a leaf of a pytree."""
        names = {}
        for name, arg in zip(self._parameters, args, strict=False):
            leaves = optree.tree_leaves(arg)
            for i, leaf in enumerate(leaves):
                names[id(leaf)] = name if leaf is arg else f"{name}_{i}"
        return names

    def _name(self) -> str:
        return getattr(self._function, "__name__", type(self._function).__name__)

    @contextmanager
    def _recording(self, args: Sequence[Any]) -> Iterator[Tape]:
        """A tape for one call; the outer tape, if there is one, is its parent."""
        outer = STATE.tape
        tape = Tape(self._trie, outer, self._names_of(args), keep_cuts=True)
        STATE.tape = tape
        try:
            yield tape
        finally:
            STATE.tape = outer
            tape.active = None


    def _learn(self, call: Call) -> None:
        """Make a replay of the call that was just traced, if everything it depended on can be checked.

        The first path is learnt at once, another when it is taken for the second time: compiling a path
        that never comes back would cost more than it saves.
        """
        key = call.key()
        known = self._replays.get(key)
        if known is not None and known.still_holds():
            return self._prefer(known)
        first_time = key not in self._met
        if len(self._met) < MAX_PATHS_MET:
            self._met.add(key)
        if key in self._hopeless or (self._replays and first_time):
            return
        try:
            made = self._replay(call)
        except Unguardable as obstacle:
            self.why_python = obstacle.reason
            self._hopeless.add(key)
            return
        self.why_python = None
        kept = {k: r for k, r in self._replays.items() if k != key and r.still_holds()}
        while len(kept) >= MAX_REPLAYS:
            del kept[next(iter(kept))]
        self._replays = {**kept, key: made}
        self._favourites = tuple(r for r in self._favourites if r in kept.values())
        self._prefer(made)

    def _replay(self, call: Call) -> Replay:
        guards = guards_of(inspect.unwrap(self._function))
        given, structure = optree.tree_flatten(call.args)
        traced = optree.tree_leaves(tuple(call.traced_args))
        differentiated = {id(v) for v in call.variables}
        leaves = [leaf_of(x, t, id(t) in differentiated) for x, t in zip(given, traced, strict=True)]
        handles = result_handles((call.head, call.rest))
        path = path_of(call.tape, traced, handles, call.head if call.variables else None, call.variables)
        program = self._trie.engine.program(path.function, path.by_value, frozenset())
        return Replay(leaves, structure, guards, path, program, self._pack(call, handles))

    def _pack(self, call: Call, handles: Sequence[Handle]) -> Pack:
        """How the values of `handles`, then the gradients, become the result of the call."""
        raise AssertionError("each kind of traced function has its own")


@dataclass(frozen=True)
class Call:
    """One traced call, from which a replay can be learnt."""

    tape: Tape
    args: tuple[Any, ...]
    traced_args: Sequence[Any]
    head: Any               # the value that is differentiated, or all of the result
    rest: Any               # auxiliary results
    variables: Sequence[Handle]
    chosen: tuple[int, ...] = ()

    def key(self) -> Hashable:
        """What distinguishes its path: the segments, and the truth of each test between them."""
        truths = tuple(e.key() for e in self.tape.escapes)
        return (*(cut.node for cut in self.tape.cuts or ()), truths)


class Jitted(TracedFunction):
    """See `jit`."""

    def _traced_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if STATE.tape is not None:
            return self._function(*args, **kwargs)
        ours = _any_handle((args, kwargs))
        call_args, call_kwargs = _wrapped((args, kwargs))
        with self._recording(call_args) as tape:
            result = self._function(*call_args, **call_kwargs)
        self.inspection.saw(tape)
        delivered = _delivered(result, keep=ours)
        if not ours and not kwargs:
            self._learn(Call(tape, args, call_args, result, None, ()))
        return delivered

    def _pack(self, call: Call, handles: Sequence[Handle]) -> Pack:
        return picker(call.head, handles)


class Differentiated(TracedFunction):
    """See `value_and_grad` and `grad`."""

    def __init__(
        self, function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False,
        value: bool = True, engine: Engine = DECORATED,
    ):
        super().__init__(function, engine)
        self._argnums, self._has_aux, self._value = _checked_argnums(argnums), has_aux, value

    def _traced_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        chosen = self._chosen(args)
        outer = STATE.tape
        ours = _any_handle((args, kwargs))
        rest, call_kwargs = _wrapped((args, kwargs))
        variables: list[Handle] = []
        trees = {i: _variables(args[i], i, self._where(), outer, variables) for i in chosen}
        call_args = [trees.get(i, x) for i, x in enumerate(rest)]
        with self._recording(call_args) as tape:
            found = self._function(*call_args, **call_kwargs)
            head, aux = self._split(found)
        grads = self._gradients(tape, head, variables)
        self.inspection.saw(tape)
        packed = self._packed(head, aux, grads, args, chosen, keep=ours or outer is not None)
        if outer is None and not ours and not kwargs:
            self._learn(Call(tape, args, call_args, head, aux, variables, chosen))
        return packed

    def _pack(self, call: Call, handles: Sequence[Handle]) -> Pack:
        pick_head, pick_aux = picker(call.head, handles), picker(call.rest, handles)
        first, args, chosen = len(handles), call.args, call.chosen
        if self._value and not self._has_aux and len(chosen) == 1 and type(args[chosen[0]]) is np.ndarray:
            if isinstance(self._argnums, int):
                return lambda outs: (pick_head(outs), outs[first])
        return lambda outs: self._packed(
            pick_head(outs), pick_aux(outs), outs[first:], args, chosen, keep=False
        )

    def _gradients(self, tape: Tape, head: Any, variables: list[Handle]) -> list[Any]:
        """Per variable its gradient; zeros where the head does not depend on it."""
        found: Sequence[Any] = [None] * len(variables)
        if isinstance(head, Handle) and head._tape is tape and tape.symbolic:
            found = nested.gradients(tape, head, variables)
        elif isinstance(head, Handle) and head.tracked:
            sink = FreshGradients(variables)
            backward([head], [None], sink)
            found = [sink.of(v) for v in variables]
        return [_zeros(v) if g is None else g for g, v in zip(found, variables, strict=True)]

    def _split(self, found: Any) -> tuple[Any, Any]:
        """The head and the auxiliary results of what the function returned."""
        if self._has_aux:
            if not isinstance(found, tuple) or len(found) != 2:
                raise TypeError(f"has_aux=True: {self._where()} must return a pair (value, aux), got {found!r}")
            head, aux = found
        else:
            head, aux = found, None
        self._check_scalar(head)
        return head, aux

    def _check_scalar(self, head: Any) -> None:
        shape = getattr(head, "shape", None if not isinstance(head, int | float) else ())
        if shape is None:
            raise TypeError(
                f"{self._where()} returned {type(head).__name__}; a gradient needs a scalar result "
                "(for further results use has_aux=True)"
            )
        if shape not in ((), (1,)):
            raise ShapeError(
                f"{self._where()} returned an array of shape {shape}; a gradient needs a scalar: return its "
                "sum or mean"
            )
        if np.dtype(getattr(head, "dtype", float)).kind != "f":
            raise DtypeError(f"{self._where()} returned {head.dtype}; a gradient needs a float result")

    def _where(self) -> str:
        code = getattr(inspect.unwrap(self._function), "__code__", None)
        place = f" ({code.co_filename.rsplit('/', 1)[-1]}:{code.co_firstlineno})" if code else ""
        return f"{self._name()}{place}"

    def _chosen(self, args: tuple[Any, ...]) -> tuple[int, ...]:
        numbers = (self._argnums,) if isinstance(self._argnums, int) else self._argnums
        for i in numbers:
            if not -len(args) <= i < len(args):
                raise ValueError(
                    f"argnums={self._argnums}, but {self._where()} was called with {len(args)} positional "
                    "arguments; differentiated arguments must be positional"
                )
        chosen = tuple(i % len(args) for i in numbers)
        if len(set(chosen)) != len(chosen):
            raise ValueError(f"argnums={self._argnums} names an argument of {self._where()} twice")
        return chosen

    def _packed(
        self, head: Any, aux: Any, grads: list[Any], args: tuple[Any, ...], chosen: tuple[int, ...], keep: bool
    ) -> Any:
        rest = iter(grads)
        trees = []
        for i in chosen:
            leaves, structure = optree.tree_flatten(args[i])
            trees.append(optree.tree_unflatten(structure, [_out(next(rest), keep) for _ in leaves]))
        gradient = trees[0] if isinstance(self._argnums, int) else tuple(trees)
        value = _delivered((head, aux) if self._has_aux else head, keep)
        if self._value:
            return value, gradient
        return (gradient, value[1]) if self._has_aux else gradient


def jit(function: Callable[..., Any]) -> Jitted:
    """Compile a NumPy-style function: its calls run fused native loops.

    Arguments and results are pytrees of arrays and numbers. NumPy arrays and numbers in: NumPy arrays
    out. tapejit arrays in: tapejit arrays out. Inside `record()` or another decorated function the
    call is part of that trace. Effects other than the result (printing, appending) are the Python
    function's own business: do not rely on how often it runs.

    >>> import numpy as np, tapejit as tj
    >>> @tj.jit
    ... def norm(x):
    ...     return np.sqrt(np.sum(x * x))
    >>> float(norm(np.array([3.0, 4.0])))
    5.0
    """
    return Jitted(function)


def value_and_grad(
    function: Callable[..., Any] | None = None, argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Any:
    """The function that returns the value and the gradient of a scalar function.

    `argnums`: the positional argument, or arguments, to differentiate; each a pytree of float arrays or
    numbers. The gradient has the structure, shapes and dtypes of the argument (a tuple of gradients for
    a tuple of `argnums`). With `has_aux` the function returns `(value, aux)`, and so does the result:
    `((value, aux), gradient)`. Raises ShapeError if the value is no scalar, TypeError for integer
    arguments, ValueError for `argnums` that do not fit the call.

    >>> import numpy as np, tapejit as tj
    >>> @tj.value_and_grad
    ... def f(x):
    ...     return np.sum(x ** 2)
    >>> value, gradient = f(np.array([1.0, 2.0]))
    >>> float(value), gradient
    (5.0, array([2., 4.]))
    """
    if function is None:
        return functools.partial(value_and_grad, argnums=argnums, has_aux=has_aux)
    return Differentiated(function, argnums, has_aux, value=True)


def grad(
    function: Callable[..., Any] | None = None, argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Any:
    """The gradient function of a scalar function; see `value_and_grad`.

    With `has_aux` the result is `(gradient, aux)`. Derivatives nest.

    >>> import numpy as np, tapejit as tj
    >>> tj.grad(lambda x: np.sum(np.sin(x)))(np.array([0.0]))
    array([1.])
    >>> float(tj.grad(tj.grad(lambda x: x ** 3))(2.0))
    12.0
    """
    if function is None:
        return functools.partial(grad, argnums=argnums, has_aux=has_aux)
    return Differentiated(function, argnums, has_aux, value=False)


def _checked_argnums(argnums: Any) -> int | tuple[int, ...]:
    if isinstance(argnums, int) and not isinstance(argnums, bool):
        return argnums
    numbers = tuple(argnums) if isinstance(argnums, list | tuple) else None
    if not numbers or not all(isinstance(i, int) and not isinstance(i, bool) for i in numbers):
        raise TypeError(f"argnums must be an int or a non-empty tuple of ints, got {argnums!r}")
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"argnums={argnums!r} names an argument twice")
    return numbers


def _variables(
    tree: Any, position: int, name: str, outer: Tape | None, variables: list[Handle]
) -> Any:
    """`tree` with a new variable for every leaf; they are appended to `variables`."""

    def variable(leaf: Any) -> Handle:
        data = leaf if isinstance(leaf, Handle) else np.asarray(leaf)
        if np.dtype(data.dtype).kind != "f":
            raise TypeError(
                f"{name}: argument {position} holds {data.dtype}, which has no derivative; pass floats "
                "(for example x.astype(float)) or leave it out of argnums"
            )
        if outer is not None:
            new = nested.variable(outer, data if isinstance(data, Handle) else Array.wrap(data.copy()))
        else:
            face = type(data) if isinstance(data, Handle) else Array
            new = face.wrap(data.value() if isinstance(data, Handle) else data.view())
            new._leaf = Leaf(None, "write")
        variables.append(new)
        return new

    return optree.tree_map(variable, tree)


def _wrapped(tree: Any) -> Any:
    """`tree` with NumPy arrays as arrays of ours, views of them: they do not outlive the call."""
    return optree.tree_map(lambda x: Array.wrap(x.view()) if isinstance(x, np.ndarray) else x, tree)


def _any_handle(tree: Any) -> bool:
    return any(isinstance(x, Handle) for x in optree.tree_leaves(tree))


def _delivered(tree: Any, keep: bool) -> Any:
    """Results as the caller wants them: NumPy arrays, or arrays of ours if `keep`."""
    return optree.tree_map(lambda x: _out(x, keep), tree, none_is_leaf=True)


def _out(x: Any, keep: bool) -> Any:
    if not isinstance(x, Handle):
        return Array.wrap(x) if keep and isinstance(x, np.ndarray) else x[()] if _is_scalar(x) else x
    if keep:
        return x
    data = x.value()
    if data.ndim == 0:
        return data[()]
    return data if data.base is None else data.copy()  # a view: the caller's own array


def _is_scalar(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.ndim == 0


def _zeros(variable: Handle) -> np.ndarray:
    return np.zeros(variable.type.shape, variable.type.numpy_dtype)

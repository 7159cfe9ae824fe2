"""Decorated functions: `jit`, `grad`, `value_and_grad`.

A call runs the Python on a tape of its own, whose trie belongs to the decorated function, so a path
taken before is traced at dictionary speed and runs compiled programs. NumPy in, NumPy out; arguments
and results are pytrees. Inside another trace the call becomes part of that trace.
"""

from __future__ import annotations

import functools
import inspect
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import optree

from tapejit import tree
from tapejit.argnums import checked_argnums, described, name_of, positions
from tapejit.capture import transform
from tapejit.engine import DECORATED, TRACING, Engine
from tapejit.holomorphic import check_value
from tapejit.inspection import Inspection
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.types import type_of
from tapejit.memory import Call, Memory
from tapejit.replay import MISS, picker
from tapejit.shortcut import Pack
from tapejit.tracer.backward import backward
from tapejit.tracer.errors import EscapedArrayWarning, ShapeError
from tapejit.tracer.escape import Leftovers, watch_pending
from tapejit.tracer.gradient import FreshGradients
from tapejit.tracer.handle import Handle
from tapejit.tracer.state import STATE
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import Trie
from tapejit.variables import differentiable, lost_gradient
from tapejit.written import write_back, written_arguments


class TracedFunction:
    """A function that is traced, compiled and cached when it is called."""

    def __init__(self, function: Callable[..., Any], engine: Engine = DECORATED):
        if not callable(function):
            raise TypeError(f"expected a function, got {type(function).__name__}")
        functools.update_wrapper(self, function, updated=())
        self._function = function
        self._engine, self._trie = engine, Trie(TRACING)
        self._warned = False  # that it stores arrays outside
        code = getattr(inspect.unwrap(function), "__code__", None)
        self._parameters: tuple[str, ...] = code.co_varnames[: code.co_argcount] if code else ()
        self.inspection = Inspection(self._name())
        self.memory = Memory(self._where(), function, self._parameters, engine)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if STATE.tape is None:
            shortcut = self.memory.shortcut
            if shortcut is not None and not kwargs:
                result = shortcut(*args)
                if result is not MISS:
                    return result
            result = self.memory.run(args if not kwargs else _with_keywords(args, kwargs))
            if result is not MISS:
                return result
            given = tree.plain((args, kwargs))
            if given is not None:
                return tree.ours(self(*given[0], **given[1]))
            result = self._traced_call(args, kwargs)
            self._expire_leftovers()
            return result
        return self._traced_call(args, kwargs)

    @property
    def __traced__(self) -> Callable[..., Any]:
        return self._function

    def explain(self) -> str:
        """Why the Python ran each time it did, which paths are known, and how often each was taken.

        >>> import numpy as np, tapejit as tj
        >>> f = tj.jit(lambda x: x * 2.0)
        >>> _ = f(np.ones(3)), f(np.ones(3)), f(np.ones(4))
        >>> print(f.explain().splitlines()[1])
          trace 1: first call
        """
        return self.memory.explain()

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

    def _where(self) -> str:
        return described(self._function)

    def _name(self) -> str:
        return name_of(self._function)

    @contextmanager
    def _recording(self, args: Sequence[Any], ours: bool) -> Iterator[Tape]:
        """A tape for one call; the outer tape, if there is one, is its parent.

        Its segments are kept where a replay may be learnt from them: not if arrays of `ours` go in,
        since those that come out would keep the whole history of their making.
        """
        outer = STATE.tape
        learns = not ours if outer is None else outer.cuts is not None
        tape = Tape(self._trie, outer, self._names_of(args), keep_cuts=learns)
        if learns and outer is None:
            tape.leftovers = self._watched(args)
        STATE.tape = tape
        try:
            yield tape
        finally:
            STATE.tape = outer
            STATE.finished = tape if outer is None else None
            tape.active = None

    def _watched(self, args: Sequence[Any]) -> Leftovers:
        leftovers = Leftovers()
        names = self._names_of(args)
        for leaf in tree.flatten(tuple(args))[0]:
            if isinstance(leaf, Handle):
                leftovers.watch_argument(leaf, names.get(id(leaf), "of the call"))
        return leftovers

    def _expire_leftovers(self) -> None:
        """What the function stored outside of the arrays it traced cannot be used; warn about it once."""
        tape, STATE.finished = STATE.finished, None
        if tape is None or tape.leftovers is None:
            return
        watch_pending(tape)
        leftovers = tape.leftovers
        tape.release()
        places = leftovers.expire(self._where(), collect=not self._warned)
        if places and not self._warned:
            self._warned = True
            warnings.warn(
                f"{self._where()} stored an array made at {places[0]} outside; calls that run no Python do "
                "not store it, and using it raises an error: return it instead",
                EscapedArrayWarning,
                stacklevel=3,
            )

    def _answer(self, call: Call, compute: Callable[[], Any]) -> Any:
        """Learn from a call and answer it by its path, as later calls on it will be.

        If that cannot be, `compute` what was recorded.
        """
        call.tape.conclude()
        replay = self.memory.learn(call, lambda handles, places: self._pack(call, handles, places))
        result = MISS if replay is None or call.written else replay.first(call.args)
        if result is not MISS:
            self.inspection.saw(call.tape, replay.program, bool(call.variables))
            return result
        if replay is None and self.memory.python_stays and self._trie.engine is not self._engine:
            self._trie = Trie(self._engine)  # Python runs each time: now its segments are worth compiling
        result = compute()
        self.inspection.saw(call.tape)
        write_back(tree.flatten(call.args)[0], call.written)
        return result

    def _written(self, given: Any, traced: Any) -> dict[int, Handle]:
        leaves = tree.flatten(given)[0], tree.flatten(tuple(traced))[0]
        return written_arguments(*leaves, self._where())

    def _pack(self, call: Call, handles: Sequence[Handle], places: Sequence[int]) -> Pack:
        """How the values of `handles`, then the gradients, become the result of the call.

        `places`: per variable, which of the gradients is its own.
        """
        raise AssertionError("each kind of traced function has its own")


class Jitted(TracedFunction):
    """See `jit`."""

    def _traced_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if STATE.tape is not None:
            return self._function(*args, **kwargs)
        ours = tree.any_handle((args, kwargs))
        call_args, call_kwargs = _traced_arguments(args, kwargs, ours)
        with self._recording(call_args, ours) as tape:
            result = tree.concluded(self._function(*call_args, **call_kwargs))
        if ours:
            self.inspection.saw(tape)
            return tree.delivered(result, keep=True)
        given, traced = _with_keywords(args, kwargs), _with_keywords(call_args, call_kwargs)
        call = Call(tape, given, traced, result, written=self._written(given, traced))
        return self._answer(call, lambda: tree.delivered(result, keep=False))

    def _pack(self, call: Call, handles: Sequence[Handle], places: Sequence[int]) -> Pack:
        return picker(call.head, handles)


class Differentiated(TracedFunction):
    """See `value_and_grad` and `grad`."""

    def __init__(
        self,
        function: Callable[..., Any],
        argnums: int | Sequence[int] = 0,
        has_aux: bool = False,
        value: bool = True,
        engine: Engine = DECORATED,
        holomorphic: bool = False,
    ):
        super().__init__(function, engine)
        self._argnums, self._has_aux, self._value = checked_argnums(argnums), has_aux, value
        self._holomorphic = holomorphic

    def _traced_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if STATE.tape is not None:
            return self._inside(args, kwargs)
        chosen = self._chosen(args)
        ours = tree.any_handle((args, kwargs))
        rest, call_kwargs = _traced_arguments(args, kwargs, ours)
        variables: list[Handle] = []
        trees = {i: tree.variables(args[i], i, self._where(), variables) for i in chosen}
        call_args = [trees.get(i, x) for i, x in enumerate(rest)]
        with self._recording(call_args, ours) as tape:
            found = tree.concluded(self._function(*call_args, **call_kwargs))
            head, aux = self._split(found, variables)

        self._check_flow(tape, head, variables)

        def compute() -> Any:
            grads = self._gradients(tape, head, variables)
            return self._packed(head, aux, grads, self._structures(args, chosen), ours)

        if ours:
            found = compute()
            self.inspection.saw(tape)
            return found
        given, traced = _with_keywords(args, kwargs), _with_keywords(call_args, call_kwargs)
        written = self._written(given, traced)
        return self._answer(Call(tape, given, traced, head, aux, variables, chosen, written), compute)

    def _inside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The call as a part of the trace at hand: value and gradient of a straight line."""

        @functools.wraps(self._function, updated=())
        def checked(*args: Any, **kwargs: Any) -> Any:
            found = self._function(*args, **kwargs)
            differentiated: Any = [args[i] for i in chosen]
            self._split(found, optree.tree_leaves(differentiated))
            return found

        chosen = self._chosen(args)
        call, structures = differentiable(checked, "grad", args, kwargs, chosen, self._has_aux, self._trie)
        wrt = range(len(call.variables))
        found = iter(call.apply("grad", lambda f: adjoint(f, wrt, unit_seed=True)))
        head = call.value(found)
        aux = call.filled_aux(found) if self._has_aux else None
        return self._packed(head, aux, list(found), structures, keep=True)

    def _pack(self, call: Call, handles: Sequence[Handle], places: Sequence[int]) -> Pack:
        pick_value = picker((call.head, call.rest) if self._has_aux else call.head, handles)
        pick_gradient = self._gradient_picker(call, [len(handles) + k for k in places])
        if not self._value:
            return lambda outs: (
                (pick_gradient(outs), pick_value(outs)[1]) if self._has_aux else pick_gradient(outs)
            )
        return lambda outs: (pick_value(outs), pick_gradient(outs))

    def _gradient_picker(self, call: Call, places: Sequence[int]) -> Pack:
        """How the gradients among a replay's results become those of the call."""
        structures = self._structures(call.args, call.chosen)
        plain = all(isinstance(call.args[i], np.ndarray) and call.args[i].ndim for i in call.chosen)
        if plain and isinstance(self._argnums, int):
            (place,) = places
            return lambda outs: outs[place]
        if plain:
            return lambda outs: tuple([outs[k] for k in places])
        return lambda outs: self._gradient_tree([outs[k] for k in places], structures, keep=False)

    def _check_flow(self, tape: Tape, head: Any, variables: Sequence[Handle]) -> None:
        """DerivativeError if the only way from the variables to the head was a float that Python took."""
        if tape.lost is not None and not _flows(tape, head) and not any(head is v for v in variables):
            raise lost_gradient(self._where(), tape.lost)

    def _gradients(self, tape: Tape, head: Any, variables: list[Handle]) -> list[Any]:
        """Per variable its gradient; zeros where the head does not depend on it."""
        found: Sequence[Any] = [None] * len(variables)
        if any(head is v for v in variables):
            found = [np.ones(v.type.shape, v.type.numpy_dtype) if v is head else None for v in variables]
        elif _flows(tape, head):
            sink = FreshGradients(variables)
            backward(
                [head], [np.ones(head.type.shape, head.type.numpy_dtype) if self._holomorphic else None], sink
            )
            found = [sink.of(v) for v in variables]
        return [tree.zeros(v) if g is None else g for g, v in zip(found, variables, strict=True)]

    def _split(self, found: Any, variables: Sequence[Handle]) -> tuple[Any, Any]:
        """The head and the auxiliary results of what the function returned."""
        if self._has_aux:
            if not isinstance(found, tuple) or len(found) != 2:
                raise TypeError(
                    f"has_aux=True: {self._where()} must return a pair (value, aux), got {found!r}"
                )
            head, aux = found
        else:
            head, aux = found, None
        self._check_scalar(head)
        type_ = head.type if isinstance(head, Handle) else type_of(head)
        check_value(self._where(), type_, (v.type for v in variables), self._holomorphic)
        return head, aux

    def _check_scalar(self, head: Any) -> None:
        shape = getattr(head, "shape", None if not isinstance(head, int | float | complex) else ())
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

    def _chosen(self, args: tuple[Any, ...]) -> tuple[int, ...]:
        return positions(self._argnums, len(args), self._where())

    def _structures(self, args: tuple[Any, ...], chosen: tuple[int, ...]) -> list[Any]:
        return [optree.tree_structure(args[i]) for i in chosen]

    def _packed(self, head: Any, aux: Any, grads: list[Any], structures: Sequence[Any], keep: bool) -> Any:
        gradient = self._gradient_tree(grads, structures, keep)
        value = tree.delivered((head, aux) if self._has_aux else head, keep)
        if self._value:
            return value, gradient
        return (gradient, value[1]) if self._has_aux else gradient

    def _gradient_tree(self, grads: Sequence[Any], structures: Sequence[Any], keep: bool) -> Any:
        rest = iter(grads)
        trees = [
            optree.tree_unflatten(
                structure, [tree.out(next(rest), keep) for _ in range(structure.num_leaves)]
            )
            for structure in structures
        ]
        return trees[0] if isinstance(self._argnums, int) else tuple(trees)


@transform
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


@transform
def value_and_grad(
    function: Callable[..., Any] | None = None,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Any:
    """The function that returns the value and the gradient of a scalar function.

    `argnums`: the positional argument, or arguments, to differentiate; each a pytree of float arrays or
    numbers. The gradient has the structure, shapes and dtypes of the argument (a tuple of gradients for
    a tuple of `argnums`). With `has_aux` the function returns `(value, aux)`, and so does the result:
    `((value, aux), gradient)`. The gradient by a complex z = x + iy is df/dx - i df/dy (JAX's convention;
    PyTorch gives the conjugate), and the value must be real, unless `holomorphic` says that the function is
    complex differentiable: then arguments and value are complex and the gradient is df/dz. Raises ShapeError
    if the value is no scalar, TypeError for integer arguments and for complex values, ValueError for
    `argnums` that do not fit the call.

    >>> import numpy as np, tapejit as tj
    >>> @tj.value_and_grad
    ... def f(x):
    ...     return np.sum(x ** 2)
    >>> value, gradient = f(np.array([1.0, 2.0]))
    >>> float(value), gradient
    (5.0, array([2., 4.]))
    """
    if function is None:
        return functools.partial(value_and_grad, argnums=argnums, has_aux=has_aux, holomorphic=holomorphic)
    return Differentiated(function, argnums, has_aux, value=True, holomorphic=holomorphic)


@transform
def grad(
    function: Callable[..., Any] | None = None,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
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
        return functools.partial(grad, argnums=argnums, has_aux=has_aux, holomorphic=holomorphic)
    return Differentiated(function, argnums, has_aux, value=False, holomorphic=holomorphic)


def _flows(tape: Tape, head: Any) -> bool:
    """Whether a derivative flows to the head from what was recorded."""
    return isinstance(head, Handle) and head.tracked and tape.recorded(head)


def _traced_arguments(
    args: tuple[Any, ...], kwargs: dict[str, Any], ours: bool
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments as the function gets them; see `tree.wrapped`."""
    found = tree.wrapped(_with_keywords(args, kwargs), numbers=not ours)
    return found[: len(args)], found[-1][1] if kwargs else {}


def _with_keywords(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """All arguments as one pytree, in which keywords cannot be taken for a positional dict."""
    return (*args, ("keywords of the call", kwargs)) if kwargs else tuple(args)

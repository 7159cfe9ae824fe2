"""Decorated functions: `jit`, `grad`, `value_and_grad`.

A call runs the Python on a tape of its own, whose trie belongs to the decorated function, so a path
taken before is traced at dictionary speed and runs compiled programs. NumPy in, NumPy out; arguments
and results are pytrees. Inside another trace the call becomes part of that trace.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree

from tapejit import tree
from tapejit.argnums import checked_argnums, positions
from tapejit.capture import transform
from tapejit.container import Containers
from tapejit.donation import Donation, donation_of
from tapejit.engine import DECORATED, Engine
from tapejit.holomorphic import check_value
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.types import type_of
from tapejit.memory import Call
from tapejit.result import Pack, picker
from tapejit.static_argument import Specialised
from tapejit.traced_function import TracedFunction
from tapejit.tracer.backward import backward
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.gradient import FreshGradients
from tapejit.tracer.handle import Handle
from tapejit.tracer.state import STATE
from tapejit.tracer.tape import Tape
from tapejit.variables import differentiable, lost_gradient


class Jitted(TracedFunction):
    """See `jit`."""

    def __init__(
        self, function: Callable[..., Any], donation: Donation | None = None, engine: Engine = DECORATED
    ):
        super().__init__(function, engine)
        self._donation = donation

    def _traced_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if STATE.tape is not None:
            return self._function(*args, **kwargs)
        ours = tree.any_handle((args, kwargs))
        call_args, call_kwargs = _traced_arguments(args, kwargs, ours)
        containers = Containers((args, kwargs), (call_args, call_kwargs))
        with self._recording(call_args, ours) as tape:
            result = tree.concluded(self._function(*call_args, **call_kwargs))
            containers.take_back()
        if ours:
            self.inspection.saw(tape)
            return containers.carry_over(tree.delivered(result, keep=True), keep=True)
        given, traced = tree.with_keywords(args, kwargs), tree.with_keywords(call_args, call_kwargs)
        donated = None if self._donation is None else self._donation.leaves(args, kwargs)
        written = self._written(given, traced)
        call = Call(tape, given, traced, result, written=written, donated=donated)
        answer = self._answer(call, lambda: tree.delivered(result, keep=False))
        return containers.carry_over(answer, keep=False)

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
        call_args = tuple(trees.get(i, x) for i, x in enumerate(rest))
        containers = Containers((args, kwargs), (call_args, call_kwargs))
        with self._recording(call_args, ours) as tape:
            found = tree.concluded(self._function(*call_args, **call_kwargs))
            containers.take_back()
            head, aux = self._split(found, variables)

        self._check_flow(tape, head, variables)

        def compute() -> Any:
            grads = self._gradients(tape, head, variables)
            return self._packed(head, aux, grads, self._structures(args, chosen), ours)

        if ours:
            found = compute()
            self.inspection.saw(tape)
            return containers.carry_over(found, keep=True)
        given, traced = tree.with_keywords(args, kwargs), tree.with_keywords(call_args, call_kwargs)
        written = self._written(given, traced)
        answer = self._answer(Call(tape, given, traced, head, aux, variables, chosen, written), compute)
        return containers.carry_over(answer, keep=False)

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
def jit(
    function: Callable[..., Any] | None = None,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None,
    donate_argnums: int | Sequence[int] | None = None,
    donate_argnames: str | Sequence[str] | None = None,
) -> Any:
    """Compile a NumPy-style function: its calls run fused native loops.

    Arguments and results are pytrees of arrays and numbers. NumPy arrays and numbers in: NumPy arrays
    out. tapejit arrays in: tapejit arrays out. Inside `record()` or another decorated function the
    call is part of that trace. Effects other than the result (printing, appending) are the Python
    function's own business: do not rely on how often it runs.

    What Python looks at (integers, strings, functions, ...) needs no declaration: calls with other values
    take other paths. `static_argnums` and `static_argnames` declare arguments that are never traced, floats
    neither, as in JAX; they are compared by `==`. TypeError if one of a call is not hashable.

    `donate_argnums` and `donate_argnames` give arguments away, as in JAX: each result takes over the memory
    of the first donated array of its shape and dtype, so that `params = step(params, batch)` allocates
    nothing. The result *is* that array: do not use the argument afterwards for what it was. Where it cannot
    be written to (read-only, not contiguous, in the memory of another argument), the result is a new array
    and the argument stays as it is. DonationWarning if no result fits. A function that writes to its
    arguments (`w -= rate * g`) needs no donation.

    >>> import numpy as np, tapejit as tj
    >>> @tj.jit
    ... def norm(x):
    ...     return np.sqrt(np.sum(x * x))
    >>> float(norm(np.array([3.0, 4.0])))
    5.0
    >>> step = tj.jit(lambda w, g: w - 0.5 * g, donate_argnums=0)
    >>> w = np.array([1.0, 2.0])
    >>> new = step(w, np.array([2.0, 2.0]))
    >>> new, new is w
    (array([0., 1.]), True)
    """
    if function is None:
        return functools.partial(
            jit,
            static_argnums=static_argnums,
            static_argnames=static_argnames,
            donate_argnums=donate_argnums,
            donate_argnames=donate_argnames,
        )
    donation = donation_of(function, donate_argnums, donate_argnames)
    if static_argnums is None and static_argnames is None:
        return Jitted(function, donation)
    make = functools.partial(_specialised, donation)
    specialised = Specialised(function, make, static_argnums, static_argnames)
    if donation is not None:
        donation.check_beside(*specialised.static)
    return specialised


def _specialised(donation: Donation | None, bound: Callable[..., Any], positions: Sequence[int]) -> Jitted:
    """A function some of whose arguments are bound."""
    return Jitted(bound, None if donation is None else donation.beside(positions))


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
    found = tree.wrapped(tree.with_keywords(args, kwargs), numbers=not ours)
    return found[: len(args)], found[-1][1] if kwargs else {}

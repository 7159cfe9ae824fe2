"""`autograd.Function`: an operation whose derivative the user computes, with MXNet's class.

In a record a call is a node of the graph, and its `forward` and `backward` are ordinary Python, which may use
anything. In a decorated function both are traced, as by `custom_vjp`. Start with `Function.__call__`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import optree

from tapejit.argnums import described
from tapejit.custom_vjp import CustomVjp
from tapejit.recording import pause
from tapejit.tracer.array import Array
from tapejit.tracer.errors import AutogradError, DtypeError, ShapeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.python_call import PythonCall, twin_of
from tapejit.tracer.state import STATE
from tapejit.tracer.tape import Tape


class Function:
    """An operation with a derivative of your own: derive from it, and call an instance.

    `forward(self, *inputs)` returns an array, or a tuple or list of arrays; nothing is recorded in it.
    `backward(self, *output_grads)` returns one gradient per input, of its shape and dtype, or None for zeros.
    `save_for_backward(*arrays)` keeps arrays for `saved_tensors`. An instance may be called many times, each
    call with state of its own.

    With `create_graph=True` what `backward` does is recorded: it has a second derivative where it computes
    with arrays alone, from the inputs, the outputs and its arguments. AutogradError tells where it does not.
    In a decorated function `forward` and `backward` have to be traceable. Raises TypeError (DtypeError) and
    ShapeError for gradients that do not fit.

    >>> from tapejit import autograd, nd
    >>> class Sigmoid(autograd.Function):
    ...     def forward(self, x):
    ...         y = 1 / (1 + nd.exp(-x))
    ...         self.save_for_backward(y)
    ...         return y
    ...     def backward(self, dy):
    ...         (y,) = self.saved_tensors
    ...         return dy * y * (1 - y)
    >>> x = nd.array([0, 1])
    >>> x.attach_grad()
    >>> with autograd.record():
    ...     y = Sigmoid()(x)
    >>> y.backward()
    >>> x.grad.asnumpy().round(4)
    array([0.25  , 0.1966], dtype=float32)
    """

    _saved: tuple[Any, ...] = ()
    _used = False

    def forward(self, *inputs: Any) -> Any:
        """The outputs; for subclasses to define."""
        raise AttributeError(f"{type(self).__name__} has to define forward(self, *inputs)")

    def backward(self, *output_grads: Any) -> Any:
        """The gradients of the inputs; for subclasses to define."""
        raise AttributeError(f"{type(self).__name__} has to define backward(self, *output_grads)")

    def save_for_backward(self, *args: Any) -> None:
        """Keep these for `saved_tensors`."""
        self._saved = args

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` was given."""
        return self._saved

    def __call__(self, *inputs: Any) -> Any:
        mine = copy.copy(self) if self._used else self
        self._used = True
        tape = STATE.tape
        if tape is not None and tape.decorated:
            return _traced(mine, inputs)
        if tape is None or not any(isinstance(x, Handle) and x.tracked for x in inputs):
            with pause(STATE.training):
                return mine.forward(*inputs)
        return _Call(mine, inputs).recorded(tape)


class _Call:
    """One call in a record."""

    def __init__(self, function: Function, inputs: Sequence[Any]):
        self.function, self.given = function, inputs
        self.places = [i for i, x in enumerate(inputs) if isinstance(x, Handle)]
        self.name = _method(function, "backward")
        self.before = dict(vars(function))

    def recorded(self, tape: Tape) -> Any:
        """The outputs, with their place in the graph."""
        inputs = list(self.given)
        for i in self.places:
            inputs[i] = twin_of(inputs[i])
        with pause(STATE.training):
            found = self.function.forward(*inputs)
        self.given = inputs
        outputs = [self._output(y) for y in (found if isinstance(found, tuple | list) else [found])]
        self.known = {id(x) for x in (*inputs, *outputs)}
        arrays = [inputs[i] for i in self.places]
        PythonCall(tape, self.name, arrays, outputs, self.pull)
        return type(found)(outputs) if isinstance(found, tuple | list) else outputs[0]

    def _output(self, y: Any) -> Handle:
        if not isinstance(y, Array):
            raise TypeError(
                f"{_method(self.function, 'forward')} returned {type(y).__name__}; it must return an array "
                "of tapejit, or a tuple of them"
            )
        y.materialise()
        own = y._leaf is None and y._history is None and all(y is not x for x in self.given)
        fresh: Handle = y if own else y.detached()
        return fresh

    def pull(self, bars: Sequence[Handle], recorded: bool) -> list[Handle | None]:
        """The gradients that `backward` returns, one per array among the inputs."""
        if recorded:
            self._refuse_intermediates()
        found = self.function.backward(*bars)
        grads = list(found) if isinstance(found, tuple | list) else [found]
        if len(grads) != len(self.given):
            raise TypeError(
                f"{self.name} returned {len(grads)} gradients for {len(self.given)} inputs; return one for "
                "each, None where there is none"
            )
        return [self._fitting(i, grads[i]) for i in self.places]

    def _fitting(self, i: int, grad: Any) -> Handle | None:
        x = self.given[i]
        if grad is None or not x.type.is_inexact:
            return None
        bar = grad if isinstance(grad, Handle) else type(x).wrap(np.asarray(grad))
        what = f"{self.name} returned a gradient {bar.type} for input {i}, which is {x.type}"
        if bar.type.shape != x.type.shape:
            raise ShapeError(f"{what}; sum over what was broadcast, so that the shapes are equal")
        if bar.type != x.type:
            raise DtypeError(f"{what}; convert it: .astype({x.type.numpy_dtype.name!r})")
        return bar

    def _refuse_intermediates(self) -> None:
        """What forward computed on the way has no history: through it a second derivative would be lost."""
        for name, value in vars(self.function).items():
            if value is not self.before.get(name) and any(
                map(self._is_intermediate, optree.tree_leaves(value))
            ):
                what = "save_for_backward" if name == "_saved" else f"the attribute {name!r}"
                raise AutogradError(
                    f"{self.name} has no derivative (create_graph=True): forward keeps in {what} numbers "
                    "that it computed, and how they depend on the inputs is not known; make them outputs, "
                    "or compute them in backward"
                )

    def _is_intermediate(self, x: Any) -> bool:
        if id(x) in self.known:
            return False
        if isinstance(x, Handle):
            return x.type.is_inexact
        return isinstance(x, float | complex | np.inexact) or (
            isinstance(x, np.ndarray) and x.dtype.kind in "fc"
        )


def _method(function: Function, name: str) -> str:
    """What errors call a method: `Sigmoid.backward (model.py:12)`."""
    return f"{type(function).__name__}.{described(getattr(type(function), name))}"


def _traced(function: Function, inputs: Sequence[Any]) -> Any:
    """A call in a decorated function: the rule is traced with it."""

    def fwd(*args: Any) -> Any:
        return function.forward(*args), function.saved_tensors

    def bwd(saved: Any, cotangent: Any) -> Any:
        function.save_for_backward(*saved)
        bars = cotangent if isinstance(cotangent, tuple | list) else (cotangent,)
        found = function.backward(*bars)
        return tuple(found) if isinstance(found, tuple | list) else (found,)

    rule = CustomVjp(function.forward, ())
    rule.defvjp(fwd, bwd)
    return rule(*inputs)

"""Recording: `record`, `pause`, the training flag, and `backward` over several heads.

The names and their behaviour are those of MXNet's autograd. The flags belong to the thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ContextDecorator, contextmanager
from typing import Any

import numpy as np
import optree

from tapejit.capture import transform
from tapejit.engine import TRIE
from tapejit.inspection import Recording
from tapejit.tracer.array import Array
from tapejit.tracer.attached import attached_backward
from tapejit.tracer.backward import backward as sweep
from tapejit.tracer.errors import UNREACHABLE, AutogradError
from tapejit.tracer.gradient import FreshGradients
from tapejit.tracer.handle import Leaf
from tapejit.tracer.intake import head_gradient, recorded_head_gradient, require_array
from tapejit.tracer.recorded_gradient import recorded_gradients
from tapejit.tracer.state import STATE
from tapejit.tracer.surface import elementwise
from tapejit.tracer.surface.function import apply
from tapejit.tracer.tape import Tape


class _Scope(ContextDecorator):
    """Sets what is not None; restores both flags at the end, also after an exception."""

    def __init__(self, recording: bool | None, training: bool | None):
        self._recording, self._training = recording, training
        self._entered: list[tuple[Tape | None, bool, Tape | None]] = []  # before, and the tape inside

    def __enter__(self) -> Recording | None:
        """The flags change last, and by no call: an interrupt comes before it or inside the block."""
        tape, training = STATE.tape, STATE.training
        mine = self._inside(tape)
        shown = Recording("record", mine) if self._recording else None
        self._entered.append((tape, training, mine))
        STATE.training = training if self._training is None else self._training
        STATE.tape = mine
        return shown

    def _inside(self, tape: Tape | None) -> Tape | None:
        if self._recording is None or self._recording == (tape is not None):
            return tape
        return Tape(TRIE) if self._recording else None

    def __exit__(self, *error: object) -> None:
        tape, training, mine = self._entered[-1]
        STATE.tape, STATE.training = tape, training
        self._entered.pop()
        if mine is not tape and mine is not None:
            mine.active = None


def record(train_mode: bool = True) -> Any:
    """Record operations on arrays, so that they can be differentiated; sets the training flag.

    `with record() as recording` gives what shows the stages of the record: `recording.ir()`,
    `.adjoint_ir()`, `.source()`, `.stage(name)`.

    >>> import tapejit as tj
    >>> x = tj.array([1.0, 2.0])
    >>> x.attach_grad()
    >>> with tj.record():
    ...     y = x * x
    >>> y.backward()
    >>> x.grad
    array([2., 4.])
    """
    return _Scope(True, train_mode)


def pause(train_mode: bool = False) -> Any:
    """Stop recording for a while: operations run at once and leave no history."""
    return _Scope(False, train_mode)


def train_mode() -> Any:
    """Set the training flag only."""
    return _Scope(None, True)


def predict_mode() -> Any:
    """Clear the training flag only."""
    return _Scope(None, False)


def training(flag: bool) -> Any:
    """Set the training flag to `flag`, and nothing else."""
    return _Scope(None, flag)


def is_recording() -> bool:
    """Whether this thread records."""
    return STATE.tape is not None


def is_training() -> bool:
    """Whether this thread is in training mode (dropout and its kin ask)."""
    return STATE.training


def set_recording(is_recording: bool) -> bool:
    """Switch recording on or off; the state before."""
    before = STATE.tape is not None
    if is_recording and not before:
        STATE.tape = Tape(TRIE)
    elif not is_recording and STATE.tape is not None:
        STATE.tape.active = None
        STATE.tape = None
    return before


def set_training(train_mode: bool) -> bool:
    """Switch the training flag; the state before."""
    before, STATE.training = STATE.training, bool(train_mode)
    return before


def mark_variables(variables: Any, gradients: Any, grad_reqs: str | Sequence[str] = "write") -> None:
    """`attach_grad` with gradient arrays of your own, of the variables' shapes and dtypes."""
    xs, grads = _listed(variables), _listed(gradients)
    reqs = [grad_reqs] * len(xs) if isinstance(grad_reqs, str) else list(grad_reqs)
    if not len(xs) == len(grads) == len(reqs):
        raise ValueError(
            f"{len(xs)} variables, {len(grads)} gradients, {len(reqs)} grad_reqs: there must be one of each"
        )
    for x, grad in zip(xs, grads, strict=True):
        require_array(x, "a variable")
        require_array(grad, "a gradient")
        if grad.type != x.type:
            raise ValueError(f"the gradient is {grad.type}, its variable {x.type}; they must be equal")
        if any(np.may_share_memory(grad.materialise(), y.materialise()) for y in xs):
            raise ValueError("a gradient shares memory with a variable; give it memory of its own")
    for x, grad, req in zip(xs, grads, reqs, strict=True):
        x.attach_grad(req)
        x._leaf.grad = grad


def backward(heads: Any, head_grads: Any = None, retain_graph: bool = False, train_mode: bool = True) -> None:
    """One reverse pass from all `heads`, weighted by `head_grads` (an entry may be None: ones).

    Gradients go to the `.grad` of every reached array that has `attach_grad()`.
    """
    xs, grads = _heads(heads, head_grads, lambda _, grad: grad)
    with _Scope(None, train_mode):
        attached_backward(xs, grads, retain_graph)


def gradients_of(
    heads: Any, variables: Any, head_grads: Any = None, retain_graph: bool = False
) -> list[Array]:
    """The gradients of the sum of `heads` with respect to `variables`, as new arrays; `.grad` stays."""
    if STATE.tape is not None and STATE.tape.decorated:
        return recorded_gradients_of(heads, variables, head_grads)
    xs, grads = _heads(heads, head_grads, head_gradient)
    wanted = _variables(variables)
    sink = FreshGradients(wanted)
    sweep(xs, grads, sink, retain_graph)
    return [_reached(i, v, sink.of(v), type(v).wrap) for i, v in enumerate(wanted)]


def recorded_gradients_of(heads: Any, variables: Any, head_grads: Any = None) -> list[Array]:
    """The same as arrays that are recorded, also outside `record()`; nothing is freed."""
    with _recording() as tape:
        xs, grads = _heads(heads, head_grads, recorded_head_gradient)
        wanted = _variables(variables)
        found = recorded_gradients(tape, xs, grads, wanted)
        return [_reached(i, v, found.get(_leaf(v)), _as_face(type(v))) for i, v in enumerate(wanted)]


def _leaf(variable: Array) -> Leaf:
    assert variable._leaf is not None
    return variable._leaf


def _as_face(face: type[Array]) -> Callable[[Any], Array]:
    return lambda x: apply(elementwise.copy.op, (x,), (), face)


@contextmanager
def _recording() -> Iterator[Tape]:
    """The tape that records now, or one that does for a while."""
    before = set_recording(True)
    tape = STATE.tape
    assert tape is not None
    try:
        yield tape
    finally:
        if not before:
            set_recording(False)


def _variables(variables: Any) -> list[Array]:
    wanted = [require_array(v, "a variable") for v in _listed(variables)]
    for i, v in enumerate(wanted):
        if v._leaf is None or v._leaf.req == "null":
            raise AutogradError(
                f"Cannot differentiate with respect to the {i + 1}-th variable because it does not "
                "require gradient."
            )
    return wanted


def _reached(i: int, variable: Array, found: Any, wrap: Callable[[Any], Array]) -> Array:
    """The gradient of the i-th variable as an array of its class."""
    if found is None:
        raise AutogradError(UNREACHABLE.format(i + 1))
    return wrap(found)


@transform
def stop_gradient(tree: Any) -> Any:
    """The arrays of `tree` as constants: no derivative flows through the result.

    >>> import tapejit as tj
    >>> float(tj.grad(lambda x: x * tj.stop_gradient(x))(3.0))
    3.0
    """
    return optree.tree_map(lambda x: x.detach() if isinstance(x, Array) else x, tree)


def _listed(arrays: Any) -> list[Any]:
    return list(arrays) if isinstance(arrays, list | tuple) else [arrays]


def _heads(heads: Any, head_grads: Any, taken: Callable[[Array, Any], Any]) -> tuple[list[Array], list[Any]]:
    xs = [require_array(x, "a head") for x in _listed(heads)]
    grads = [None] * len(xs) if head_grads is None else _listed(head_grads)
    if len(grads) != len(xs):
        raise ValueError(f"heads and head_grads must be lists of the same length: {len(xs)} vs. {len(grads)}")
    return xs, [taken(x, g) for x, g in zip(xs, grads, strict=True)]

"""`backward()` as users call it: gradients go to the `.grad` of every reached array with `attach_grad()`.

In a decorated function nothing runs yet, and what happens may be differentiated once more: there the sweep is
recorded, and `.grad` becomes an array of the trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapejit.tracer.backward import backward
from tapejit.tracer.gradient import AttachedGradients
from tapejit.tracer.handle import Handle, Leaf
from tapejit.tracer.intake import head_gradient, recorded_head_gradient
from tapejit.tracer.recorded_gradient import RecordedGradients, record_sweep
from tapejit.tracer.state import STATE
from tapejit.tracer.surface import elementwise
from tapejit.tracer.tape import Tape


def attached_backward(heads: Sequence[Any], head_grads: Sequence[Any], retain_graph: bool) -> None:
    """Differentiate the sum of `heads`, weighted by `head_grads` (None: ones)."""
    tape = STATE.tape
    pairs = list(zip(heads, head_grads, strict=True))
    if tape is None or not tape.decorated:
        backward(heads, [head_gradient(x, g) for x, g in pairs], AttachedGradients(), retain_graph)
    else:
        _record(tape, heads, [recorded_head_gradient(x, g) for x, g in pairs])


class _RecordedAttached(RecordedGradients):
    """Whatever has `attach_grad()` is asked for."""

    def wants(self, leaf: Leaf) -> bool:
        return leaf.req != "null" and leaf.grad is not None


def _record(tape: Tape, heads: Sequence[Handle], head_grads: Sequence[Handle | None]) -> None:
    sink = _RecordedAttached(())
    record_sweep(tape, heads, head_grads, sink)
    for leaf, found in sink.found.items():
        grad: Any = leaf.grad
        total = tape.binary(elementwise.add.op, grad, found) if leaf.req == "add" else found
        grad.rebind(tape.unary(elementwise.copy.op, total))

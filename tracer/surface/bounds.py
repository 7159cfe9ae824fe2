"""Integers that must be in a range, as positions in an array and exponents: they are looked at, and guarded.

NumPy raises an error that depends on values. So does a trace, as soon as it sees them, and a replayed call,
in the program (`Within`).
"""

from __future__ import annotations

import numpy as np

from tapejit.tracer.handle import Handle
from tapejit.tracer.seen import Within
from tapejit.tracer.state import STATE
from tapejit.tracer.tape import Tape


def beyond(values: Handle, bounds: Within, given: bool) -> np.ndarray:
    """Those of the values that are not within `bounds`; if there are none, later calls check that again.

    An array that was `given` may be another one in a replayed call. One that stands for many examples is
    checked for all of them.
    """
    examples = _all_examples(values)
    data = np.ravel(examples.materialise())
    if not bounds.holds(data):
        return data[(data < bounds.low) | (data > bounds.high)]
    if (given or examples is not values) and STATE.tape is not None:
        STATE.tape.note_escape(examples, bounds)
    return data[:0]


def _all_examples(values: Handle) -> Handle:
    """What `values` stand for inside one `vmap` or several."""
    while isinstance(values._tape, Tape):
        stack = values._tape.stack_of(values)
        if stack is values:
            break
        values = stack
    return values

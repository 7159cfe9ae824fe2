"""`tapejit.autograd`: recording and gradients, with MXNet's names and arguments.

>>> import tapejit.autograd as ag
>>> from tapejit import nd
>>> x = nd.array([1, 2])
>>> x.attach_grad()
>>> with ag.record():
...     y = x * x
>>> ag.backward(y, head_grads=nd.array([1, 10]))
>>> x.grad
<BLANKLINE>
[ 2. 40.]
<NDArray 2 @cpu(0)>
"""

from __future__ import annotations

from typing import Any

from tapejit.recording import (
    backward,
    gradients_of,
    is_recording,
    is_training,
    mark_variables,
    pause,
    predict_mode,
    record,
    set_recording,
    set_training,
    train_mode,
)
from tapejit.tracer.errors import UnsupportedError


def grad(
    heads: Any,
    variables: Any,
    head_grads: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    train_mode: bool = True,
) -> list[Any]:
    """The gradients of the sum of `heads` with respect to `variables`, as a list of new arrays.

    `.grad` of the variables stays as it is. As in MXNet the result is a list for a single variable too.
    """
    if create_graph:
        raise UnsupportedError(
            "autograd.grad(create_graph=True) does not record the gradient; for a higher derivative nest "
            "the decorators: tapejit.grad(tapejit.grad(f))"
        )
    return gradients_of(heads, variables, head_grads, bool(retain_graph))


__all__ = [
    "backward",
    "grad",
    "is_recording",
    "is_training",
    "mark_variables",
    "pause",
    "predict_mode",
    "record",
    "set_recording",
    "set_training",
    "train_mode",
]

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

from tapejit.autograd_function import Function
from tapejit.recording import (
    backward,
    gradients_of,
    is_recording,
    is_training,
    mark_variables,
    pause,
    predict_mode,
    record,
    recorded_gradients_of,
    set_recording,
    set_training,
    train_mode,
    training,
)


def grad(
    heads: Any,
    variables: Any,
    head_grads: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    train_mode: bool = True,
) -> list[Any]:
    """The gradients of the sum of `heads` with respect to `variables`, as a list of new arrays.

    `heads`: an array or a list of arrays; `head_grads`: per head an array of its shape, or None for ones;
    `variables`: arrays with `attach_grad()`. `.grad` of the variables stays as it is. As in MXNet the result
    is a list for a single variable too.

    With `create_graph` the gradients are recorded in their turn, so that they can be differentiated: by
    `grad` once more, or by `backward` of what is made of them. The record is kept, whatever `retain_graph`
    says. Without it the record is freed unless `retain_graph`. Raises AutogradError for heads that were not
    recorded or were freed, and for variables without `attach_grad()` or out of reach; ShapeError for a head
    gradient of another shape.

    >>> import tapejit.autograd as ag
    >>> from tapejit import nd
    >>> x = nd.array([1, 2])
    >>> x.attach_grad()
    >>> with ag.record():
    ...     (dx,) = ag.grad(x * x * x, x, create_graph=True)
    ...     penalty = (dx * dx).sum()
    >>> penalty.backward()
    >>> x.grad.tolist()
    [36.0, 288.0]
    """
    with training(train_mode):
        if create_graph:
            return recorded_gradients_of(heads, variables, head_grads)
        return gradients_of(heads, variables, head_grads, bool(retain_graph))


__all__ = [
    "Function",
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

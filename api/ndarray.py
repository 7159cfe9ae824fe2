"""`tapejit.nd`, also `tapejit.ndarray`: MXNet's classic array functions.

The functions stand in tables, one per kind (`nd_elementwise`, `nd_reduction`, ...); this module is
their namespace. `NDArray` says in what this face differs from NumPy.

>>> from tapejit import autograd, nd
>>> x = nd.array([[1, 2], [3, 4]])
>>> x.attach_grad()
>>> with autograd.record():
...     y = nd.sum(x * x)
>>> y.backward()
>>> x.grad
<BLANKLINE>
[[2. 4.]
 [6. 8.]]
<NDArray 2x2 @cpu(0)>
"""

from __future__ import annotations

from typing import Any

from tapejit import nd_random as random
from tapejit import nd_shape
from tapejit.nd_array import FACE, NDArray
from tapejit.nd_creation import CREATION
from tapejit.nd_elementwise import ELEMENTWISE
from tapejit.nd_network import NETWORK
from tapejit.nd_product import batch_dot, dot
from tapejit.nd_reduction import REDUCTIONS, norm


def waitall() -> None:
    """Nothing to wait for: what is not recorded runs at once. See `NDArray.wait_to_read`."""


def add_n(*args: Any) -> Any:
    """The sum of several arrays of one shape."""
    total = args[0]
    for array in args[1:]:
        total = total + array
    return total


_SHAPE = (
    "reshape reshape_like flatten expand_dims squeeze transpose swapaxes flip broadcast_to broadcast_like "
    "broadcast_axis concat concatenate stack split slice_axis slice_like tile repeat"
)
_RANDOM = {
    f"random_{name}": getattr(random, name) for name in random.__all__ if name not in ("seed", "shuffle")
}

FUNCTIONS: dict[str, Any] = {
    **FACE.functions((ELEMENTWISE | REDUCTIONS | {"dot": dot}).items()),
    **CREATION,
    **NETWORK,
    **_RANDOM,
    **{name: getattr(nd_shape, name) for name in _SHAPE.split()},
    "NDArray": NDArray,
    "add_n": add_n,
    "batch_dot": batch_dot,
    "norm": norm,
    "random": random,
    "reverse": nd_shape.flip,
    "shuffle": random.shuffle,
    "slice": nd_shape.slice_,
    "waitall": waitall,
    "Concat": nd_shape.concat,
    "Flatten": nd_shape.flatten,
    "Reshape": nd_shape.reshape,
    "SliceChannel": nd_shape.split,
    "SwapAxis": nd_shape.swapaxes,
}
globals().update(FUNCTIONS)
__all__ = sorted(FUNCTIONS)


def __dir__() -> list[str]:
    return __all__

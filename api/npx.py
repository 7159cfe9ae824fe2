"""`tapejit.npx`: what MXNet adds to NumPy: the switches of its semantics, devices, and functions of
neural networks on arrays of the `np` face.

>>> from tapejit import np, npx
>>> npx.set_np()
>>> npx.relu(np.array([-1, 2]))
array([0., 2.])
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.context import cpu, current_context, gpu, num_gpus
from tapejit.nd_network import (
    Activation,
    Dropout,
    FullyConnected,
    LeakyReLU,
    log_softmax,
    one_hot,
    pick,
    smooth_l1,
    softmax,
)
from tapejit.nd_product import batch_dot
from tapejit.np_array import DEFAULT, FACE
from tapejit.np_random import seed
from tapejit.tracer.surface import elementwise, entropy, error_function


def set_np(shape: bool = True, array: bool = True, dtype: bool = False) -> None:
    """NumPy semantics, which the `np` face always has; `dtype=True` makes float64 its default.

    >>> from tapejit import np, npx
    >>> npx.set_np(dtype=True)
    >>> np.ones(2).dtype
    dtype('float64')
    >>> npx.reset_np()
    """
    if not (shape and array):
        raise ValueError(
            "the np face always has NumPy's shapes and arrays; use tapejit.nd for MXNet's classic ones"
        )
    DEFAULT.float = np.dtype(np.float64 if dtype else np.float32)


def reset_np() -> None:
    """Back to float32 as the default."""
    set_np()


def is_np_array() -> bool:
    """True: the `np` face needs no switch."""
    return True


is_np_shape = is_np_array


def is_np_default_dtype() -> bool:
    """Whether new arrays are float64."""
    return DEFAULT.float == np.float64


def waitall() -> None:
    """Nothing to wait for: what is not recorded runs at once."""


_SURFACE = {
    "relu": elementwise.relu,
    "sigmoid": entropy.expit,
    "erf": error_function.erf,
    "stop_gradient": elementwise.stop_gradient,
}
NAMES: dict[str, Any] = {
    **FACE.functions(_SURFACE.items()),
    **{
        function.__name__: function
        for function in (
            batch_dot,
            cpu,
            current_context,
            gpu,
            is_np_array,
            is_np_default_dtype,
            log_softmax,
            num_gpus,
            one_hot,
            pick,
            reset_np,
            seed,
            set_np,
            smooth_l1,
            softmax,
            waitall,
        )
    },
    "activation": Activation,
    "dropout": Dropout,
    "fully_connected": FullyConnected,
    "is_np_shape": is_np_shape,
    "leaky_relu": LeakyReLU,
}
globals().update(NAMES)
__all__ = sorted(NAMES)


def __dir__() -> list[str]:
    return __all__

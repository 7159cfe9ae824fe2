"""tapejit: fast gradients of ordinary NumPy-style Python on a CPU."""

from tapejit import autograd, nd, ndarray, np, npx, random
from tapejit.base import MXNetError
from tapejit.context import Context, cpu, current_context, gpu, num_gpus
from tapejit.creation import arange, array, asarray, eye, full, linspace, ones, zeros
from tapejit.engine import cache_info
from tapejit.function import grad, jit, value_and_grad
from tapejit.recording import (
    backward,
    is_recording,
    is_training,
    mark_variables,
    pause,
    predict_mode,
    record,
    set_recording,
    set_training,
    stop_gradient,
    train_mode,
)

__all__ = [
    "Context",
    "MXNetError",
    "arange",
    "array",
    "asarray",
    "autograd",
    "backward",
    "cache_info",
    "cpu",
    "current_context",
    "eye",
    "full",
    "gpu",
    "grad",
    "is_recording",
    "is_training",
    "jit",
    "linspace",
    "mark_variables",
    "nd",
    "ndarray",
    "np",
    "npx",
    "num_gpus",
    "ones",
    "pause",
    "predict_mode",
    "random",
    "record",
    "set_recording",
    "set_training",
    "stop_gradient",
    "train_mode",
    "value_and_grad",
    "zeros",
]

"""tapejit: fast gradients of ordinary NumPy-style Python on a CPU."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from tapejit import autograd, checkpoint_policies, linalg, nd, ndarray, np, npx, random, special, stats
from tapejit.base import MXNetError
from tapejit.batching import vmap
from tapejit.checkpoint import checkpoint
from tapejit.context import Context, cpu, current_context, gpu, num_gpus
from tapejit.creation import arange, array, asarray, eye, full, linspace, ones, zeros
from tapejit.custom_jvp import custom_jvp
from tapejit.custom_vjp import custom_vjp
from tapejit.directional import hvp, jvp, vhp, vjp
from tapejit.elementwise_gradient import elementwise_grad
from tapejit.engine import cache_info
from tapejit.full_derivative import hessian, jacfwd, jacobian, jacrev
from tapejit.function import grad, jit, value_and_grad
from tapejit.gradient_check import check_grads
from tapejit.implicit import fixed_point
from tapejit.linearize import linearize
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
from tapejit.sparse import hessian_diag
from tapejit.threads import get_num_threads, release_workspaces, set_num_threads
from tapejit.tree_class import register_dataclass

__all__ = [
    "Context",
    "MXNetError",
    "arange",
    "array",
    "asarray",
    "autograd",
    "backward",
    "cache_info",
    "check_grads",
    "checkpoint",
    "checkpoint_policies",
    "cpu",
    "current_context",
    "custom_jvp",
    "custom_vjp",
    "elementwise_grad",
    "eye",
    "fixed_point",
    "full",
    "get_num_threads",
    "gpu",
    "grad",
    "hessian",
    "hessian_diag",
    "hvp",
    "implicit",
    "is_recording",
    "is_training",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "linalg",
    "linearize",
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
    "register_dataclass",
    "release_workspaces",
    "set_num_threads",
    "set_recording",
    "set_training",
    "special",
    "stats",
    "stop_gradient",
    "train_mode",
    "value_and_grad",
    "vhp",
    "vjp",
    "vmap",
    "zeros",
]

if _TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name):
        """`__version__`, which stands in the metadata of the installation: read when it is asked for."""
        if name != "__version__":
            raise AttributeError(f"module 'tapejit' has no attribute {name!r}")
        from importlib.metadata import version

        return version("tapejit")

"""Functions of the `nd` face for neural networks and losses, written on arrays."""

from __future__ import annotations

from typing import Any

from tapejit.nd_product import dot
from tapejit.nd_reduction import sum_
from tapejit.nd_shape import flatten as as_matrix
from tapejit.random_mask import dropout
from tapejit.sampling import SAMPLER
from tapejit.tracer.state import STATE
from tapejit.tracer.surface import complex_number, elementwise, entropy, product, reduction


def softmax(data: Any, axis: int = -1, temperature: float | None = None) -> Any:
    """Exponentials along `axis`, scaled to the sum 1; of `data / temperature` if that is given."""
    return reduction.softmax(data if temperature is None else data / temperature, axis=axis)


def log_softmax(data: Any, axis: int = -1, temperature: float | None = None) -> Any:
    """The logarithm of `softmax`, without overflow."""
    return reduction.log_softmax(data if temperature is None else data / temperature, axis=axis)


def pick(data: Any, index: Any, axis: int = -1, keepdims: bool = False) -> Any:
    """Along `axis`, the elements that `index` names."""
    return reduction.pick(data, index, axis=axis, keepdims=keepdims)


def one_hot(
    indices: Any, depth: int, on_value: float = 1.0, off_value: float = 0.0, dtype: str = "float32"
) -> Any:
    """A row of `depth` numbers per index: `on_value` at the index, `off_value` elsewhere."""
    hot = reduction.one_hot(indices, depth=depth, dtype=dtype)
    return hot if (on_value, off_value) == (1, 0) else hot * (on_value - off_value) + off_value


def softmax_cross_entropy(data: Any, label: Any) -> Any:
    """The sum over rows of minus the log-probability that `softmax(data)` gives to `label`; shape (1,)."""
    return -sum_(pick(reduction.log_softmax(data), label))


def smooth_l1(data: Any, scalar: float = 1.0) -> Any:
    """A square near zero, a distance far from it; they meet at 1 / scalar**2."""
    distance, bend = complex_number.absolute(data), 1.0 / (scalar * scalar)
    return elementwise.where(
        elementwise.less(distance, bend), data * data * (0.5 * scalar * scalar), distance - 0.5 * bend
    )


def softsign(data: Any) -> Any:
    """x / (1 + |x|)."""
    return data / (complex_number.absolute(data) + 1.0)


def rsqrt(data: Any) -> Any:
    """1 / sqrt(x)."""
    return 1.0 / elementwise.sqrt(data)


_ACTIVATION: dict[str, Any] = {
    "relu": elementwise.relu,
    "sigmoid": entropy.expit,
    "tanh": elementwise.tanh,
    "softrelu": elementwise.softplus,
    "softsign": softsign,
}


def Activation(data: Any, act_type: str) -> Any:
    """An activation by name: relu, sigmoid, tanh, softrelu or softsign."""
    if act_type not in _ACTIVATION:
        raise ValueError(f"act_type must be one of {', '.join(_ACTIVATION)}; got {act_type!r}")
    return _ACTIVATION[act_type](data)


def LeakyReLU(data: Any, act_type: str = "leaky", slope: float = 0.25) -> Any:
    """`slope * x` below zero ("leaky"), or `slope * (exp(x) - 1)` ("elu")."""
    if act_type not in ("leaky", "elu"):
        raise ValueError(f"act_type must be 'leaky' or 'elu', got {act_type!r}")
    low = data if act_type == "leaky" else elementwise.expm1(elementwise.minimum(data, 0.0))
    return elementwise.where(elementwise.greater(data, 0.0), data, low * slope)


def FullyConnected(
    data: Any,
    weight: Any,
    bias: Any = None,
    num_hidden: int | None = None,
    no_bias: bool = False,
    flatten: bool = True,
) -> Any:
    """data · weightᵀ + bias; `data` is made a matrix first unless `flatten` is off."""
    if num_hidden is not None and num_hidden != weight.shape[0]:
        raise ValueError(f"num_hidden is {num_hidden}, but weight has {weight.shape[0]} rows")
    rows = as_matrix(data) if flatten else data
    result = dot(rows, weight, transpose_b=True) if flatten else product.dot(rows, weight.T)
    return result if bias is None or no_bias else result + bias


def Dropout(data: Any, p: float = 0.5, mode: str = "training", axes: tuple[int, ...] = ()) -> Any:
    """Zeros in a share `p` of the places, the rest scaled up to keep the mean; only while training
    (see `autograd.is_training`) unless `mode` is "always". Along `axes` whole slices are dropped.

    The places follow from one number drawn: no mask is kept for the way back.
    """
    if not 0 <= p < 1:
        raise ValueError(f"p must be at least 0 and less than 1, got {p}")
    if p == 0 or not (STATE.training or mode == "always"):
        return elementwise.copy(data)
    return dropout(SAMPLER.key(type(data).wrap), data, p, axes)


NETWORK: dict[str, Any] = {
    function.__name__: function
    for function in (
        softmax,
        log_softmax,
        pick,
        one_hot,
        softmax_cross_entropy,
        smooth_l1,
        softsign,
        rsqrt,
        Activation,
        LeakyReLU,
        FullyConnected,
        Dropout,
    )
}

"""Small functions whose loops the tests look at."""

from __future__ import annotations

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.function import Function
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.types import TensorType


def build(name: str, rule, *params: tuple[str, tuple[int, ...]], dtype: str = "f64") -> Function:
    """The function of `rule(*vars)`, one result or several, canonicalised."""
    b = Builder(name, [(hint, TensorType(dtype, shape)) for hint, shape in params])
    found = rule(*b.params)
    return canonicalise(b.finish([found] if isinstance(found, Var) else found))


def joint(function: Function) -> Function:
    """The function and the adjoints of its parameters in one."""
    return canonicalise(adjoint(function, unit_seed=True))


def total(x: Var) -> Var:
    return ops.reduce_sum(x, axes=tuple(range(len(x.shape))))


def spread_rows(y: Var, like: Var) -> Var:
    """One element per row, repeated along the row."""
    return ops.broadcast(y, shape=like.shape, dims=tuple(range(len(y.shape))))


def spread_columns(y: Var, like: Var) -> Var:
    """One element per column, repeated for every row."""
    return ops.broadcast(y, shape=like.shape, dims=(len(like.shape) - 1,))


def wave(x: Var) -> Var:
    return total(ops.integer_pow(ops.sin(x), exponent=2) * ops.exp(-x))


def softmax(x: Var) -> Var:
    last = (len(x.shape) - 1,)
    e = ops.exp(x - spread_rows(ops.reduce_max(x, axes=last), x))
    return e / spread_rows(ops.reduce_sum(e, axes=last), e)


def log_sum_exp(x: Var) -> Var:
    last = (len(x.shape) - 1,)
    m = ops.stop_gradient(ops.reduce_max(x, axes=last))
    return m + ops.log(ops.reduce_sum(ops.exp(x - spread_rows(m, x)), axes=last))


def cross_entropy(x: Var, target: Var) -> Var:
    """The mean over rows; `target` holds a probability for each class."""
    hits = ops.reduce_sum(x * target, axes=(1,))
    return total(log_sum_exp(x) - hits) * (1.0 / x.shape[0])


def layer_norm(x: Var, scale: Var, shift: Var) -> Var:
    last, n = (len(x.shape) - 1,), x.shape[-1]
    centred = x - spread_rows(ops.reduce_sum(x, axes=last) * (1.0 / n), x)
    variance = ops.reduce_sum(centred * centred, axes=last) * (1.0 / n)
    normal = centred * spread_rows(ops.rsqrt(variance + 1e-5), x)
    return normal * spread_columns(scale, x) + spread_columns(shift, x)


def matmul(x: Var, y: Var) -> Var:
    return ops.dot_general(x, y, contract=((1,), (0,)), batch=((), ()))


def mlp_loss(x: Var, target: Var, w1: Var, b1: Var, w2: Var, b2: Var) -> Var:
    hidden = matmul(x, w1)
    hidden = ops.tanh(hidden + spread_columns(b1, hidden))
    logits = matmul(hidden, w2)
    return cross_entropy(logits + spread_columns(b2, logits), target)


def logistic_loss(x: Var, y: Var, w: Var) -> Var:
    score = ops.dot_general(x, w, contract=((1,), (0,)), batch=((), ()))
    return total(ops.log1p(ops.exp(-(y * score))))

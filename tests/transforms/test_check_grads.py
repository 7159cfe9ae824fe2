"""The checker of derivatives, itself checked: right rules pass, and each wrong one is caught."""

import dataclasses

import numpy as np
import pytest

import tapejit as tj
from tapejit.ir import ops
from tapejit.tracer.operation import Operation
from tapejit.tracer.surface.function import apply

pytestmark = pytest.mark.usefixtures("interpreted")
X = np.array([0.3, -1.2, 0.7])


def _sine(**wrong):
    """The sine, with rules of one's own."""
    row = dataclasses.replace(ops.sin, **wrong)
    operation = Operation("sine", lambda x: row(x), np.sin)
    return lambda x: apply(operation, (x,)) if isinstance(x, tj.tracer.handle.Handle) else np.sin(x)


def _jvp(tangents, y, x):
    return tangents[0] * ops.cos(x)


def _vjp(ct, y, x):
    return (ct * ops.cos(x),)


WRONG = {
    "sign": {"jvp": lambda dots, y, x: -dots[0] * ops.cos(x), "vjp": lambda ct, y, x: (-ct * ops.cos(x),)},
    "missing": {"jvp": lambda tangents, y, x: None, "vjp": lambda ct, y, x: (None,)},
    "factor": {"jvp": lambda tangents, y, x: tangents[0] * 1.01, "vjp": lambda ct, y, x: (ct * 1.01,)},
    "another": {"jvp": lambda tangents, y, x: tangents[0] * y, "vjp": lambda ct, y, x: (ct * y,)},
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("f", [np.sin, lambda x: np.sum(np.exp(x) * x), lambda x: (x[0] * x, np.tanh(x))])
def test_right_rules_pass(f, order, dtype):
    tj.check_grads(f, (X.astype(dtype),), order=order)


def test_our_own_sine_passes():
    tj.check_grads(_sine(jvp=_jvp, vjp=_vjp), (X,), order=2)


@pytest.mark.parametrize("rules", WRONG.values(), ids=WRONG)
def test_a_wrong_forward_rule_is_caught(rules):
    f = _sine(jvp=rules["jvp"], vjp=_vjp)
    tj.check_grads(f, (X,), modes=("rev",))
    with pytest.raises(AssertionError, match=r"^fwd of"):
        tj.check_grads(f, (X,))


@pytest.mark.parametrize("rules", WRONG.values(), ids=WRONG)
def test_a_wrong_reverse_rule_is_caught(rules):
    f = _sine(jvp=_jvp, vjp=rules["vjp"])
    tj.check_grads(f, (X,), modes=("fwd",))
    with pytest.raises(AssertionError, match=r"^rev of"):
        tj.check_grads(f, (X,))


def test_a_rule_that_is_wrong_in_the_second_order_only():
    def tangent(tangents, y, x):
        return tangents[0] * ops.stop_gradient(ops.cos(x))

    f = _sine(jvp=tangent, vjp=_vjp)
    tj.check_grads(f, (X,), order=1)
    with pytest.raises(AssertionError, match=r"^fwd of fwd of"):
        tj.check_grads(f, (X,), order=2)


def test_several_arguments_and_trees():
    tj.check_grads(lambda p, x: {"y": np.dot(x, p["w"]) + p["b"]}, ({"w": X, "b": 0.5}, X), order=2)


def test_a_kink_is_noticed():
    with pytest.raises(AssertionError):
        tj.check_grads(lambda x: np.where(x > 0.0, x, 0.0), (np.array([1e-9]),))

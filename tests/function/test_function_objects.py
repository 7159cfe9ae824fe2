"""Decorated functions as objects: printed, copied, pickled. Pickle finds those of this module by name."""

import copy
import pickle

import numpy as np
import pytest

import tapejit as tj

X = np.array([0.5, 2.0])


def total(x):
    return np.sum(np.sin(x) ** 2)


def forward(x):
    return total(x), x


def backward(kept, ct):
    return (3.0 * ct * kept,)


def residual(z, x):
    return z - x


def solver(x):
    return x


@tj.jit
def doubled(x):
    return x * 2.0


@tj.custom_vjp
def ruled(x):
    return total(x)


ruled.defvjp(forward, backward)


class Model:
    def __init__(self):
        self.slope = tj.grad(total)

    @tj.jit
    def twice(self, x):
        return x * 2.0


MADE = {
    "jit": lambda: tj.jit(total),
    "grad": lambda: tj.grad(total),
    "value_and_grad": lambda: tj.value_and_grad(total, argnums=(0,)),
    "grad of jit": lambda: tj.grad(tj.jit(total)),
    "hessian": lambda: tj.hessian(total),
    "sparse": lambda: tj.hessian(total, sparse=True),
    "hessian_diag": lambda: tj.hessian_diag(total),
    "vmap": lambda: tj.vmap(total),
    "checkpoint": lambda: tj.checkpoint(total),
    "static": lambda: tj.jit(total, static_argnums=()),
    "root": lambda: tj.implicit.root(residual, solver),
    "custom_vjp": lambda: _with_rule(tj.custom_vjp(total)),
}


def _with_rule(function):
    function.defvjp(forward, backward)
    return function


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("name", MADE)
def test_pickled_and_copied(name):
    made = MADE[name]()
    expected = str(made(X))
    assert "tapejit" in repr(made)
    assert f"({__name__.rpartition('.')[2]}.py:" in repr(made)
    assert str(pickle.loads(pickle.dumps(made))(X)) == expected
    assert copy.deepcopy(made) is made
    assert copy.copy(made) is made


@pytest.mark.usefixtures("interpreted")
def test_a_pickled_rule_comes_along():
    made = pickle.loads(pickle.dumps(MADE["custom_vjp"]()))
    np.testing.assert_array_equal(tj.grad(lambda x: made(x))(X), 3.0 * X)


@pytest.mark.parametrize("function", [doubled, ruled, Model.twice])
def test_functions_of_a_module_are_found_by_name(function):
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.usefixtures("interpreted")
def test_objects_that_hold_decorated_functions():
    model = Model()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.slope(X), model.slope(X))
        np.testing.assert_array_equal(other.twice(X), 2.0 * X)


def test_functions_without_a_name_are_not_pickled():
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(tj.jit(lambda x: x))

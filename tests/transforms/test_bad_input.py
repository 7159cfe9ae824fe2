"""What transforms refuse, and how they say it."""

import re

import numpy as np
import pytest

import tapejit as tj

pytestmark = pytest.mark.usefixtures("interpreted")
X = np.array([1.0, 2.0, 3.0])


def two(a, b):
    return a + b


def pulled(cotangent):
    return tj.vjp(lambda x: (np.sin(x), x.sum()), X)[1](cotangent)


CASES = [
    (lambda: tj.vmap(3), TypeError, "expected a function, got int"),
    (lambda: tj.hessian("f"), TypeError, "expected a function, got str"),
    (lambda: tj.jvp(3, (X,), (X,)), TypeError, "expected a function, got int"),
    (lambda: tj.vjp(None, X), TypeError, "expected a function, got NoneType"),
    (lambda: tj.jvp(np.sin, X, X), TypeError, "primals must be a tuple"),
    (lambda: tj.jvp(np.sin, (), ()), TypeError, "no primals"),
    (lambda: tj.vjp(np.sin), TypeError, "no primals"),
    (lambda: tj.jvp(np.sin, (X,), (X, X)), TypeError, "1 primals need a tuple of as many tangents, got 2"),
    (lambda: tj.jvp(two, (X, X), (X, [X])), TypeError, "jvp of two .*tangent 1 has the structure"),
    (lambda: tj.jvp(two, (X, X), (X, X[:2])), ValueError, r"tangent 1 .*\(2,\) where .* has \(3,\)"),
    (lambda: tj.jvp(np.sin, (X,), (X.astype("f4"),)), TypeError, r"f32\[3\] where .* f64\[3\]; convert"),
    (lambda: tj.jvp(np.sin, (np.arange(3),), (X,)), TypeError, "argument 0 holds int64"),
    (lambda: pulled(X), TypeError, "the cotangent has the structure"),
    (lambda: pulled((X[:2], 1.0)), ValueError, r"shape \(2,\) where the value has \(3,\)"),
    (lambda: tj.vmap(two)(np.ones((2, 3)), np.ones((4, 3))), ValueError, "a has 2 along axis 0, b has 4"),
    (lambda: tj.vmap(two, in_axes=(0,))(X, X), ValueError, "in_axes has 1 entries, but there are 2"),
    (lambda: tj.vmap(two, in_axes=(0, 1))(X, X), ValueError, r"b of shape \(3,\) has no axis 1"),
    (lambda: tj.vmap(two, in_axes=None)(X, X), ValueError, "no argument is a stack"),
    (lambda: tj.vmap(two, in_axes=({"a": 0}, 0))(X, X), ValueError, "is no prefix of the arguments"),
    (lambda: tj.vmap(two)(X, 2.0), ValueError, r"b of shape \(\) has no axis 0.*None in in_axes"),
    (lambda: tj.vmap(two)(X, "s"), TypeError, "b is a str, not a stack"),
    (lambda: tj.vmap(lambda d: d["w"])({"w": "s"}), TypeError, r"d\['w'\] is a str"),
    (lambda: tj.vmap(two, in_axes="x"), TypeError, "in_axes must hold ints and None, got 'x'"),
    (lambda: tj.vmap(two, out_axes=1.0), TypeError, "out_axes must hold ints and None"),
    (lambda: tj.vmap(two, out_axes=None)(X, X), ValueError, "out_axes is None for a result that differs"),
    (lambda: tj.vmap(two, out_axes=1)(X, X), ValueError, "has no axis 1; check out_axes"),
    (lambda: tj.vmap(two, out_axes=(0, 0))(X, X), ValueError, "is no prefix of the result"),
    (lambda: tj.vmap(lambda x: "s")(X), TypeError, "returned str"),
    (lambda: tj.vmap(lambda x: None)(X), TypeError, "returned None"),
    (lambda: tj.jacobian(np.argmax)(X), TypeError, r"returned i64\[\]; a derivative needs a float"),
    (lambda: tj.jacobian(np.sin, argnums=1)(X), ValueError, "argnums=.*1 positional"),
    (lambda: tj.jacobian(two, argnums=(0, -2))(X, X), ValueError, "twice"),
    (lambda: tj.jacobian(two, argnums="x"), TypeError, "argnums must be"),
    (lambda: tj.jacobian(np.sin, has_aux=True)(X), TypeError, "must return a pair"),
    (lambda: tj.jacobian(np.sin)({}), TypeError, "no array to differentiate by"),
    (lambda: tj.hvp(np.sin, X, X), ValueError, "a Hessian needs a scalar result"),
    (lambda: tj.check_grads(np.sin, (X,), modes=("both",)), ValueError, "modes are fwd, rev"),
    (lambda: tj.check_grads(np.sin, (X,), order=0), ValueError, "order is at least 1"),
]


@pytest.mark.parametrize(("call", "kind", "message"), CASES, ids=[message for _, _, message in CASES])
def test_refused(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert re.search(message, str(caught.value)), str(caught.value)
    assert not tj.is_recording()


def test_the_function_is_named_with_its_line():
    with pytest.raises(ValueError, match=rf"vmap of two \(test_bad_input.py:{two.__code__.co_firstlineno}\)"):
        tj.vmap(two)(np.ones(2), np.ones(3))

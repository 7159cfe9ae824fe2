"""Arrays whose operators mean something else are refused wherever they come in; nobody looks into ours."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import ConversionError, DtypeError

MASKED = np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False])
MATRIX = np.eye(3).view(np.matrix)
COMING_IN = {
    "argument": lambda x: tj.grad(lambda y: np.sum(y * y))(x),
    "argument in a tree": lambda x: tj.grad(lambda y: np.sum(y["a"]))({"a": x}),
    "argument of jit": lambda x: tj.jit(lambda y: y * 2.0)(x),
    "argument that is not differentiated": lambda x: tj.grad(lambda y, z: np.sum(y * z))(np.ones(3), x),
    "tangent": lambda x: tj.jvp(lambda y: y * 2.0, (x,), (x,)),
    "operand": lambda x: tj.grad(lambda y: np.sum(y * x))(np.ones(3)),
    "source": lambda x: tj.array(x),
    "face": lambda x: tj.np.sum(x),
}


@pytest.mark.parametrize("x", [MASKED, MATRIX], ids=["masked", "matrix"])
@pytest.mark.parametrize("call", COMING_IN.values(), ids=COMING_IN)
def test_they_are_refused(call, x):
    with pytest.raises(DtypeError, match=r"(MaskedArray|matrix) at test_subclasses\.py:\d+ is not traced: "):
        call(x)


def test_a_masked_array_on_the_left_does_not_take_the_values_out_of_ours():
    """`np.ma` reads an attribute `_data` of what it is given, before it asks for an array."""
    with pytest.raises(ConversionError, match=r"test_subclasses\.py"):
        tj.grad(lambda x: np.sum(MASKED * x))(np.ones(3))


def test_the_remedy():
    found = tj.grad(lambda x: np.sum(np.where(MASKED.mask, 0.0, x) * MASKED.data))(np.ones(3))
    np.testing.assert_array_equal(found, [1.0, 0.0, 3.0])

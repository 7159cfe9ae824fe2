"""A `select` inside a `select`: what either one leaves out has a zero adjoint (docs/decisions/0004)."""

import numpy as np
import pytest

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.interpreter import interpret
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.types import TensorType


def nested(outer, inner):
    builder = Builder("nested", [TensorType("f64", (3,))])
    (x,) = builder.params
    zero = x.like(0.0)
    return builder.finish([ops.select(outer(x, zero), ops.select(inner(x, zero), ops.sqrt(x), zero), zero)])


@pytest.mark.parametrize("conditions", [(ops.gt, ops.ge), (ops.ge, ops.gt)])
def test_both_masks_hold(conditions):
    _, x_bar = interpret(adjoint(nested(*conditions)), np.array([0.0, -1.0, 4.0]), np.ones(3))
    np.testing.assert_array_equal(x_bar, [0.0, 0.0, 0.25])

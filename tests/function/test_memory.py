"""What the results of decorated functions keep alive: nothing of how they were made."""

import gc
import weakref

import numpy as np
import pytest

import tapejit as tj

pytestmark = pytest.mark.usefixtures("interpreted")


def with_aux(x):
    return (x * x).sum(), x * 0.5


@pytest.mark.parametrize(
    "step",
    [tj.jit(lambda x: x * 0.5), lambda x: tj.value_and_grad(with_aux, has_aux=True)(x)[0][1]],
    ids=["jit", "aux"],
)
def test_a_result_of_our_arrays_does_not_keep_its_argument(step):
    x = tj.array(np.ones(3))
    first = weakref.ref(x)
    for _ in range(3):
        x = step(x)
    gc.collect()
    assert first() is None
    np.testing.assert_array_equal(x.numpy(), [0.125] * 3)

"""Programs of thousands of instructions: passes and transforms take time in proportion."""

import time

import pytest

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.types import TensorType


def chain(steps):
    builder = Builder("chain", [TensorType("f64", (10,))])
    (x,) = builder.params
    y = x
    for _ in range(steps):
        y = ops.select(ops.gt(y, y.like(0.5)), ops.sin(y) * x + 1.0, y * 2.0)
    return builder.finish([ops.reduce_sum(y, axes=(0,))])


def seconds(steps):
    f = chain(steps)
    start = time.process_time()
    canonicalise(adjoint(canonicalise(f), unit_seed=True))
    return time.process_time() - start


def test_canonicalisation_is_linear():
    """Eight times the program in far less than 64 times the time; the best of three, against noise."""
    small, large = (min(seconds(steps) for _ in range(3)) for steps in (60, 480))
    assert large < 24 * small


@pytest.mark.parametrize("steps", [1, 7])
def test_a_canonical_chain_has_no_repeated_constant(steps):
    f = canonicalise(adjoint(chain(steps), unit_seed=True))
    constants = [repr(sorted(i.attrs.items())) for i in f.body if i.primitive is ops.full]
    assert len(constants) == len(set(constants))

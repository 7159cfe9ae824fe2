"""Random programs, compiled, give exactly what the interpreter gives."""

from __future__ import annotations

import numpy as np
import pytest
from compiled import run
from random_program import RandomProgram

from tapejit.ir.interpreter import interpret
from tapejit.ir.passes.pipeline import canonicalise


@pytest.mark.parametrize("dtype", ["f64", "f32", "i64", "i32"])
@pytest.mark.parametrize("seed", [*range(6), 83])
def test_random_program(seed, dtype):
    function = canonicalise(RandomProgram(seed, dtype).function(steps=24, results=3))
    random = np.random.default_rng(seed)
    args = [random.integers(-9, 10, v.type.shape).astype(v.type.numpy_dtype) for v in function.params]
    for found, expected in zip(run(function, *args), interpret(function, *args), strict=True):
        np.testing.assert_array_equal(found, expected)

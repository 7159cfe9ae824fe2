"""A fixed point of one element, compiled: its system is a matrix of one element, in a register."""

import numpy as np

import tapejit as tj


def test_a_fixed_point_of_one_element():
    def babylon(x, a):
        return 0.5 * (x + a / x)

    slope = tj.grad(lambda a: tj.fixed_point(babylon, 1.0, a))
    for a in (4.0, 9.0, 4.0):
        np.testing.assert_allclose(slope(a), 0.5 / np.sqrt(a), rtol=1e-10)

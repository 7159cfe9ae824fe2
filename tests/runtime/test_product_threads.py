"""Real matrix products, by tiles on our own threads: the same bits for any number of them."""

import numpy as np
import pytest

import tapejit as tj


@pytest.fixture
def threads():
    before = tj.get_num_threads()
    yield tj.set_num_threads
    tj.set_num_threads(before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [30, 500])
def test_the_same_bits_on_any_number_of_threads(threads, dtype, rows):
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=shape).astype(dtype) for shape in ((rows, 700), (700, 600)))
    product, found = tj.jit(np.matmul), []
    product(x, y)  # by NumPy
    for number in (1, 2, 3):
        threads(number)
        found.append(product(x, y))
        found.append(product(x, y))
    for each in found[1:]:
        np.testing.assert_array_equal(each, found[0])
    np.testing.assert_allclose(
        found[0], x.astype(np.longdouble) @ y, rtol=0, atol=700 * np.finfo(dtype).eps * 30
    )

"""Complex matrix products, by BLAS: right for any number of its threads, which they leave as it was."""

import ctypes
import threading

import numpy as np
import pytest

import tapejit as tj
from tapejit.runtime.gemm import BlasThreads


@pytest.fixture
def blas():
    found = BlasThreads.found()
    if found is None:
        pytest.skip("SciPy's BLAS is no OpenBLAS")
    get = ctypes.CFUNCTYPE(ctypes.c_int)(found.get)
    put = ctypes.CFUNCTYPE(None, ctypes.c_int)(found.set)
    before = get()
    yield get, put
    put(before)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_products_leave_the_number_of_blas_threads(blas, count):
    get, put = blas
    put(count)
    product = tj.jit(np.matmul)
    rng = np.random.default_rng(0)
    for n in (20, 300):
        x, y = (rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n)) for _ in range(2))
        for _ in range(2):
            np.testing.assert_allclose(product(x, y), x @ y, rtol=1e-12, atol=1e-11)
        assert get() == count


def test_threads_that_multiply_at_once_leave_it_too(blas):
    get, put = blas
    put(2)
    product = tj.jit(np.matmul)
    x = np.random.default_rng(0).normal(size=(60, 60)) * (1 + 2j)
    product(x, x)
    wrong = []

    def work():
        wrong.extend(0 for _ in range(200) if not np.allclose(product(x, x), x @ x))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert get() == 2

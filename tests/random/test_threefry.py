"""Threefry-2x32: the published vectors, the same bits from both tiers and any number of threads."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.ir.random import reference_threefry
from tapejit.tracer.surface import random as surface

# Random123's kat_vectors, threefry2x32 with 20 rounds: counter, key, result.
KNOWN = [
    (0x00000000_00000000, 0x00000000_00000000, 0x6B200159_99BA4EFE),
    (0xFFFFFFFF_FFFFFFFF, 0xFFFFFFFF_FFFFFFFF, 0x1CB996FC_BB002BE7),
    (0x243F6A88_85A308D3, 0x13198A2E_03707344, 0xC4923A9C_483DF7A0),
]
COUNTERS, KEYS, RESULTS = np.array(KNOWN, np.uint64).T.copy().view(np.int64)


def test_the_reference_gives_the_published_bits():
    np.testing.assert_array_equal(reference_threefry(KEYS, COUNTERS), RESULTS)


def test_the_compiled_row_gives_the_published_bits():
    np.testing.assert_array_equal(tj.jit(lambda k, c: surface.threefry(k, c))(KEYS, COUNTERS), RESULTS)


@pytest.mark.parametrize("draw", [surface.random_bits, surface.random_uniform, surface.random_signed])
def test_compiled_and_eager_draws_are_the_same_bits(draw):
    key = np.asarray(np.int64(-12345678901234))
    compiled = tj.jit(lambda k: draw(k, shape=(3, 4)))(key)
    np.testing.assert_array_equal(compiled, draw.op.numpy(key, shape=(3, 4)), strict=True)


def test_single_precision_draws_are_the_same_bits():
    key = np.asarray(np.int64(77))
    for draw in (surface.random_uniform, surface.random_signed):
        compiled = tj.jit(lambda k, draw=draw: draw(k, shape=(50,), dtype="float32"))(key)
        expected = draw.op.numpy(key, shape=(50,), dtype="float32")
        np.testing.assert_array_equal(compiled, expected, strict=True)


def test_the_number_of_threads_changes_no_bit():
    key, before = np.asarray(np.int64(3)), tj.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            tj.set_num_threads(threads)
            found.append(tj.jit(lambda k: surface.random_uniform(k, shape=(300_000,)))(key))
    finally:
        tj.set_num_threads(before)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0][:5], surface.random_uniform.op.numpy(key, shape=(5,)))

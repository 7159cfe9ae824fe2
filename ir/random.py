"""Random bits as a function of a key and a counter: Threefry-2x32 with 20 rounds.

J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. For every key
it permutes the counters, so each element of an array of random numbers is computed from its own index:
in any order, by any thread, fused into the loop that uses it. Key, counter and result are two words of 32
bits in an i64, the first word in the upper half.
"""

from __future__ import annotations

import numpy as np

from tapejit.ir.primitive import Discrete, elementwise
from tapejit.ir.types import TensorType

PARITY = 0x1BD11BDA
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
GROUPS = 5  # of four rounds, each followed by words of the key

_KEYS = np.array([0, -1, 0x13198A2E03707344])
_COUNTERS = np.array([0, -1, 0x243F6A8885A308D3])


def _words(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pattern = np.asarray(x, np.int64).view(np.uint64)
    return (pattern >> np.uint64(32)).astype(np.uint32), pattern.astype(np.uint32)


def _turned(x: np.ndarray, by: int) -> np.ndarray:
    return (x << np.uint32(by)) | (x >> np.uint32(32 - by))


def reference_threefry(key: np.ndarray, counter: np.ndarray) -> np.ndarray:
    """The 64 bits of each key at each counter; the operands broadcast."""
    first, second = _words(key)
    schedule = (first, second, first ^ second ^ np.uint32(PARITY))
    x, y = _words(counter)
    with np.errstate(over="ignore"):
        x, y = x + first, y + second
        for group in range(GROUPS):
            for by in ROTATIONS[group % 2]:
                x = x + y
                y = _turned(y, by) ^ x
            x = x + schedule[(group + 1) % 3]
            y = y + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return np.asarray((x.astype(np.uint64) << np.uint64(32)) | y).view(np.int64)


def _infer(key: TensorType, counter: TensorType) -> TensorType:
    if key != counter or key.dtype != "i64":
        raise TypeError(f"expected a key and a counter of one i64 type, got {key} and {counter}")
    return key


threefry = elementwise(
    "threefry",
    infer=_infer,
    reference=reference_threefry,
    source="threefry({0}, {1})",
    partials=Discrete("random bits have no derivative"),
    examples=(((_KEYS, _COUNTERS), {}), ((np.array([[5, -7]]), np.array([[3, 4]])), {})),
)

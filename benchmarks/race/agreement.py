"""Whether two contestants found the same value and gradients: nobody is timed for a wrong answer."""

from __future__ import annotations

from typing import Any

import numpy as np

# Sums of up to 10⁷ terms in another order; float32 programs round each step.
TOLERANCE = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 5e-4}


class Disagreement(Exception):
    """What is said of a contestant whose result is wrong."""


def check(result: Any, reference: Any, dtype: np.dtype) -> None:
    """Raise unless each array is as near to the reference's as its largest element and `dtype` demand."""
    for name, found, expected in zip(_names(reference), _arrays(result), _arrays(reference), strict=True):
        if found.shape != expected.shape:
            raise Disagreement(f"{name} has shape {found.shape}, the reference's {expected.shape}")
        error = np.max(np.abs(found - expected)) / max(np.max(np.abs(expected)), 1e-300)
        if not error <= TOLERANCE[dtype]:
            raise Disagreement(f"{name} differs from the reference's by {error:.1e} of its largest element")


def _names(result: Any) -> list[str]:
    return ["the value", *(f"gradient {i}" for i in range(len(result[1])))]


def _arrays(result: Any) -> list[np.ndarray]:
    value, gradients = result
    return [_array(value).reshape(()), *map(_array, gradients)]


def _array(x: Any) -> np.ndarray:
    return np.asarray(x.detach() if hasattr(x, "detach") else x, np.float64)

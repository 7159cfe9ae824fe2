"""`np.fft`: NumPy's Fourier transforms, and the frequencies that belong to them."""

from __future__ import annotations

import numpy as np

from tapejit.np_array import FACE
from tapejit.tracer.protocol import COMPOSED, FUNCTIONS

_OWN = {name: f for name, f in vars(np.fft).items() if callable(f) and not isinstance(f, type)}


def fftfreq(n: int, d: float = 1.0) -> object:
    """The frequencies of `fft` of n samples, d apart.

    >>> from tapejit import np
    >>> np.fft.fftfreq(4)
    array([ 0.  ,  0.25, -0.5 , -0.25], dtype=float64)
    """
    return FACE.array(np.fft.fftfreq(n, d))


def rfftfreq(n: int, d: float = 1.0) -> object:
    """The frequencies of `rfft` of n samples, d apart."""
    return FACE.array(np.fft.rfftfreq(n, d))


NAMES = {
    **{name: f for name, f in _OWN.items() if f in COMPOSED},
    **FACE.functions((name, FUNCTIONS[f]) for name, f in _OWN.items() if f in FUNCTIONS),
    "fftfreq": fftfreq,
    "rfftfreq": rfftfreq,
}
globals().update(NAMES)
__all__ = sorted(NAMES)

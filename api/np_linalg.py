"""`np.linalg`: those functions of NumPy's that are traced."""

from __future__ import annotations

import numpy as np

from tapejit.np_array import FACE
from tapejit.tracer.protocol import COMPOSED, FUNCTIONS

_OWN = {name: f for name, f in vars(np.linalg).items() if callable(f) and not isinstance(f, type)}
NAMES = {
    **{name: f for name, f in _OWN.items() if f in COMPOSED},
    **FACE.functions((name, FUNCTIONS[f]) for name, f in _OWN.items() if f in FUNCTIONS),
    "LinAlgError": np.linalg.LinAlgError,
}
globals().update(NAMES)
__all__ = sorted(NAMES)

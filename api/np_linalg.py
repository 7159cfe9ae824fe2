"""`np.linalg`: those functions of NumPy's that are traced."""

from __future__ import annotations

import numpy as np

from tapejit.np_array import FACE
from tapejit.tracer.protocol import FUNCTIONS

_TRACED = [(name, FUNCTIONS[f]) for name, f in vars(np.linalg).items() if callable(f) and f in FUNCTIONS]
globals().update(FACE.functions(_TRACED))
__all__ = sorted(name for name, _ in _TRACED)

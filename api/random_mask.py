"""Dropout by a key: which elements stay is computed from the key, in the loop that uses them, forward and
backward.

N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15 (2014).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.random_draw import uniform
from tapejit.random_key import Key
from tapejit.tracer.handle import Handle

__all__ = ["dropout"]


def dropout(key: Key, x: Any, p: float = 0.5, axes: tuple[int, ...] = ()) -> Any:
    """Zeros in a share `p` of the places, the rest scaled by 1 / (1 - p), which keeps the mean.

    Along `axes` whole slices are dropped. The derivative is that of the elements that stay.
    ValueError unless 0 <= p < 1.

    >>> import numpy as np
    >>> from tapejit import random
    >>> sorted(set(random.dropout(random.key(0), np.ones(100), 0.75).tolist()))
    [0.0, 4.0]
    """
    if not 0 <= p < 1:
        raise ValueError(f"p must be at least 0 and less than 1, got {p}")
    array: Any = x if isinstance(x, Handle) else np.asarray(x)
    dropped = {axis % max(array.ndim, 1) for axis in axes}
    shape = tuple(1 if k in dropped else n for k, n in enumerate(array.shape))
    stays = uniform(key, shape, np.float32) >= p
    return np.where(stays, array * (1.0 / (1.0 - p)), 0.0)

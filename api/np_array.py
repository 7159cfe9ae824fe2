"""`np.ndarray`: the array of MXNet's NumPy face, and the face's default dtype.

It behaves as NumPy's does, but makes float32 unless `npx.set_np(dtype=True)` says float64, and prints
the dtype only where it is neither the default nor bool.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.face import Face, FaceArray
from tapejit.tracer.handle import Handle


class DefaultDtype:
    """The dtype of new arrays; one for the process, as in MXNet."""

    def __init__(self) -> None:
        self.float: np.dtype[Any] = np.dtype(np.float32)


DEFAULT = DefaultDtype()


class ndarray(FaceArray):
    """An n-dimensional array with NumPy's semantics and MXNet's defaults.

    >>> from tapejit import np
    >>> np.arange(3), np.ones(2, dtype="int32")
    (array([0., 1., 2.]), array([1, 1], dtype=int32))
    """

    __slots__ = ()

    def __repr__(self) -> str:
        data = self.value()
        text = np.array2string(data, separator=", ", prefix="array(")
        if data.size == 0 and data.shape != (0,):
            text += f", shape={data.shape}"
        if data.dtype not in (DEFAULT.float, np.bool_):
            text += f", dtype={data.dtype}"
        return f"array({text})"


FACE = Face(ndarray, lambda: DEFAULT.float, trusted=(Handle, np.ndarray, np.generic))

"""The user's file and line: the innermost frame that is not tapejit's or NumPy's own."""

from __future__ import annotations

import os
import sys
from types import FrameType

import numpy as np

_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OURS = tuple(
    os.path.join(_HOME, package) + os.sep
    for package in ("api", "tapejit", "tracer", "ir", "codegen", "runtime")
)
_INSIDE = (*_OURS, os.path.dirname(os.path.abspath(np.__file__)) + os.sep)


def is_users_file(filename: str) -> bool:
    """Whether a file is neither tapejit's nor NumPy's."""
    return not filename.startswith(_INSIDE)


def user_frame() -> FrameType | None:
    """The frame of the user's code that led here."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_users_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def user_location() -> str | None:
    """`"model.py:12"`, the user's line that led here."""
    frame = user_frame()
    return None if frame is None else f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"

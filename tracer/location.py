"""The user's file and line: the innermost frame that is not tapejit's, NumPy's or SciPy's own."""

from __future__ import annotations

import functools
import importlib.util
import linecache
import os
import re
import sys
import sysconfig
from opcode import opmap
from types import FrameType

import numpy as np
import optree

_PACKAGE = sys.modules[__name__.partition(".")[0]]  # the faces; here `api/`, once installed the folder of all
_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_LAYERS = (os.path.join(_HOME, layer) for layer in ("tracer", "ir", "codegen", "runtime"))
_SCIPY = importlib.util.find_spec("scipy")  # not imported: that takes longer than tapejit itself
_LIBRARIES = (*np.__path__, *(_SCIPY.submodule_search_locations or () if _SCIPY else ()))
_INSIDE = tuple(os.path.abspath(f) + os.sep for f in (*_PACKAGE.__path__, *_LAYERS, *_LIBRARIES))
_STDLIB = sysconfig.get_path("stdlib") + os.sep
_INSTALLED = os.path.join(_STDLIB, "site-packages", "")
_OPTREE = os.path.join(*optree.__path__, "")

_TEST = re.compile(r"\s*(if|elif|while|assert)\b|[^#]*?\b(if)\b")


def is_users_file(filename: str) -> bool:
    """Whether a file is neither tapejit's nor that of a library below it."""
    return not filename.startswith(_INSIDE)


def user_frame() -> FrameType | None:
    """The frame of the user's code that led here."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_users_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def is_storing(frame: FrameType) -> bool:
    """Whether the code of a frame is at an assignment to an item: `a[i] = x`."""
    return frame.f_code.co_code[frame.f_lasti] == opmap["STORE_SUBSCR"]


def user_location() -> str | None:
    """`"model.py:12"`, the user's line that led here."""
    innermost = frame = user_frame()
    while frame is not None and _only_calls(frame.f_code.co_filename):
        frame = frame.f_back
    found = frame or innermost
    return None if found is None else f"{os.path.basename(found.f_code.co_filename)}:{found.f_lineno}"


def _only_calls(filename: str) -> bool:
    """Whether a file is tapejit's or of a library that calls what it is given: a map over a tree, a copy."""
    standard = filename.startswith(_STDLIB) and not filename.startswith(_INSTALLED)
    return standard or filename.startswith(_OPTREE) or not is_users_file(filename)


def user_test() -> str | None:
    """ "`if` at model.py:14", the test in the user's code that led here, or "the value at model.py:14"."""
    frame = user_frame()
    return None if frame is None else _test_at(frame.f_code.co_filename, frame.f_lineno)


@functools.cache
def _test_at(filename: str, line: int) -> str:
    found = _TEST.match(linecache.getline(filename, line))
    what = "the value" if found is None else f"`{found[1] or found[2]}`"
    return f"{what} at {os.path.basename(filename)}:{line}"

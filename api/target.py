"""What `tapejit dump` is pointed at: a function in a Python file, or IR in a text file.

`load_target` gives a `Target`, which renders any stage. Whatever goes wrong, in the path, in the user's
file or in the user's function, is a `TargetError` of one line.
"""

from __future__ import annotations

import operator
import os
import runpy
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tapejit.argument import Argument
from tapejit.engine import DECORATED
from tapejit.function import jit
from tapejit.ir.function import Function, IRError
from tapejit.ir.parser import parse_function
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.printer import print_function
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.verifier import verify
from tapejit.residual import residuals_of_function
from tapejit.stage import PROGRAM_STAGES
from tapejit.traced_function import TracedFunction
from tapejit.tracer.location import is_users_file

MODULE_NAME = "__dumped__"  # not "__main__": scripts run their job under that name
_LIBRARIES = ("<frozen ", *(sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")))


class TargetError(Exception):
    """What the user gave cannot be dumped; the message is one line."""


class Target(Protocol):
    """Something with stages."""

    def text(self, stage: str) -> str:
        """One stage, by a name in `STAGES`."""


def load_target(spec: str, arguments: Sequence[Argument]) -> Target:
    """The target of `FILE.py:function` or `FILE.ir`."""
    if spec.partition(".py:")[2]:
        return CalledFunction(load_function(spec), arguments)
    if spec.endswith(".ir"):
        if arguments:
            raise TargetError(f"{spec}: the types of an IR function stand in its text; leave out --arg")
        return TextFunction(Path(spec))
    if spec.endswith((".py", ".py:")):
        raise TargetError(f"{spec}: name a function, as in {spec.rstrip(':')}:loss")
    raise TargetError(f"{spec!r} is neither FILE.py:FUNCTION nor FILE.ir")


def load_function(spec: str) -> Callable[..., Any]:
    """The function at `FILE.py:NAME`."""
    path, _, name = spec.partition(".py:")
    if not name:
        raise TargetError(f"{spec!r} is not FILE.py:FUNCTION")
    return _function(Path(path + ".py"), name)


class CalledFunction:
    """A decorated function after one call; a plain function is wrapped in `jit` first."""

    def __init__(self, function: Callable[..., Any], arguments: Sequence[Argument]):
        traced = function if isinstance(function, TracedFunction) else jit(function)
        rng = np.random.default_rng(0)
        given = [(a.name, a.value(rng)) for a in arguments]
        self._text = traced.stage
        with users_code():
            traced(*(v for name, v in given if name is None), **{name: v for name, v in given if name})

    def text(self, stage: str) -> str:
        try:
            return self._text(stage)
        except RuntimeError as error:
            raise TargetError(str(error)) from None


class TextFunction:
    """A function parsed from a file of IR text."""

    def __init__(self, path: Path):
        _check_readable(path)
        try:
            self._function = parse_function(path.read_text())
            verify(self._function)
        except (IRError, UnicodeDecodeError) as error:
            raise TargetError(f"{path}: {_one_line(error)}") from None

    def text(self, stage: str) -> str:
        if stage == "trace":
            raise TargetError("IR text was not traced; choose another stage")
        if stage in PROGRAM_STAGES:
            return PROGRAM_STAGES[stage](DECORATED.program(self._function, frozenset(), frozenset()))
        if stage == "residuals":
            return residuals_of_function(canonicalise(self._function))
        return print_function(canonicalise(self._derived(stage)))

    def _derived(self, stage: str) -> Function:
        return self._function if stage == "ir" else adjoint(self._function)


def _function(path: Path, name: str) -> Callable[..., Any]:
    _check_readable(path)
    sys.path.insert(0, str(path.parent.resolve()))
    with users_code():
        namespace = runpy.run_path(str(path), run_name=MODULE_NAME)
    first, _, rest = name.partition(".")
    try:
        found = namespace[first]
        found = operator.attrgetter(rest)(found) if rest else found
    except (KeyError, AttributeError):
        raise TargetError(f"{path} has no {name!r}; it defines {_functions(namespace)}") from None
    if not callable(found):
        raise TargetError(f"{path}:{name} is no function but {type(found).__name__}")
    return found


def _functions(namespace: Mapping[str, Any]) -> str:
    own = [n for n, x in namespace.items() if callable(x) and getattr(x, "__module__", "") == MODULE_NAME]
    return ", ".join(own) or "no functions"


def _check_readable(path: Path) -> None:
    if not path.is_file():
        raise TargetError(f"{path}: no such file")


@contextmanager
def users_code() -> Iterator[None]:
    """Run the user's code: what it prints goes to stderr, what it raises becomes one line."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as error:
        raise TargetError(f"{_place(error)}{type(error).__name__}: {_one_line(error)}") from error


def _place(error: BaseException) -> str:
    """`model.py:12: `, the innermost line of the user's that the error passed."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: "
    place, step = "", error.__traceback__
    while step is not None:
        filename = step.tb_frame.f_code.co_filename
        if is_users_file(filename) and not filename.startswith(_LIBRARIES):
            place = f"{filename}:{step.tb_lineno}: "
        step = step.tb_next
    return place


def _one_line(error: BaseException) -> str:
    return " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())

"""Functions of the surface that are made of other ones, and functions that Python answers by value.

`@composed(np.f)` declares a body that is written with traced functions; it has NumPy's own signature. Where
nothing is recorded NumPy's function itself runs. `by_value` is for functions whose results have no derivative
and are Python's to know: they demand their arguments, as `bool(x)` does.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapejit.ir.types import dtype_name
from tapejit.tracer.errors import BoundsError, DtypeError, ShapeError, TapejitError, UnsupportedError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.state import STATE


class Composed:
    """Call it as the first of `sources`, the NumPy functions that it stands for."""

    def __init__(self, body: Callable[..., Any], sources: tuple[Callable[..., Any], ...], view: bool):
        self._body, self.sources, self._view = body, sources, view
        parameters = list(inspect.signature(body).parameters)
        self._out = parameters.index("out") if "out" in parameters else None  # which one it is
        self.__name__ = sources[0].__name__
        self.__doc__ = body.__doc__

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        at, out = self._out, None
        if at is not None and "out" in kwargs:
            out = kwargs.pop("out")
        elif at is not None and len(args) > at:
            out, args = args[at], (*args[:at], None, *args[at + 1 :])
        found = self._found(args, kwargs)
        return found if out is None else self._written(out, found)

    def _found(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if STATE.tape is None and not self._view:
            return run_now(self.sources[0], args, kwargs)
        try:
            return self._body(*args, **kwargs)
        except (ValueError, TypeError, IndexError) as error:
            if str(user_location()) in str(error):
                raise
            raise _located(error, self.__name__) from None

    def _written(self, out: Any, found: Any) -> Any:
        """`out` with what was found."""
        if not isinstance(out, Handle):
            raise UnsupportedError(
                f"np.{self.__name__}(..., out=...) at {user_location()}: what is written to must be an array "
                f"of tapejit, not {type(out).__name__}"
            )
        return out.assign(found)  # type: ignore[attr-defined]


def composed(*sources: Callable[..., Any], view: bool = False) -> Callable[[Callable[..., Any]], Composed]:
    """Decorate a body that stands for `sources`. `view`: its results may share memory with its arguments."""
    return lambda body: Composed(body, sources, view)


def _located(error: Exception, name: str) -> Exception:
    """The same kind of error, with the function and the user's line."""
    kind = type(error)
    if not isinstance(error, TapejitError):
        kinds = {ValueError: ShapeError, IndexError: BoundsError}
        kind = next((own for theirs, own in kinds.items() if isinstance(error, theirs)), DtypeError)
    return kind(f"np.{name} at {user_location()}: {error}")


def array(x: Any) -> Any:
    """An argument as something with NumPy's attributes: an array of ours, or NumPy's."""
    return x if isinstance(x, Handle) else np.asarray(x)


# -- Outside a record ------------------------------------------------------------------------------------


def run_now(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """A NumPy function on the values of arrays of ours; its results share no memory with them."""
    operands: list[Handle] = []
    values = _values(args, operands)
    named = _values(kwargs, operands)
    face = type(operands[0]) if operands else Handle
    with np.errstate(all="ignore"):
        found = function(*values, **named)
    return wrapped(found, face, [x.materialise() for x in operands])


def _values(x: Any, operands: list[Handle]) -> Any:
    """x with the values of arrays in the place of arrays, which are collected."""
    if isinstance(x, Handle):
        operands.append(x)
        return x.materialise()
    if isinstance(x, dict):
        return {key: _values(each, operands) for key, each in x.items()}
    if type(x) in (list, tuple):
        return type(x)(_values(each, operands) for each in x)
    return x


def wrapped(found: Any, face: type[Handle], sources: Sequence[np.ndarray] = ()) -> Any:
    """What NumPy returned, its arrays as arrays of ours that share no memory with `sources`."""
    if isinstance(found, list | tuple):
        parts = [wrapped(each, face, sources) for each in found]
        return type(found)(*parts) if hasattr(found, "_fields") else type(found)(parts)
    if not isinstance(found, np.ndarray | np.generic):
        return found
    array = np.asarray(found)
    dtype_name(array.dtype)
    shared = any(np.may_share_memory(array, source) for source in sources)
    return face.wrap(array.copy() if shared else array)


# -- By value --------------------------------------------------------------------------------------------


def by_value(function: Callable[..., Any]) -> Callable[..., Any]:
    """A NumPy function on values that Python has now seen; its results are NumPy's."""

    def run(*args: Any, **kwargs: Any) -> Any:
        return function(*seen(args), **seen(kwargs))

    return run


def seen(x: Any) -> Any:
    """x with the values of arrays in the place of arrays: from here on Python knows them."""
    if isinstance(x, Handle):
        return x.value()
    if isinstance(x, dict):
        return {key: seen(each) for key, each in x.items()}
    return type(x)(seen(each) for each in x) if type(x) in (list, tuple) else x

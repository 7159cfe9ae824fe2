"""A function of the array surface: an operation with the calling convention of its NumPy namesake.

A lowering's positional parameters are its operands; its keyword-only parameters are static. The rest
of the NumPy signature is known too, so that an argument that is not traced is named in the error.
"""

from __future__ import annotations

import inspect
import operator
import types
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tapejit.ir.types import NUMPY_NAME, dtype_name
from tapejit.tracer.alias import Step, note_view
from tapejit.tracer.errors import ConversionError, UnsupportedError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.number import Number
from tapejit.tracer.operation import Operation
from tapejit.tracer.state import STATE


class Function:
    """Call it as the NumPy function of the same name; `op` is what the tape records."""

    def __init__(
        self,
        op: Operation,
        operands: tuple[str, ...],
        statics: dict[str, Any],
        variadic: bool,
        names: tuple[str, ...] = (),
        sources: tuple[Callable[..., Any], ...] = (),
        optional: int = 0,
    ):
        self.op, self.operands, self.statics, self.variadic = op, operands, statics, variadic
        self._names = names
        self.sources = sources  # the NumPy functions this is the traced form of
        self.required = len(operands) - optional  # so many operands must be given
        self.plain = -1 if variadic else self.required  # so many arguments are just these
        self.__name__ = op.name
        self.__doc__ = (
            f"NumPy's `{op.name}` of traced arrays. Operands: {', '.join(operands)}; static arguments: "
            f"{', '.join(statics) or 'none'}. Shapes, dtypes and errors are NumPy's."
        )

    def __repr__(self) -> str:
        return f"<function {self.op.name}>"

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The positional order of arguments: that of NumPy, unless it was given."""
        source = self.sources[0] if self.sources else None
        return self._names or _names(source, self.operands, self.statics, self.required)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        operands, statics = self.bind(args, kwargs)
        if statics and not any(isinstance(x, Handle) for x in operands):
            return apply(self.op, operands, statics, _face((*args, *kwargs.values())))
        return apply(self.op, operands, statics)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def bind(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[Any], tuple[tuple[str, Any], ...]]:
        """The operands and the static arguments of a call, in the form that `apply` takes."""
        if not kwargs and len(args) == self.plain:
            return list(args), ()
        bound = dict(zip(self.names, args, strict=False))
        if len(args) > len(self.names) or not bound.keys().isdisjoint(kwargs):
            raise TypeError(f"{self.op.name}: too many arguments, or one given twice")
        bound.update(kwargs)
        missing = [name for name in self.operands[: self.required] if name not in bound]
        if missing:
            raise TypeError(f"{self.op.name}: missing {', '.join(missing)}")
        given = [_given(bound.pop(name, None)) for name in self.operands]
        while len(given) > self.required and given[-1] is None:
            given.pop()
        return list(given[0]) if self.variadic else given, self._statics(bound)

    def _statics(self, bound: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
        statics = []
        for name, value in bound.items():
            if name not in self.statics:
                if value is not None and value is not np._NoValue:
                    raise UnsupportedError(
                        f"{self.op.name} at {user_location()}: the argument `{name}` is not traced; leave it "
                        f"out. Traced arguments: {', '.join((*self.operands, *self.statics))}"
                    )
            elif value is not np._NoValue and value is not self.statics[name]:
                statics.append((name, static(name, value)))
        return tuple(statics)


def _face(given: Sequence[Any]) -> type[Handle]:
    """The class of the first array among all arguments."""
    return next((type(x) for x in given if isinstance(x, Handle)), Handle)


def _given(x: Any) -> Any:
    """An operand; None for one that NumPy's marker says was left out."""
    return None if x is np._NoValue else x


def apply(
    op: Operation,
    operands: Sequence[Any],
    statics: tuple[tuple[str, Any], ...] = (),
    face: type[Handle] | None = None,
) -> Any:
    """Record `op` when this thread records, else run it at once in NumPy."""
    tape = STATE.tape
    if tape is not None and len(operands) == 1 and isinstance(operands[0], Handle):
        found = tape.step(tape, op, operands[0], statics)
        return tape.unary(op, operands[0], statics) if found is None else found
    if face is None:
        face = next((type(x) for x in operands if isinstance(x, Handle)), Handle)
    if tape is not None:
        return tape.record(op, tape.captured.operands(face, operands), statics)
    return run_now(op, operands, statics, face)


def run_now(
    op: Operation, operands: Sequence[Any], statics: tuple[tuple[str, Any], ...], face: type[Handle]
) -> Any:
    """The operation on concrete values, in NumPy; a view shares its operand's storage."""
    values = [x.materialise() if isinstance(x, Handle) else x for x in operands]
    with np.errstate(all="ignore"):
        found = op.numpy(*values, **dict(statics))
    step = (op, statics)
    if isinstance(found, tuple | list):
        return tuple(_wrapped(step, operands, values, np.asarray(x), face) for x in found)
    return _wrapped(step, operands, values, np.asarray(found), face)


def _wrapped(
    step: Step, operands: Sequence[Any], values: Sequence[Any], array: np.ndarray, face: type[Handle]
) -> Handle:
    dtype_name(array.dtype)
    base = operands[0]
    if step[0].view and isinstance(base, Handle) and np.may_share_memory(array, values[0]):
        view = face.wrap(array)
        note_view(view, base, step)
        return view
    return face.wrap(array)


def static(name: str, value: Any) -> Any:
    """A static argument in the form that keys and lowerings use: hashable, plain Python."""
    if name == "dtype":
        return NUMPY_NAME[dtype_name(value)]
    if isinstance(value, np.ndarray) and not value.ndim:
        return static(name, value[()])
    if isinstance(value, np.ndarray | list | tuple):
        return tuple(static(name, x) for x in value)
    if isinstance(value, np.bool_ | bool):
        return bool(value)
    if isinstance(value, Handle):
        return _known(name, value)
    if isinstance(value, Number):
        return value.seen()
    return operator.index(value) if hasattr(value, "__index__") else value


def _known(name: str, value: Handle) -> Any:
    """The number in an array that is given where Python's number is needed."""
    if value.differentiated and value.type.is_float:
        raise ConversionError(
            f"the argument `{name}` at {user_location()} is not differentiated, but is an array {value.type} "
            "that a derivative flows through; give a number, or .detach() it"
        )
    return static(name, value.value()) if value.type.shape else value.value().item()


def traced(
    *numpy_functions: Callable[..., Any],
    name: str | None = None,
    view: bool = False,
    numpy: Callable[..., Any] | None = None,
    write: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., Any]], Function]:
    """Decorate a lowering: it becomes the traced form of `numpy_functions` (see `Function.sources`).

    `numpy` computes it outside a record, where that is not the first of `numpy_functions`. `write` lowers a
    write through a view, if that is more than moving the elements back: `(source, value)` to a new source.
    """

    def declare(lower: Callable[..., Any]) -> Function:
        parameters = inspect.signature(lower).parameters.values()
        operands = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        optional = sum(p.kind is not p.KEYWORD_ONLY and p.default is not p.empty for p in parameters)
        variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        statics = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        run = numpy or _by_name(numpy_functions[0], operands, len(operands) - optional)
        op = Operation(name or lower.__name__.rstrip("_"), lower, run, view, write=write)
        return Function(op, operands, statics, variadic, (), numpy_functions, optional)

    return declare


def _by_name(function: Callable[..., Any], operands: Sequence[str], required: int) -> Callable[..., Any]:
    """A NumPy function that takes the operands which may be left out by their names."""
    optional = operands[required:]
    if not optional:
        return function

    def run(*values: Any, **statics: Any) -> Any:
        named = dict(zip(optional, values[required:], strict=False))
        return function(*values[:required], **{k: v for k, v in named.items() if v is not None}, **statics)

    return run


def _names(source: Any, operands: tuple[str, ...], statics: dict[str, Any], required: int) -> tuple[str, ...]:
    """The positional order of arguments: NumPy's where its signature is known, leading operands renamed."""
    own = (*operands, *statics)
    if source is None or isinstance(source, np.ufunc):
        return own
    try:
        theirs = tuple(inspect.signature(source).parameters)
    except (TypeError, ValueError):
        return own
    return (*operands[:required], *theirs[required:])

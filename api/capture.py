"""What a Python function reads besides its arguments, and guards that notice when it changes.

A decorated function may skip its Python only if everything else that Python would have read is
known and unchanged. The bytecode tells which globals, closure cells, defaults and callees there are;
each becomes a `Guard`. Whatever this reading cannot vouch for (attributes of objects, mutable
containers, I/O, random numbers) is an `Unguardable`, and then the Python simply runs at every call.
"""

from __future__ import annotations

import builtins
import dis
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np

from tapejit.runtime.condition import Asked, Bound, Condition, Defined, Enclosed, Unbound
from tapejit.tracer.location import is_users_file
from tapejit.tracer.surface.function import Function

_F = TypeVar("_F", bound=Callable[..., Any])

_PURE_BUILTINS = frozenset(
    getattr(builtins, name)
    for name in [
        "abs",
        "all",
        "any",
        "bool",
        "dict",
        "divmod",
        "enumerate",
        "filter",
        "float",
        "frozenset",
        "int",
        "isinstance",
        "len",
        "list",
        "map",
        "max",
        "min",
        "pow",
        "range",
        "reversed",
        "round",
        "set",
        "slice",
        "sorted",
        "str",
        "sum",
        "tuple",
        "zip",
        "ArithmeticError",
        "AssertionError",
        "Exception",
        "RuntimeError",
        "TypeError",
        "ValueError",
        "ZeroDivisionError",
    ]
)
_TRUSTED_MODULES = ("numpy", "math", "operator", "scipy.special")
_IMPURE_NUMPY = ("numpy.random", "numpy.testing", "numpy.lib._npyio_impl")
_READING_FILES = (np.load, np.loadtxt, np.genfromtxt, np.fromregex, np.fromfile, np.memmap)
_IMMUTABLE = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis), np.generic, np.dtype)
_FUNCTION_OR_TYPE = (FunctionType, type, type(np.sum))  # objects that can be called have a state
_FORBIDDEN_OPCODES = frozenset(
    [
        "STORE_GLOBAL",
        "DELETE_GLOBAL",
        "STORE_ATTR",
        "DELETE_ATTR",
        "IMPORT_NAME",
        "LOAD_BUILD_CLASS",
        "LOAD_NAME",
    ]
)


@dataclass(frozen=True, slots=True)
class Guard:
    """`holds()` while `what`, something that a function captured, is unchanged."""

    what: str
    condition: Condition

    @property
    def holds(self) -> Callable[[], bool]:
        return self.condition.holds

    @property
    def verb(self) -> str:
        """What happened to `what` if it does not hold."""
        return "rebound" if isinstance(self.condition, Bound | Unbound | Enclosed) else "changed"


@dataclass(frozen=True)
class Unguardable(Exception):
    """A reason why the Python of a function has to run at every call."""

    reason: str


def transform(function: _F) -> _F:
    """Mark a function of ours whose result depends on its arguments only; guards need not read it."""
    function.__transform__ = True  # type: ignore[attr-defined]
    return function


def guards_of(function: Callable[..., Any]) -> list[Guard]:
    """Guards on everything `function` and its callees capture; raises `Unguardable`."""
    guards: list[Guard] = []
    _Reading(guards).callee(function, getattr(function, "__name__", "the function"))
    return guards


class _Reading:
    """One walk over a function and its callees; each is read once."""

    def __init__(self, guards: list[Guard]):
        self._guards = guards
        self._seen: set[int] = set()
        self._watched: set[Hashable] = set()
        self._writes_items = self._captures_arrays = False

    def _watch(self, what: str, condition: Condition, once: Hashable = None) -> None:
        """Add a guard; of those with the same `once`, which watch the same name, only the first."""
        if once is None or once not in self._watched:
            self._watched.add(once)
            self._guards.append(Guard(what, condition))

    def callee(self, function: Any, name: str) -> None:
        """Read a Python function: its code, defaults, closure and globals."""
        while hasattr(function, "__traced__"):  # a decorated function is what it decorates
            function = function.__traced__
        if not isinstance(function, FunctionType):
            raise Unguardable(f"{name} is a {type(function).__name__}, not a plain function")
        if id(function) in self._seen:
            return
        self._seen.add(id(function))
        if vars(function).keys() - {"__wrapped__"}:
            raise Unguardable(f"{name} has attributes")
        code, defaults = function.__code__, function.__defaults__
        self._watch(f"function {name}", Defined(function, code, defaults))
        for value in defaults or ():
            self._value(value, f"a default of {name}")
        for key in function.__kwdefaults__ or ():
            self._keyword_default(function, key, name)
        cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        self._check_writes(code)
        for load in _loads(code):
            self._load(load, function, cells)

    def _check_writes(self, code: CodeType) -> None:
        """A function that changes what it captured does so at every call, or not at all."""
        for instruction in _instructions(code):
            if instruction.opname == "STORE_DEREF" and instruction.argval in code.co_freevars:
                raise Unguardable(f"{code.co_name} assigns the captured variable {instruction.argval}")
            self._writes_items = self._writes_items or instruction.opname == "STORE_SUBSCR"
        self._check_items()

    def _check_items(self) -> None:
        if self._writes_items and self._captures_arrays:
            raise Unguardable("it writes to items of something and captures an array")

    def _keyword_default(self, function: FunctionType, key: str, name: str) -> None:
        value = (function.__kwdefaults__ or {})[key]
        self._watch(f"a default of {name}", Asked(lambda: (function.__kwdefaults__ or {}).get(key) is value))
        self._value(value, f"a default of {name}")

    def _load(self, load: _Load, function: FunctionType, cells: dict[str, Any]) -> None:
        if load.name in cells:
            self._cell(cells[load.name], load)
        elif not load.is_global:
            return  # a variable of an enclosing function that is itself being read
        elif load.name in function.__globals__:
            namespace, name = function.__globals__, load.name
            value = namespace[name]
            once = (id(namespace), name)
            self._watch(f"global `{name}`", Bound(namespace, name, value), once)
            self._value(value, name, load.attributes)
        elif getattr(builtins, load.name, None) not in _PURE_BUILTINS:
            raise Unguardable(f"it uses {load.name}")
        else:
            self._watch(f"global `{load.name}`", Unbound(function.__globals__, load.name))

    def _cell(self, cell: Any, load: _Load) -> None:
        try:
            value = cell.cell_contents
        except ValueError:
            raise Unguardable(f"{load.name} is not defined yet") from None
        self._watch(f"closure variable `{load.name}`", Enclosed(cell, value))
        self._value(value, load.name, load.attributes)

    def _value(self, value: Any, name: str, attributes: tuple[str, ...] = ()) -> None:
        """A captured value must be a constant, code we can read, or an array we can watch."""
        if isinstance(value, ModuleType):
            self._module(value, name, attributes)
        elif isinstance(value, np.ndarray):
            self._captures_arrays = True
            self._check_items()
            self._watch(f"the contents of `{name}`", Asked(_unchanged(value)))
        elif isinstance(value, tuple | frozenset):
            for item in value:
                self._value(item, name)
        elif isinstance(value, _IMMUTABLE) or _is_pure(value):
            return
        elif attributes:
            raise Unguardable(f"it reads {name}.{attributes[0]}")
        else:
            self.callee(value, name)

    def _module(self, module: ModuleType, name: str, attributes: tuple[str, ...]) -> None:
        if not attributes:
            raise Unguardable(f"the module {name} is used as a value")
        attribute, *rest = attributes
        value = getattr(module, attribute, None)
        if not _is_trusted(module.__name__):
            self._watch(f"`{name}.{attribute}`", _provides(module, attribute, value))
        self._value(value, f"{name}.{attribute}", tuple(rest))


@dataclass(frozen=True)
class _Load:
    """A name that bytecode loads, with the attributes taken from it at once."""

    name: str
    is_global: bool
    attributes: tuple[str, ...]


def _loads(code: CodeType) -> Iterator[_Load]:
    """The globals and free variables that `code`, or code nested in it, loads."""
    instructions = [i for i in dis.get_instructions(code) if i.opname not in ("CACHE", "PUSH_NULL", "NOP")]
    for at, instruction in enumerate(instructions):
        generator = instruction.opname == "YIELD_VALUE" and code.co_name != "<genexpr>"
        if instruction.opname in _FORBIDDEN_OPCODES or generator:
            raise Unguardable(f"{code.co_name} has {instruction.opname.lower().replace('_', ' ')}")
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_DEREF", "LOAD_CLASSDEREF"):
            attributes = []
            for follower in instructions[at + 1 :]:
                if follower.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
                    break
                attributes.append(follower.argval)
            yield _Load(instruction.argval, instruction.opname == "LOAD_GLOBAL", tuple(attributes))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _loads(constant)


def _instructions(code: CodeType) -> Iterator[dis.Instruction]:
    """The bytecode of a function and of the functions in it."""
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant)


def _provides(module: ModuleType, attribute: str, value: Any) -> Condition:
    """Whether a module still has this attribute; its `__getattr__` may make it on demand."""
    if attribute in vars(module):
        return Bound(vars(module), attribute, value)
    return Asked(lambda: getattr(module, attribute, None) is value)


def _is_trusted(module: str | None) -> bool:
    """Modules whose functions depend on their arguments only, and which nobody rebinds."""
    if module is None or module.startswith(_IMPURE_NUMPY):
        return False
    return module in _TRUSTED_MODULES or module.startswith("numpy.")


def _is_pure(value: Any) -> bool:
    """A function, or a type, whose result depends on its arguments only."""
    if isinstance(value, np.ufunc | Function):
        return True
    if any(value is reader for reader in _READING_FILES):
        return False
    if isinstance(value, FunctionType) and is_users_file(value.__code__.co_filename):
        return False  # whatever module it says it is from
    if isinstance(value, FunctionType) and hasattr(value, "__transform__"):
        return True
    if isinstance(value, BuiltinFunctionType):
        owner = value.__self__
        return value in _PURE_BUILTINS or (isinstance(owner, ModuleType) and _is_trusted(value.__module__))
    try:
        if value in _PURE_BUILTINS:
            return True
    except TypeError:  # not hashable
        return False
    return isinstance(value, _FUNCTION_OR_TYPE) and _is_trusted(getattr(value, "__module__", None))


def _unchanged(array: np.ndarray) -> Callable[[], bool]:
    """Whether the contents are, bit for bit, what they were."""
    before = array.copy()
    if array.nbytes <= 4096:
        contents = before.tobytes()
        return lambda: (
            array.tobytes() == contents and array.shape == before.shape and array.dtype == before.dtype
        )
    bits = before.view(np.uint8) if before.ndim else before
    return lambda: (
        array.shape == before.shape
        and array.dtype == before.dtype
        and bool(np.array_equal(np.ascontiguousarray(array).view(np.uint8), bits))
    )

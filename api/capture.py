"""What a Python function reads besides its arguments, and guards that notice when it changes.

A decorated function may skip its Python only if everything else that Python would have read is
known and unchanged. The bytecode tells which globals, closure cells, defaults and callees there are;
each becomes a `Guard`, and so do attributes of objects and items of containers. What is only written
(`usage`) is left out: it happens when the function is traced. Whatever this reading cannot vouch for (what is
both read and written, files, random numbers) is an `Unguardable`, and the Python simply runs at every call.
"""

from __future__ import annotations

import builtins
import dis
import functools
import inspect
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, TypeVar

import numpy as np

from tapejit.constant import IMMUTABLE, has_python, is_constant, is_derived, is_field
from tapejit.face import FaceFunction
from tapejit.purity import PURE_BUILTINS, is_pure, is_random, is_trusted
from tapejit.runtime.condition import Asked, Bound, Condition, Defined, Enclosed, Unbound
from tapejit.unchanged import contains, provides, unchanged
from tapejit.usage import Use, place_of, usage_of

NOTHING: Mapping[str, Any] = MappingProxyType({})
_F = TypeVar("_F", bound=Callable[..., Any])

_ARRAYS = (np.ndarray, np.memmap, np.recarray)  # that their contents tell everything about
_MOST_ITEMS = 1000  # of a captured container
_ABSENT = object()
_FORBIDDEN_OPCODES = frozenset(["IMPORT_NAME", "LOAD_BUILD_CLASS", "LOAD_NAME"])


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


@dataclass(frozen=True)
class RandomSource(Unguardable):
    """The Python has to run because it uses a random generator, at `place` (file and line)."""

    place: str


def transform(function: _F) -> _F:
    """Mark a function of ours whose result depends on its arguments only; guards need not read it."""
    function.__transform__ = True  # type: ignore[attr-defined]
    return function


def guards_of(
    function: Callable[..., Any], objects: Mapping[str, Any] = NOTHING, callees: Sequence[Any] = ()
) -> list[Guard]:
    """Guards on everything `function` and its callees capture; raises `Unguardable`.

    `objects`: parameters of which attributes are read; `callees`: arguments that are functions.
    """
    guards: list[Guard] = []
    reading = _Reading(guards)
    reading.callee(function, getattr(function, "__name__", "the function"), objects)
    for each in callees:
        reading.value(each, getattr(each, "__name__", "an argument"))
    reading.check()
    return guards


def is_function(x: Any) -> bool:
    """Whether what matters of an object is what it does when it is called."""
    return (
        is_pure(x) or isinstance(x, FunctionType | MethodType | functools.partial) or hasattr(x, "__traced__")
    )


class _RandomUse(Exception):
    """A random generator was met under a `name`."""

    def __init__(self, name: str):
        super().__init__(name)
        self.name = name


class _Reading:
    """One walk over a function and its callees; each is read once for the objects that its parameters are."""

    def __init__(self, guards: list[Guard]):
        self._guards = guards
        self._seen: set[Hashable] = set()
        self._watched: set[Hashable] = set()
        self._reads: set[Hashable] = set()  # what is read ...
        self._writes: dict[Hashable, str] = {}  # ... and what is written: containers, attributes, variables
        self._writes_items = self._mutates = self._captures_arrays = self._captures_nested = False

    def check(self) -> None:
        """Raise `Unguardable` if something read is also written: each call changes it for the next."""
        for place, name in self._writes.items():
            if place in self._reads:
                raise Unguardable(f"it both reads and writes {name}")
        if self._writes_items and (self._captures_arrays or self._reads.intersection(self._containers())):
            raise Unguardable("it writes to items of something and captures an array or a container")
        if self._mutates and self._captures_nested:
            raise Unguardable(
                "it calls a method that changes something, and captures containers in containers"
            )

    def _containers(self) -> set[Hashable]:
        return {place for place in self._reads if isinstance(place, int)}

    def _watch(self, what: str, condition: Condition, once: Hashable = None) -> None:
        """Add a guard; of those with the same `once`, which watch the same name, only the first."""
        if once is None or once not in self._watched:
            self._watched.add(once)
            self._guards.append(Guard(what, condition))

    # -- Functions ---------------------------------------------------------------------------------------

    def callee(
        self, function: Any, name: str, objects: Mapping[str, Any] = NOTHING, called: bool = True
    ) -> None:
        """Read a Python function: its code, defaults, closure and globals; `objects` by its parameters."""
        while hasattr(function, "__traced__"):  # a decorated function is what it decorates
            function = function.__traced__
        if isinstance(function, MethodType):
            return self._method(function, name)
        if isinstance(function, functools.partial):
            return self._partial(function, name)
        if not isinstance(function, FunctionType):
            return self._callable(function, name, called)
        key = (id(function), *((name, id(x)) for name, x in objects.items()))
        if key in self._seen:
            return None
        self._seen.add(key)
        if vars(function).keys() - {"__wrapped__"}:
            raise Unguardable(f"{name} has attributes")
        code, defaults = function.__code__, function.__defaults__
        self._watch(f"function {name}", Defined(function, code, defaults), id(function))
        for value in defaults or ():
            self.value(value, f"a default of {name}")
        for keyword in function.__kwdefaults__ or ():
            self._keyword_default(function, keyword, name)
        self._code(function, objects)

    def _code(self, function: FunctionType, objects: Mapping[str, Any]) -> None:
        code = function.__code__
        _check_opcodes(code)
        usage = usage_of(code, tuple(objects))
        for opcode in usage.stores - {"STORE_SUBSCR"}:
            raise Unguardable(f"{code.co_name} has {opcode.lower().replace('_', ' ')}")
        self._writes_items = self._writes_items or "STORE_SUBSCR" in usage.stores
        self._mutates = self._mutates or usage.mutates
        cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        for use in usage.uses:
            try:
                self._use(use, function, cells, objects)
            except _RandomUse as found:
                raise RandomSource(f"it uses {found.name}", place_of(code, use)) from None

    def _method(self, method: MethodType, name: str) -> None:
        function = method.__func__
        code = getattr(function, "__code__", None)
        if code is None or not code.co_argcount:
            raise Unguardable(f"{name} is a method that cannot be read")
        self.callee(function, name, {code.co_varnames[0]: method.__self__})

    def _partial(self, partial: functools.partial[Any], name: str) -> None:
        for value in (*partial.args, *partial.keywords.values()):
            self.value(value, f"an argument of {name}")
        self.value(partial.func, name)

    def _callable(self, value: Any, name: str, called: bool) -> None:
        """An object with a method `__call__`."""
        call = inspect.getattr_static(type(value), "__call__", None)
        if isinstance(value, type) or not isinstance(call, FunctionType) or not called:
            raise Unguardable(f"{name} is a {type(value).__name__}, not a plain function")
        same = Asked(lambda: inspect.getattr_static(type(value), "__call__", None) is call)
        self._watch(f"the method of `{name}` that is called", same, (id(value), "__call__"))
        self._method(MethodType(call, value), name)

    def _keyword_default(self, function: FunctionType, key: str, name: str) -> None:
        value = (function.__kwdefaults__ or {})[key]
        self._watch(f"a default of {name}", Asked(lambda: (function.__kwdefaults__ or {}).get(key) is value))
        self.value(value, f"a default of {name}")

    # -- Names -------------------------------------------------------------------------------------------

    def _use(
        self, use: Use, function: FunctionType, cells: dict[str, Any], objects: Mapping[str, Any]
    ) -> None:
        if use.name in objects:
            self.value(objects[use.name], use.name, use)
        elif use.name in cells:
            self._cell(cells[use.name], use)
        elif not use.is_global:
            return  # a variable of an enclosing function that is itself being read
        elif use.name in function.__globals__:
            self._global(function.__globals__, use)
        elif use.kind == "effect" and use.name == "print":
            return
        elif getattr(builtins, use.name, None) not in PURE_BUILTINS:
            raise Unguardable(f"it uses {use.name}")
        else:
            self._watch(f"global `{use.name}`", Unbound(function.__globals__, use.name))

    def _global(self, namespace: dict[str, Any], use: Use) -> None:
        value, place = namespace[use.name], (id(namespace), use.name)
        if self._assigned(place, use, value):
            return
        self._watch(f"global `{use.name}`", Bound(namespace, use.name, value), place)
        self.value(value, use.name, use)

    def _cell(self, cell: Any, use: Use) -> None:
        try:
            value = cell.cell_contents
        except ValueError:
            raise Unguardable(f"{use.name} is not defined yet") from None
        if self._assigned((id(cell), None), use, value):
            return
        self._watch(f"closure variable `{use.name}`", Enclosed(cell, value), id(cell))
        self.value(value, use.name, use)

    def _assigned(self, place: Hashable, use: Use, value: Any) -> bool:
        """Whether the use is a statement like `count += 1`, which reads the variable for itself only."""
        if use.kind == "effect" and isinstance(value, IMMUTABLE) and not use.attributes:
            self._writes[place] = use.name
            return True
        self._reads.add(place)
        return False

    # -- Values ------------------------------------------------------------------------------------------

    def value(self, value: Any, name: str, use: Use | None = None, depth: int = 0) -> None:
        """A captured value must be a constant, code we can read, or something we can watch."""
        attributes = use.attributes[depth:] if use is not None else ()
        if use is not None and is_random(value):
            raise _RandomUse(name)
        if isinstance(value, ModuleType):
            self._module(value, name, attributes, use, depth)
        elif isinstance(value, np.ndarray):
            self._array(value, name, use)
        elif attributes and is_derived(value):
            self._attribute(value, name, attributes[0], use, depth)
        elif isinstance(value, tuple | frozenset) and not has_python(value):
            for item in value:
                self.value(item, name)
        elif is_constant(value) or is_pure(value):
            return
        elif isinstance(value, FaceFunction):
            self._watch(f"the default dtype of `{name}`", _keeps_dtype(value), ("dtype", id(value)))
        elif isinstance(value, list | dict | set | deque):
            self._container(value, name, use)
        elif use is not None and use.kind == "effect" and len(attributes) <= 1:
            self._written(value, name, use, attributes)
        elif attributes and not isinstance(value, FunctionType | functools.partial):
            self._attribute(value, name, attributes[0], use, depth)
        elif attributes:
            raise Unguardable(f"it reads {name}.{attributes[0]}")
        else:
            self.callee(value, name, called=use is not None and use.kind == "call")

    def _array(self, value: np.ndarray, name: str, use: Use | None) -> None:
        if use is not None and use.kind == "effect":
            self._writes[id(value)] = name
            return
        if value.dtype.hasobject or type(value) not in _ARRAYS:
            raise Unguardable(f"{name} is a {type(value).__name__} of {value.dtype} from outside")
        self._captures_arrays = True
        self._reads.add(id(value))
        self._watch(f"the contents of `{name}`", Asked(unchanged(value)), ("contents", id(value)))

    def _container(self, value: Any, name: str, use: Use | None) -> None:
        """A list, dict or set: it may be asked for items, or changed; not both, nor get another name."""
        if use is not None and use.kind == "effect":
            self._writes[id(value)] = name
            return
        if use is None or use.kind != "look":
            raise Unguardable(f"{name} is a {type(value).__name__} from outside")
        self._reads.add(id(value))
        items = [*value.keys(), *value.values()] if isinstance(value, dict) else list(value)
        if len(items) > _MOST_ITEMS:
            raise Unguardable(f"{name} has {len(items)} items")
        self._watch(f"the contents of `{name}`", contains(value, items), ("contents", id(value)))
        for item in items:
            nested = isinstance(item, list | dict | set | deque)
            self._captures_nested = self._captures_nested or nested
            self.value(item, f"{name}[...]", use if nested else None, len(use.attributes))

    def _written(self, value: Any, name: str, use: Use, attributes: tuple[str, ...]) -> None:
        """An attribute that is set, or an object such as a logger or a file that is told something."""
        self._writes[(id(value), use.written or attributes)] = f"{name}.{use.written or '.'.join(attributes)}"

    def _attribute(self, value: Any, name: str, attribute: str, use: Use | None, depth: int) -> None:
        """An attribute of an object: its own, or one of its class that is just a value or a method."""
        kind = type(value)
        if is_field(kind, attribute):
            return self.value(getattr(value, attribute), f"{name}.{attribute}", use, depth + 1)
        own = getattr(value, "__dict__", NOTHING)
        shared = inspect.getattr_static(kind, attribute, _ABSENT)
        if "__getattribute__" in vars(kind) or "__getattr__" in vars(kind) or hasattr(shared, "__set__"):
            raise Unguardable(f"it reads {name}.{attribute}, which is computed")
        self._reads.add((id(value), attribute))
        full = f"{name}.{attribute}"
        self._watch(f"the class of `{name}`", Asked(lambda: type(value) is kind), ("class", id(value)))
        if attribute in own:
            found = own[attribute]
            same = Asked(lambda: own.get(attribute, _ABSENT) is found)
            bound = Bound(own, attribute, found) if isinstance(own, dict) else same
            self._watch(f"`{full}`", bound, (id(value), attribute))
        elif shared is not _ABSENT and isinstance(own, dict):
            found = getattr(value, attribute)
            self._watch(f"`{full}`", Unbound(own, attribute), (id(value), attribute))
            self._watch(
                f"`{full}`", Asked(lambda: inspect.getattr_static(kind, attribute, _ABSENT) is shared)
            )
        else:
            raise Unguardable(f"it reads {full}")
        return self.value(found, full, use, depth + 1)

    def _module(
        self, module: ModuleType, name: str, attributes: tuple[str, ...], use: Use | None, depth: int
    ) -> None:
        if not attributes:
            raise Unguardable(f"the module {name} is used as a value")
        attribute = attributes[0]
        if use is not None and use.kind == "effect" and (module.__name__, attribute) == ("warnings", "warn"):
            return
        value = getattr(module, attribute, None)
        if not is_trusted(module.__name__):
            self._watch(f"`{name}.{attribute}`", provides(module, attribute, value))
        self.value(value, f"{name}.{attribute}", use, depth + 1)


def _keeps_dtype(function: FaceFunction) -> Condition:
    """A function of a face depends on its arguments, and on what lists become that are among them."""
    dtype = function.float_dtype
    return Asked(lambda: function.float_dtype is dtype)


def _check_opcodes(code: CodeType) -> None:
    """Raise `Unguardable` for what no reading of names covers."""
    for instruction in _instructions(code):
        trusted = instruction.opname == "IMPORT_NAME" and is_trusted(instruction.argval)
        if instruction.opname in _FORBIDDEN_OPCODES and not trusted:
            raise Unguardable(f"{code.co_name} has {instruction.opname.lower().replace('_', ' ')}")


def _instructions(code: CodeType) -> Iterator[dis.Instruction]:
    """The bytecode of a function and of the functions in it."""
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant)

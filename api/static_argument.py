"""`jit` with `static_argnums` or `static_argnames`: a function of its own for each value of those arguments.

Arguments that Python looks at (integers, strings, functions, ...) are constants of the paths of any decorated
function, so none has to be declared. One that is declared is compared by `==`, is not traced even if it is a
float, and must be hashable, as in JAX. Start at `Specialised`.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from tapejit.argnums import described
from tapejit.function_object import FunctionObject
from tapejit.tracer.handle import Handle

_MOST = 1024  # values of static arguments whose programs are kept


class Specialised(FunctionObject):
    """Calls `make(function with its static arguments bound, positions)`, made once for each of their values.

    The positions are those of the arguments that are bound.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        make: Callable[[Callable[..., Any], Sequence[int]], Any],
        argnums: int | Sequence[int] | None,
        argnames: str | Sequence[str] | None,
    ):
        functools.update_wrapper(self, function, updated=())
        self._function, self._make = function, make
        self.static = self._positions, self._names = places(function, argnums, argnames, "static")
        self._made: OrderedDict[Hashable, Any] = OrderedDict()

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        made, args, kwargs = self._chosen(args, kwargs)
        return made(*args, **kwargs)

    @property
    def __traced__(self) -> Callable[..., Any]:
        return self._function

    def ir(self, *args: Any, **kwargs: Any) -> str:
        """As of `jit`; a call must be given, since static arguments choose the program."""
        return self.stage("ir", *args, **kwargs)

    def source(self, *args: Any, **kwargs: Any) -> str:
        """As of `jit`, for the program of a call."""
        return self.stage("source", *args, **kwargs)

    def stage(self, name: str, *args: Any, **kwargs: Any) -> str:
        """As of `jit`, for the program of a call."""
        made, args, kwargs = self._chosen(args, kwargs)
        text: str = made.stage(name, *args, **kwargs)
        return text

    def explain(self) -> str:
        """What `jit` tells of each value of the static arguments."""
        return "\n".join(f"static arguments {key}\n{made.explain()}" for key, made in self._made.items())

    def _chosen(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        """The function for a call's static arguments, and what else it is called with."""
        places = {k % len(args) for k in self._positions if -len(args) <= k < len(args)}
        fixed: dict[int | str, Any] = {k: args[k] for k in sorted(places)}
        named = {name: kwargs[name] for name in self._names if name in kwargs}
        key = tuple((place, self._key(place, x)) for place, x in (fixed | named).items())
        rest = tuple(x for k, x in enumerate(args) if k not in places)
        return self._of(key, fixed, named), rest, {k: x for k, x in kwargs.items() if k not in named}

    def _of(self, key: Hashable, fixed: dict[int | str, Any], named: dict[str, Any]) -> Any:
        made = self._made.get(key)
        if made is None:
            positions = [k for k in fixed if isinstance(k, int)]
            made = self._made[key] = self._make(_bound(self._function, fixed, named), positions)
            while len(self._made) > _MOST:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return made

    def _key(self, place: int | str, x: Any) -> Hashable:
        """x as a key; equal numbers of different types are two."""
        if isinstance(x, Handle) or not _is_hashable(x):
            raise TypeError(
                f"static argument {place!r} of {described(self._function)} must be hashable, got "
                f"{type(x).__name__}; arrays, lists and dicts are arguments like others: leave it out"
            )
        return _typed(x)


def _is_hashable(x: Any) -> bool:
    try:
        hash(x)
    except TypeError:
        return False
    return True


def _typed(x: Any) -> Hashable:
    if isinstance(x, tuple):
        return type(x), tuple(map(_typed, x))
    return type(x), repr(x) if isinstance(x, float | complex) else x


def _listed(given: Any, kind: type, said: str) -> tuple[Any, ...]:
    """One or several of a kind, or None, as a tuple."""
    found = () if given is None else (given,) if isinstance(given, kind) else given
    if isinstance(found, list | tuple) and all(isinstance(x, kind) and type(x) is not bool for x in found):
        return tuple(found)
    raise TypeError(f"{said} arguments are told by {kind.__name__}, or a tuple of such, got {given!r}")


def places(
    function: Callable[..., Any],
    argnums: int | Sequence[int] | None,
    argnames: str | Sequence[str] | None,
    said: str,
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Positions and names: an argument that is declared by the one may be given by the other.

    `said`: what they are declared to be. TypeError if they are not told by integers and by names, ValueError
    if the function has no such argument.
    """
    return _places(function, _listed(argnums, int, said), _listed(argnames, str, said), said)


def _places(
    function: Callable[..., Any], argnums: tuple[int, ...], argnames: tuple[str, ...], said: str
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return argnums, argnames
    kinds = {p.kind for p in parameters}
    ordered = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    strange: list[Any] = [k for k in argnums if not -len(ordered) <= k < len(ordered)]
    strange = [] if inspect.Parameter.VAR_POSITIONAL in kinds else strange
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        strange += [name for name in argnames if name not in (p.name for p in parameters)]
    if strange:
        raise ValueError(f"{described(function)} has no argument {strange[0]!r}, which is said to be {said}")
    own = {ordered[k] for k in argnums if -len(ordered) <= k < len(ordered)} | set(argnames)
    further = (k for k in argnums if not -len(ordered) <= k < len(ordered))
    return (*(k for k, name in enumerate(ordered) if name in own), *further), tuple(sorted(own))


def _bound(
    function: Callable[..., Any], fixed: dict[int | str, Any], named: dict[str, Any]
) -> Callable[..., Any]:
    """`function` of its other arguments."""

    @functools.wraps(function, updated=())
    def bound(*args: Any, **kwargs: Any) -> Any:
        rest = iter(args)
        whole = [fixed[k] if k in fixed else next(rest) for k in range(len(args) + len(fixed))]
        return function(*whole, **named, **kwargs)

    bound.__traced__ = function  # type: ignore[attr-defined]  # what guards have to watch: the rest is fixed
    return bound

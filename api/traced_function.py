"""What all decorated functions are: a Python function with a trie of its own, and a memory of its paths.

A call runs the Python on a tape, or a replay that fits in its place. Each kind of decorated function says how
it traces, and how results become those of the call (`function`). Start at `TracedFunction.__call__`.
"""

from __future__ import annotations

import functools
import inspect
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import optree

from tapejit import tree
from tapejit.argnums import described, name_of
from tapejit.container import Containers
from tapejit.engine import DECORATED, TRACING, Engine
from tapejit.function_object import FunctionObject
from tapejit.inspection import Inspection
from tapejit.memory import Call, Memory
from tapejit.replay import MISS
from tapejit.result import Pack
from tapejit.tracer.errors import EscapedArrayWarning
from tapejit.tracer.escape import Leftovers, watch_pending
from tapejit.tracer.handle import Handle
from tapejit.tracer.state import STATE
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import Trie
from tapejit.written import written_arguments


class TracedFunction(FunctionObject):
    """A function that is traced, compiled and cached when it is called."""

    __slots__ = ("__dict__", "__weakref__", "memory")

    def __init__(self, function: Callable[..., Any], engine: Engine = DECORATED):
        if not callable(function):
            raise TypeError(f"expected a function, got {type(function).__name__}")
        if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
            raise TypeError(
                f"{described(function)} runs when its result is used, after the call, and cannot be traced: "
                "return a list in place of `yield`, and do not declare it `async`"
            )
        functools.update_wrapper(self, function, updated=())
        self._function = function
        self._engine, self._trie = engine, Trie(TRACING)
        self._warned = False  # that it stores arrays outside
        code = getattr(inspect.unwrap(function), "__code__", None)
        self._parameters: tuple[str, ...] = code.co_varnames[: code.co_argcount] if code else ()
        self.inspection = Inspection(self._name())
        self.memory = Memory(self._where(), function, self._parameters, engine)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if STATE.tape is None:
            shortcut = self.memory.shortcut
            if shortcut is not None and not kwargs:
                _quicken()
                result = shortcut(*args)
                if result is not MISS:
                    return result
            result = self.memory.run(args if not kwargs else tree.with_keywords(args, kwargs))
            if result is not MISS:
                return result
            given = tree.plain((args, kwargs))
            if given is not None:
                containers = Containers((args, kwargs), given)
                result = tree.ours(self(*given[0], **given[1]))
                containers.take_back()
                return containers.carry_over(result, keep=True)
            result = self._traced_call(args, kwargs)
            self._expire_leftovers()
            return result
        return self._traced_call(args, kwargs)

    @property
    def __traced__(self) -> Callable[..., Any]:
        return self._function

    def explain(self) -> str:
        """Why the Python ran each time it did, which paths are known, and how often each was taken.

        >>> import numpy as np, tapejit as tj
        >>> f = tj.jit(lambda x: x * 2.0)
        >>> _ = f(np.ones(3)), f(np.ones(3)), f(np.ones(4))
        >>> print(f.explain().splitlines()[1])
          trace 1: first call
        """
        return self.memory.explain()

    def _traced_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the Python, tracing it."""
        raise AssertionError("each kind of traced function has its own")

    def ir(self, *args: Any, **kwargs: Any) -> str:
        """The IR of the last call's trace (of a call with `args`, if any are given), canonicalised."""
        return self._stage("ir", args, kwargs)

    def adjoint_ir(self, *args: Any, **kwargs: Any) -> str:
        """The IR of its adjoint: the program that computes value and gradient together."""
        return self._stage("adjoint", args, kwargs)

    def source(self, *args: Any, **kwargs: Any) -> str:
        """The Python source that was emitted for Numba."""
        return self._stage("source", args, kwargs)

    def stage(self, name: str, *args: Any, **kwargs: Any) -> str:
        """Any stage by name: trace, ir, adjoint, schedule, source, llvm or asm."""
        return self._stage(name, args, kwargs)

    def _stage(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        if args or kwargs:
            self(*args, **kwargs)
        return self.inspection.text(name)

    def _names_of(self, args: Sequence[Any]) -> dict[int, str]:
        """What the function calls its array arguments; `w_0` for a leaf of a pytree."""
        names = {}
        for name, arg in zip(self._parameters, args, strict=False):
            leaves = optree.tree_leaves(arg)
            for i, leaf in enumerate(leaves):
                names[id(leaf)] = name if leaf is arg else f"{name}_{i}"
        return names

    def _where(self) -> str:
        return described(self._function)

    def _name(self) -> str:
        return name_of(self._function)

    @contextmanager
    def _recording(self, args: Sequence[Any], ours: bool) -> Iterator[Tape]:
        """A tape for one call; the outer tape, if there is one, is its parent.

        Its segments are kept where a replay may be learnt from them: not if arrays of `ours` go in,
        since those that come out would keep the whole history of their making.
        """
        outer = STATE.tape
        learns = not ours if outer is None else outer.cuts is not None
        tape = Tape(self._trie, outer, self._names_of(args), keep_cuts=learns)
        if learns and outer is None:
            tape.leftovers = self._watched(args)
        STATE.tape = tape
        try:
            yield tape
        finally:
            STATE.tape = outer
            STATE.finished = tape if outer is None else None
            tape.active = None

    def _watched(self, args: Sequence[Any]) -> Leftovers:
        leftovers = Leftovers()
        names = self._names_of(args)
        for leaf in tree.flatten(tuple(args))[0]:
            if isinstance(leaf, Handle):
                leftovers.watch_argument(leaf, names.get(id(leaf), "of the call"))
        return leftovers

    def _expire_leftovers(self) -> None:
        """What the function stored outside of the arrays it traced cannot be used; warn about it once."""
        tape, STATE.finished = STATE.finished, None
        if tape is None or tape.leftovers is None:
            return
        watch_pending(tape)
        leftovers = tape.leftovers
        tape.release()
        places = leftovers.expire(self._where(), collect=not self._warned)
        if places and not self._warned:
            self._warned = True
            warnings.warn(
                f"{self._where()} stored an array made at {places[0]} outside; calls that run no Python do "
                "not store it, and using it raises an error: return it instead",
                EscapedArrayWarning,
                stacklevel=3,
            )

    def _answer(self, call: Call, compute: Callable[[], Any]) -> Any:
        """Learn from a call and answer it by its path, as later calls on it will be.

        If that cannot be, `compute` what was recorded.
        """
        call.tape.conclude()
        replay = self.memory.learn(call, lambda handles, places: self._pack(call, handles, places))
        if replay is not None:
            result = replay.first(call.args)
            if result is not MISS:
                self.inspection.saw(call.tape, replay.program, bool(call.variables))
                return result
        elif self.memory.python_stays and self._trie.engine is not self._engine:
            self._trie = Trie(self._engine)  # Python runs each time: now its segments are worth compiling
        result = compute()
        self.inspection.saw(call.tape)
        leaves = tree.flatten(call.args)[0]
        for k, handle in call.written.items():
            np.copyto(leaves[k], handle.materialise())
        return result

    def _written(self, given: Any, traced: Any) -> dict[int, Handle]:
        leaves = tree.flatten(given)[0], tree.flatten(tuple(traced))[0]
        return written_arguments(*leaves, self._where())

    def _pack(self, call: Call, handles: Sequence[Handle], places: Sequence[int]) -> Pack:
        """How the values of `handles`, then the gradients, become the result of the call.

        `places`: per variable, which of the gradients is its own.
        """
        raise AssertionError("each kind of traced function has its own")


@cache
def _quicken() -> None:
    """From now on decorated functions are called by machine code, and by Python if they have no shortcut."""
    from tapejit.runtime.method_writer import Dispatch, method_of  # llvmlite: not at import time

    way = (vars(TracedFunction)["memory"], vars(Memory)["shortcut"])
    dispatch = Dispatch(way, STATE, "tape", MISS, TracedFunction.__call__)
    method = method_of(TracedFunction, "__call__", dispatch)
    if method is not None:
        TracedFunction.__call__ = method  # type: ignore[method-assign]

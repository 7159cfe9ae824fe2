"""A method in machine code: `owner(*args)` goes to a builtin that the owner holds, else to a Python function.

`Dispatch` says which. It takes no frame of Python, no tuple of arguments and no dict of keywords.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ll

from tapejit.runtime.assembler import Assembler
from tapejit.runtime.c_api import CApi
from tapejit.runtime.slot import offset_of
from tapejit.runtime.thread_local import attribute, key_of


@dataclass(frozen=True)
class Dispatch:
    """The builtin lies at the end of the slots `way`; it is called unless it is None.

    It is not if there are keywords, or `state` has another `attribute` than None in this thread. What it
    gives is the result, unless that is `missed`. Then, and in all other cases,
    `otherwise(owner, *args, **kwargs)` is.
    """

    way: tuple[Any, ...]
    state: threading.local
    attribute: str
    missed: Any
    otherwise: Callable[..., Any]


def method_of(kind: type, name: str, dispatch: Dispatch) -> Any:
    """The method as a descriptor for this class; None if this process cannot have it."""
    api = CApi.found()
    return None if api is None else _Writer(api, name, dispatch).built(kind, name)


class _Writer:
    """The method under construction."""

    def __init__(self, api: CApi, name: str, dispatch: Dispatch):
        self.code, self.dispatch = Assembler(api, f"tapejit{name}", keywords=True), dispatch
        self._owner, self._args, self._count, self._keywords = self.code.function.args
        self._otherwise, self._failed = (self.code.function.append_basic_block() for _ in range(2))

    def built(self, kind: type, name: str) -> Any:
        """The descriptor."""
        code = self.code
        code.require(code.same(self._keywords, code.null), self._otherwise)
        self._require_rest()
        self._try(self._builtin())
        self._write_exits()
        return code.finish_method(kind, name)

    def _require_rest(self) -> None:
        """Go on if the attribute of the state, by its class None, is that in this thread."""
        code, state, name = self.code, self.dispatch.state, self.dispatch.attribute
        key = key_of(state)
        if key is None:
            where = code.object(state), code.object(name)
            found = code.made("PyObject_GetAttr", *where, otherwise=self._failed)
            code.call("Py_DecRef", found)  # None lives on, and nothing else is looked at
        else:
            found = attribute(code, state, key, name, self._otherwise)
            found = code.builder.select(code.same(found, code.null), code.object(None), found)
        code.require(code.same(found, code.object(None)), self._otherwise)

    def _builtin(self) -> ll.Value:
        """What lies at the end of the way, if it is not None."""
        code, found = self.code, self._owner
        for slot in self.dispatch.way:
            found = code.field(found, offset_of(slot))
            code.require(code.builder.icmp_unsigned("!=", found, code.null), self._otherwise)
        code.require(code.builder.icmp_unsigned("!=", found, code.object(None)), self._otherwise)
        return found

    def _try(self, builtin: ll.Value) -> None:
        """Return what it gives, unless that is `missed`."""
        code = self.code
        code.call("Py_IncRef", builtin)  # another one may take its place meanwhile
        result = code.call("PyObject_Vectorcall", builtin, self._args, self._count, code.null)
        code.call("Py_DecRef", builtin)
        missed = code.same(result, code.object(self.dispatch.missed))
        with code.builder.if_then(code.builder.not_(missed), likely=True):
            code.builder.ret(result)
        code.call("Py_DecRef", result)
        code.builder.branch(self._otherwise)

    def _write_exits(self) -> None:
        code, builder = self.code, self.code.builder
        builder.position_at_end(self._otherwise)
        function = code.object(self.dispatch.otherwise)
        bound = code.made("PyMethod_New", function, self._owner, otherwise=self._failed)
        result = code.call("PyObject_Vectorcall", bound, self._args, self._count, self._keywords)
        code.call("Py_DecRef", bound)
        builder.ret(result)
        builder.position_at_end(self._failed)
        builder.ret(code.null)

"""The pipeline: the one place where tracer, IR, code generation and runtime meet.

`Engine.program` takes a function from the tracer through canonicalisation to an `Executable`, and
hands that the way to compile itself. Each arrow is one function; `stages` names them for `dump`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from tapejit import codegen, runtime
from tapejit.ir.function import Function
from tapejit.ir.passes.pipeline import prepared
from tapejit.ir.signature import NOWHERE, Signature, signature_of
from tapejit.runtime.cache import CacheCounters, ProgramCache
from tapejit.runtime.family import Built, Families
from tapejit.runtime.program import Executable
from tapejit.runtime.step import builtins_of
from tapejit.runtime.template import Template, template_of
from tapejit.runtime.threads import Threads, threads_from_environment
from tapejit.runtime.workspace import Workspace
from tapejit.tracer.engine import Finish, Step
from tapejit.tracer.step import SLOTS
from tapejit.tracer.trie import Trie

if TYPE_CHECKING:
    from tapejit.runtime.loader import Loader, NativeProgram
    from tapejit.runtime.store import Store

Tier = Literal["interpret", "compile", "auto"]
TIERS = ("interpret", "compile", "auto")


def tier_from_environment() -> Tier:
    """`TAPEJIT_TIER`; unset "auto", or "interpret" if Numba is to compile nothing. ValueError for others."""
    numba_is_off = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
    tier = os.environ.get("TAPEJIT_TIER") or ("interpret" if numba_is_off else "auto")
    if tier not in TIERS:
        raise ValueError(f"TAPEJIT_TIER is {tier!r}; set it to one of {', '.join(TIERS)}")
    return cast(Tier, tier)


class Compiler:
    """From functions by their source to native programs. Imports what it needs when it is first used."""

    def __init__(self, threads: Threads, workspace: Workspace):
        self._threads, self._workspace = threads, workspace

    def template(self, function: Function, signature: Signature) -> Template:
        """The general source, cut at its numbers."""
        from tapejit.codegen.emit import compile_source
        from tapejit.codegen.vocabulary import TAKE_LITERALS

        return template_of(compile_source(function, signature, general=True), TAKE_LITERALS)

    def special(self, function: Function, signature: Signature) -> NativeProgram:
        """A program for these very sizes."""
        from tapejit.codegen.emit import compile_source

        return self._loader.load(compile_source(function, signature), "program", signature)

    def general(self, source: str, signature: Signature) -> NativeProgram | None:
        """A program that takes sizes at run time; None if Numba must know one of them."""
        return self._loader.load_general(source, "program", signature)

    def is_stored(self, function: Function, signature: Signature) -> bool:
        """Whether a program for these sizes is on disk; no as long as Numba is not needed otherwise."""
        from tapejit.codegen.emit import compile_source

        if "_loader" not in vars(self) or self._store is None:
            return False
        return self._store.holds(compile_source(function, signature), signature)

    @cached_property
    def _loader(self) -> Loader:
        from tapejit.codegen.vocabulary import VOCABULARY
        from tapejit.runtime.loader import Loader

        return Loader(VOCABULARY, self._threads, self._workspace, store=self._store)

    @cached_property
    def _store(self) -> Store | None:
        from tapejit.runtime.disk_cache import disk_cache_from_environment
        from tapejit.runtime.store import Store

        disk = disk_cache_from_environment()
        folders = [Path(folder) for package in (codegen, runtime) for folder in package.__path__]
        return None if disk is None else Store(disk, folders)


class Engine:
    """Makes programs of functions; owns the program cache and the compiler."""

    def __init__(self, tier: Tier, share: Engine | None = None):
        self.tier: Tier = tier
        self._cache: ProgramCache = share._cache if share else ProgramCache()
        self._families: Families = share._families if share else Families()
        self.threads: Threads = share.threads if share else Threads(threads_from_environment())
        self.workspace: Workspace = share.workspace if share else Workspace()
        self._compiler: Compiler = share._compiler if share else Compiler(self.threads, self.workspace)

    def program(
        self,
        function: Function,
        by_value: frozenset[int],
        accumulate: frozenset[int],
        homes: Mapping[int, int] = NOWHERE,
        guards: tuple[int, ...] = (),
    ) -> Executable:
        """An executable of `function`, canonicalised."""
        lean = prepared(function)
        signature = signature_of(lean, by_value, accumulate, homes, guards)
        return Executable(lean, signature, self, self._cache, self.tier)

    def builtins(self) -> tuple[Step, Finish] | None:
        """Builtins for recording, unless nothing is to be compiled."""
        return None if self.tier == "interpret" else builtins_of(SLOTS)

    def counters(self) -> CacheCounters:
        """How many programs were compiled and how often one was reused."""
        return self._cache.counters()

    def build(self, function: Function, signature: Signature) -> Built:
        """A native program of `function`."""
        return self._families.build(function, signature, self._compiler)

    def find(self, function: Function, signature: Signature) -> NativeProgram | None:
        """A native program of `function`, if there is one that takes its sizes, or one for them on disk."""
        found = self._families.find(function, signature, self._compiler)
        if found is None and self._compiler.is_stored(function, signature):
            found = self.build(function, signature).program
        return found


TIER = tier_from_environment()
ENGINE = Engine(TIER)
TRIE = Trie(ENGINE)  # of everything recorded imperatively
# Tracing a decorated function is interpreted: the path as a whole is compiled, and answers this very call.
TRACING = Engine("compile" if TIER == "compile" else "interpret", share=ENGINE)
DECORATED = Engine("compile" if TIER == "auto" else TIER, share=ENGINE)  # decorated functions compile at once


def cache_info() -> CacheCounters:
    """Programs compiled, runs of a program that was there, and runs in the interpreter, so far.

    >>> import tapejit as tj
    >>> before = tj.cache_info()
    >>> before.compiled >= 0
    True
    """
    return ENGINE.counters()

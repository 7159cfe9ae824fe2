"""The pipeline: the one place where tracer, IR, code generation and runtime meet.

`Engine.program` takes a function from the tracer through canonicalisation to an `Executable`, and
hands that the way to compile itself. Each arrow is one function; `stages` names them for `dump`.
"""

from __future__ import annotations

import os
from typing import Literal, cast

from tapejit.ir.function import Function
from tapejit.ir.passes.dissolve import dissolve
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.signature import Signature, signature_of
from tapejit.runtime.cache import CacheCounters, ProgramCache
from tapejit.runtime.loader import Loader, NativeProgram
from tapejit.runtime.program import Executable
from tapejit.runtime.threads import Threads, threads_from_environment
from tapejit.tracer.trie import Trie

Tier = Literal["interpret", "compile", "auto"]
TIERS = ("interpret", "compile", "auto")


def tier_from_environment() -> Tier:
    """`TAPEJIT_TIER`, "auto" when unset; ValueError for anything else."""
    tier = os.environ.get("TAPEJIT_TIER", "auto")
    if tier not in TIERS:
        raise ValueError(f"TAPEJIT_TIER is {tier!r}; set it to one of {', '.join(TIERS)}")
    return cast(Tier, tier)


class Engine:
    """Makes programs of functions; owns the program cache and the loader."""

    def __init__(self, tier: Tier, share: Engine | None = None):
        self.tier: Tier = tier
        self._cache: ProgramCache = share._cache if share else ProgramCache()
        self._loader: Loader | None = share._loader if share else None
        self.threads: Threads = share.threads if share else Threads(threads_from_environment())

    def program(
        self,
        function: Function,
        by_value: frozenset[int],
        accumulate: frozenset[int],
    ) -> Executable:
        """An executable of `function`, canonicalised."""
        lean = canonicalise(dissolve(function))
        signature = signature_of(lean, by_value, accumulate)
        return Executable(lean, signature, self._build, self._cache, self.tier)

    def counters(self) -> CacheCounters:
        """How many programs were compiled and how often one was reused."""
        return self._cache.counters()

    def _build(self, function: Function, signature: Signature) -> NativeProgram:
        from tapejit.codegen.emit import compile_source
        from tapejit.codegen.vocabulary import (  # llvmlite: not at import time
            VOCABULARY,
            shorter_vocabulary,
        )

        if self._loader is None:
            self._loader = Loader(VOCABULARY, shorter_vocabulary, self.threads)
        return self._loader.load(compile_source(function, signature), "program", signature)


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

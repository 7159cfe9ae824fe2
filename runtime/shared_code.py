"""Functions of the vocabulary that programs share: compiled once for a process, when a program names one.

What a program names, the vocabulary defines: a module of LLVM IR for a function and its variants for vectors.
Its machine code is kept on disk like that of programs, and stays as long as the process: programs of every
loader call it. Start with `SharedCode.provide`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from tapejit.runtime.store import Store


@dataclass(frozen=True)
class Registers:
    """Those for vectors: how many bytes each holds, and how many there are."""

    bytes: int
    count: int


class Definitions(Protocol):
    """Where the functions come from."""

    def home(self, symbol: str) -> str | None:
        """The module that defines `symbol`, by name; None if that is none of the vocabulary."""

    def definition(self, home: str, registers: Registers, /) -> Any:
        """The module, of `llvmlite.ir`, for a processor with such registers for vectors."""


@dataclass(frozen=True)
class SharedObject:
    """The machine code of a module, the symbols it defines and those it needs."""

    defined: list[str]
    needed: list[str]
    code: bytes

    def packed(self) -> bytes:
        """As bytes."""
        return json.dumps([self.defined, self.needed]).encode() + b"\n" + self.code

    @classmethod
    def unpacked(cls, content: bytes) -> SharedObject:
        """From `packed`."""
        line, _, code = content.partition(b"\n")
        defined, needed = json.loads(line)
        return cls(defined, needed, code)


class SharedCode:
    """Has functions of a vocabulary known to LLVM by their symbols."""

    def __init__(self, vocabulary: Definitions, store: Store | None = None):
        self._vocabulary, self._store = vocabulary, store

    def provide(self, symbols: Iterable[str]) -> None:
        """Have those of the symbols known that the vocabulary defines, and what they call themselves."""
        import llvmlite.binding

        for symbol in symbols:
            home = self._vocabulary.home(symbol)
            if home is not None and llvmlite.binding.address_of_symbol(symbol) is None:
                self._load(self._found(home))

    def provide_for(self, module: Any) -> None:
        """The same for what a module of `llvmlite.ir` declares."""
        self.provide([f.name for f in module.functions if not f.blocks])

    def _found(self, home: str) -> SharedObject:
        """What another process compiled, or this one does."""
        if self._store is None:
            return _compiled(self._vocabulary.definition(home, self._registers))
        key = self._store.key_of(home)
        kept = self._store.kept(key)
        if kept is not None:
            return SharedObject.unpacked(kept)
        compiled = _compiled(self._vocabulary.definition(home, self._registers))
        self._store.keep(key, compiled.packed(), f"# {home}\n")
        return compiled

    def _load(self, shared: SharedObject) -> None:
        import llvmlite.binding

        from tapejit.runtime.object_code import linked  # llvmlite: not at import time

        self.provide(shared.needed)
        for name, address in zip(shared.defined, linked(shared.code, *shared.defined), strict=True):
            llvmlite.binding.add_symbol(name, address)

    @cached_property
    def _registers(self) -> Registers:
        """As wide as LLVM prefers them: half of what Intel's widest hold."""
        import llvmlite.binding
        from numba.core.registry import cpu_target

        codegen = cpu_target.target_context.codegen()
        features, processor = codegen._tm_features.split(","), codegen._get_host_cpu_name()
        wide = "+avx512f" in features and processor.startswith("znver")
        many = "+avx512vl" in features or llvmlite.binding.get_process_triple().startswith(
            ("aarch64", "arm64")
        )
        some = any(feature.startswith("+avx") for feature in features)  # AVX2 implies AVX
        return Registers(64 if wide else 32 if some else 16, 32 if many else 16)


def _compiled(module: Any) -> SharedObject:
    """Compiled for the processor that Numba compiles for. Sums of products are contracted as there."""
    from numba.core.cpu_options import FastMathOptions
    from numba.core.fastmathpass import rewrite_module

    rewrite_module(module, FastMathOptions({"contract"}))
    defined = [f.name for f in module.functions if f.blocks and f.linkage != "internal"]
    return SharedObject(defined, [f.name for f in module.functions if not f.blocks], _object_code(module))


def _object_code(module: Any) -> bytes:
    import llvmlite.binding
    from numba.core.registry import cpu_target

    machine = cpu_target.target_context.codegen()._tm
    parsed = llvmlite.binding.parse_assembly(str(module))
    parsed.verify()
    options = llvmlite.binding.create_pipeline_tuning_options(speed_level=1)
    passes = llvmlite.binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(parsed, passes)
    return bytes(machine.emit_object(parsed))

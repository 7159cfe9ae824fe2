"""Functions of the vocabulary that programs share: compiled once for a process, when a program names one.

What a program names, the vocabulary defines: a module of LLVM IR for a function and its variants for vectors.
Its machine code stays as long as the process: programs of every loader call it. Start with
`SharedCode.provide`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Protocol


class Definitions(Protocol):
    """Where the functions come from."""

    def definition(self, symbol: str, register: int) -> Any:
        """A module of `llvmlite.ir` that defines `symbol`; None if that is none of the vocabulary.

        A register for vectors holds `register` bytes.
        """


class SharedCode:
    """Has functions of a vocabulary known to LLVM by their symbols."""

    def __init__(self, vocabulary: Definitions):
        self._vocabulary = vocabulary

    def provide(self, symbols: Iterable[str]) -> None:
        """Have those of the symbols known that the vocabulary defines, and what they call themselves."""
        import llvmlite.binding

        for symbol in symbols:
            if llvmlite.binding.address_of_symbol(symbol) is None:
                module = self._vocabulary.definition(symbol, self._register)
                if module is not None:
                    self._load(module)

    def provide_for(self, module: Any) -> None:
        """The same for what a module of `llvmlite.ir` declares."""
        self.provide([f.name for f in module.functions if not f.blocks])

    def _load(self, module: Any) -> None:
        import llvmlite.binding
        from numba.core.registry import cpu_target

        self.provide_for(module)
        engine = cpu_target.target_context.codegen()._engine._ee
        engine.add_object_file(llvmlite.binding.ObjectFileRef.from_data(_compiled(module)))
        engine.finalize_object()
        for function in module.functions:
            if function.blocks and function.linkage != "internal":
                address = engine.get_function_address(function.name)
                llvmlite.binding.add_symbol(function.name, address)

    @cached_property
    def _register(self) -> int:
        """The bytes of the vectors that LLVM prefers: half of what Intel's widest registers hold."""
        from numba.core.registry import cpu_target

        codegen = cpu_target.target_context.codegen()
        features, processor = codegen._tm_features.split(","), codegen._get_host_cpu_name()
        if "+avx512f" in features and processor.startswith("znver"):
            return 64
        return 32 if "+avx" in features else 16


def _compiled(module: Any) -> bytes:
    """The object file for the processor that Numba compiles for. Sums of products are contracted as there."""
    import llvmlite.binding
    from numba.core.cpu_options import FastMathOptions
    from numba.core.fastmathpass import rewrite_module
    from numba.core.registry import cpu_target

    rewrite_module(module, FastMathOptions({"contract"}))
    machine = cpu_target.target_context.codegen()._tm
    parsed = llvmlite.binding.parse_assembly(str(module))
    parsed.verify()
    options = llvmlite.binding.create_pipeline_tuning_options(speed_level=1)
    passes = llvmlite.binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(parsed, passes)
    return bytes(machine.emit_object(parsed))

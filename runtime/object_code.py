"""Object files as code of this process, without the compiler that made them: LLVM links them.

All lie in one engine, and stay as long as the process. Start with `linked`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import llvmlite.binding as llvm


def known(symbols: Iterable[str]) -> bool:
    """Whether all of these have an address in this process."""
    _engine()  # which makes LLVM look into the process
    return all(llvm.address_of_symbol(symbol) is not None for symbol in symbols)


def linked(code: bytes, *symbols: str) -> list[int]:
    """The addresses of the symbols that an object file defines; 0 for one that it does not."""
    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return [engine.get_function_address(symbol) for symbol in symbols]


@cache
def _engine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)

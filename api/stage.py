"""The last stages of one program as text: schedule, source, LLVM IR, assembly. See `inspection`."""

from __future__ import annotations

from collections.abc import Callable

from tapejit.runtime.program import Executable

STAGES = ("trace", "ir", "adjoint", "residuals", "schedule", "source", "llvm", "asm")


def check_stage(name: str) -> None:
    """ValueError for a stage that does not exist."""
    if name not in STAGES:
        raise ValueError(f"unknown stage {name!r}; choose one of {', '.join(STAGES)}")


def schedule_text(program: Executable) -> str:
    """The loop nests, and which operations share each."""
    from tapejit.codegen.describe import describe  # not at import time: codegen imports llvmlite
    from tapejit.codegen.schedule import schedule

    return describe(schedule(program.function, program.signature))


def source_text(program: Executable) -> str:
    """The Python that Numba compiles."""
    from tapejit.codegen.emit import compile_source

    return compile_source(program.function, program.signature)


def llvm_text(program: Executable) -> str:
    """What LLVM made of it."""
    return program.compile().llvm()


def asm_text(program: Executable) -> str:
    """The machine code."""
    return program.compile().asm()


PROGRAM_STAGES: dict[str, Callable[[Executable], str]] = {
    "schedule": schedule_text,
    "source": source_text,
    "llvm": llvm_text,
    "asm": asm_text,
}

"""Calls of linear algebra: one routine of the runtime per instruction, on whole arrays.

A routine takes sizes, operands and results in a row of memory each, and says whether it failed. Which line of
the user's that was, the runtime finds out (`runtime.program`); the program only raises.
"""

from __future__ import annotations

from collections.abc import Iterator

from tapejit.codegen.control import Lines, Site
from tapejit.codegen.level import INDENT
from tapejit.codegen.memory import Array, Home, Register
from tapejit.ir.emission import Library


def library(site: Site) -> tuple[list[Home], Lines]:
    """The memory of the results, and the lines of the call."""
    emission = site.instr.primitive.emission
    assert isinstance(emission, Library)
    results = [_room(site, k) for k in range(len(site.instr.results))]
    site.make(*results)
    operands = [_in_memory(site, k) for k in range(len(site.operands))]

    def lines() -> Iterator[str]:
        for array, home in zip(operands, site.operands, strict=True):
            if isinstance(home, Register):
                yield f"{array.name}[0] = {home.name}"
        extras = [results[k] for k in emission.extras]
        wanted = [any(a.needed for a in extras)] if extras else []
        if extras and not wanted[0]:
            for array in extras:
                array.size = 0
        yield from _call(site, emission, [*wanted], [*operands, *results])

    return list(results), lines


def _call(site: Site, emission: Library, wanted: list[bool], arrays: list[Array]) -> Iterator[str]:
    """The call, and what follows a failure."""
    sizes = emission.sizes(*(v.type for v in site.instr.operands), **site.instr.attrs)
    arguments = [*map(repr, (*sizes, *wanted)), *(array.name for array in arrays)]
    typed = site.instr.results if emission.of_result else site.instr.operands
    call = f"{emission.routine}_{typed[0].type.dtype}({', '.join(arguments)})"
    if emission.failure is None or not site.instr.attrs.get("strict", True):
        yield call
    else:
        yield f"if {call}:"
        yield f"{INDENT}raise LinAlgError({emission.failure!r})"


def _room(site: Site, k: int) -> Array:
    """Memory for a result."""
    value = site.instr.results[k]
    name = site.names.fresh(value.name or site.instr.primitive.name)
    return Array(name, value.type.size, value.type.dtype, temporary=True)


def _in_memory(site: Site, k: int) -> Array:
    """An operand in memory, a single element too."""
    home = site.operands[k]
    if isinstance(home, Array):
        return home
    emission = site.instr.primitive.emission
    assert isinstance(emission, Library)
    dtype = site.instr.operands[emission.reads[k]].type.dtype
    array = Array(site.names.fresh("element"), 1, dtype)
    site.make(array)
    return array

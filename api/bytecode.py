"""The instructions of a function as Python 3.11 has them: one variable each.

Python 3.13 joins neighbours that load or store variables of the function (`LOAD_FAST_LOAD_FAST`), and there
are further kinds of loads. Whoever looks for what a function reads sees none of that here.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType

_ONE = {
    "LOAD_FAST_CHECK": "LOAD_FAST",
    "LOAD_FAST_AND_CLEAR": "LOAD_FAST",
    "LOAD_FAST_BORROW": "LOAD_FAST",
}
_TWO = {
    "LOAD_FAST_LOAD_FAST": ("LOAD_FAST", "LOAD_FAST"),
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": ("LOAD_FAST", "LOAD_FAST"),
    "STORE_FAST_LOAD_FAST": ("STORE_FAST", "LOAD_FAST"),
    "STORE_FAST_STORE_FAST": ("STORE_FAST", "STORE_FAST"),
}


def instructions(code: CodeType) -> Iterator[dis.Instruction]:
    """The instructions of `code`; the second of two that were joined has an odd offset."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in _TWO:
            yield from _apart(instruction)
        else:
            yield _named(instruction, _ONE.get(instruction.opname, instruction.opname))


def _apart(joined: dis.Instruction) -> Iterator[dis.Instruction]:
    for k, (name, variable) in enumerate(zip(_TWO[joined.opname], joined.argval, strict=True)):
        yield _named(joined._replace(argval=variable, argrepr=variable, offset=joined.offset + k), name)


def _named(instruction: dis.Instruction, name: str) -> dis.Instruction:
    if instruction.opname == name:
        return instruction
    return instruction._replace(opname=name, opcode=dis.opmap[name])

"""What LLVM is told about loops: those of some tens of cheap iterations stay loops until they are vectorised.

Otherwise LLVM unrolls such a loop early, as a whole. The loop around it is then the innermost one, and that
is what it vectorises, with a gather for every load: a product of a matrix of 50 columns with a vector takes
four times as long. Once vectorised, a loop may be unrolled as LLVM likes. Start with `stay_loop`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import llvmlite.ir as ll
from llvmlite.ir.instructions import AllocaInstr

LEAST = 16  # iterations: fewer do not fill registers, and straight-line code is better
MOST = 300  # instructions that LLVM unrolls a loop into (`-unroll-threshold` at -O3)
HINTS = ("llvm.loop.unroll.disable", "llvm.loop.vectorize.followup_all")


def stay_loop(back: Any, begin: Any, end: Any, body: Iterable[ll.Block]) -> None:
    """Mark the branch `back` of a loop over a range if its extent is constant and LLVM would unroll it."""
    if not (isinstance(begin, ll.Constant) and isinstance(end, ll.Constant)):
        return
    extent = end.constant - begin.constant
    if extent >= LEAST and extent * _instructions(body) < MOST:
        back.set_metadata("llvm.loop", _loop(back.module))


def _loop(module: ll.Module) -> Any:
    """The identity of a loop, which names itself first and then its hints."""
    hints = [module.add_metadata([ll.MetaDataString(module, hint)]) for hint in HINTS]
    loop = module.add_metadata([ll.MetaDataString(module, f"loop {len(module.metadata)}")])
    loop.operands = (loop, *hints)
    return loop


def _instructions(body: Iterable[ll.Block]) -> int:
    """What is left of an iteration and its test once variables are registers and indices addresses."""
    return sum(_remains(each) for block in body for each in block.instructions)


def _remains(instruction: Any) -> bool:
    name = instruction.opname
    if name in ("load", "store"):
        return not isinstance(instruction.operands[-1], AllocaInstr)
    return name not in ("br", "getelementptr", "phi") and "nsw" not in getattr(instruction, "flags", ())

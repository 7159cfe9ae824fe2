"""The prices between which a partition chooses: to store a value, to load it, to compute it again.

The unit is one byte through an addition: an addition of float64 costs 8, one of float32, of which twice as
many fit in a register, costs 4. What is evaluated on demand costs its arithmetic alone, for it is evaluated
where the backward reads it. What is complete only in memory (a fold, a product) would be written and read in
the backward as well: to store it instead saves all that goes into it, so only a tiny one is computed again.
"""

from __future__ import annotations

from tapejit.ir.emission import Fold, Library, OnDemand, Product, Regions
from tapejit.ir.function import Instr, Value
from tapejit.ir.work import UNROLLED, element_cost

READ = 8  # per byte: a float64 from memory is worth 8 additions
WRITE = 24  # per byte: the line is read first, and the system has to map the page anew
HAND_OVER = 256  # per array that is made by one program for another: 32 additions


def storing(value: Value, kept: bool) -> int:
    """To write a value in the forward and read it in the backward; one that is `kept` is written anyway."""
    return loading(value) if kept else HAND_OVER + _through_memory(value)


def loading(value: Value) -> int:
    """To read a value that is in memory."""
    return READ * value.type.nbytes


def recomputing(instr: Instr) -> int | None:
    """To compute the results of an instruction again where its operands are there; None: never.

    Control flow and library routines are never run twice: what they cost their operands do not tell.
    """
    emission = instr.primitive.emission
    if isinstance(emission, Regions | Library):
        return None
    if isinstance(emission, OnDemand):
        return element_cost(emission) * _lanes(instr) * instr.results[0].type.size
    written = 0 if _is_unrolled(instr) else sum(map(_through_memory, instr.results))
    return written + _touched(instr)


def _is_unrolled(instr: Instr) -> bool:
    """Whether it folds so few elements that it is evaluated on demand as well."""
    if not isinstance(instr.primitive.emission, Fold):
        return False
    shape = instr.operands[0].type.shape
    return tuple(instr.attrs["axes"]) == (len(shape) - 1,) and shape[-1] <= UNROLLED


def _touched(instr: Instr) -> int:
    """An addition for every element that goes in."""
    if isinstance(instr.primitive.emission, Product):
        return _contracted(instr) * instr.results[0].type.nbytes
    return sum(v.type.nbytes for v in instr.operands)


def _contracted(instr: Instr) -> int:
    """How many products are summed for one element."""
    shape, (dims, _) = instr.operands[0].type.shape, instr.attrs["contract"]
    count = 1
    for dim in dims:
        count *= shape[dim]
    return count


def _lanes(instr: Instr) -> int:
    """The bytes of the widest element in the loop, which says how many are worked on at a time."""
    return max(v.type.numpy_dtype.itemsize for v in (*instr.operands, *instr.results))


def _through_memory(value: Value) -> int:
    return (WRITE + READ) * value.type.nbytes

"""A schedule to source: one Python function of plain loops, for Numba to compile.

The function takes C-contiguous arrays, views each as one row of elements (`flat`), so that every index
is a sum of loop variables times constants, and writes its results into the last of them.
Names it expects in its namespace: the vocabulary, `flat`, `empty`, `matmul`, `gemm`, `check_signals`, the
dtypes, `inf`, `nan`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tapejit.codegen.level import INDENT
from tapejit.codegen.memory import Array, Register, Storage
from tapejit.codegen.name import SIZES, Names
from tapejit.codegen.program import ProgramWriter
from tapejit.codegen.schedule import Schedule, schedule
from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir.function import Function
from tapejit.ir.signature import Signature


def compile_source(
    function: Function, signature: Signature, name: str = "program", general: bool = False
) -> str:
    """Source of `name(*params, *outs)`, which computes `function`.

    A general source, of `name(sizes, *params, *outs)`, differs from that of the same function for other sizes
    above one only in its numbers, which `runtime.template` can make variables. `sizes` is not used in it.
    """
    return emit(schedule(function, signature, general), name)


def emit(scheduled: Schedule, name: str = "program") -> str:
    """The source of a schedule."""
    return "\n".join(_lines(scheduled, name)) + "\n"


def _lines(scheduled: Schedule, name: str) -> Iterator[str]:
    signature, names = scheduled.plan.signature, Names((*VOCABULARY, name))
    params = scheduled.plan.function.params
    given = [names.fresh(v.name or "a") for v in params]
    outs = [names.fresh(f"out{k}") for k in range(len(signature.results))]
    storage: Storage = {
        v: Register(n) if plain else Array(n)
        for v, n, plain in zip(params, given, signature.by_value, strict=True)
    }
    arrays = [home.name for home in storage.values() if isinstance(home, Array)]
    homes = {slot: storage[params[k]] for slot, k in signature.overwritten.items()}
    written = [homes.get(slot) or Array(n) for slot, n in enumerate(outs)]
    views = [f"{n} = flat({n})" for n in [*arrays, *(n for k, n in enumerate(outs) if k not in homes)]]
    writer = ProgramWriter(scheduled, storage, written, names)
    body = writer.whole()
    yield from writer.functions
    sizes = [SIZES] if scheduled.plan.general else []
    yield f"def {name}({', '.join([*sizes, *given, *outs])}):"
    yield from (INDENT + line for line in [*views, *body] or ["pass"])

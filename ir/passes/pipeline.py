"""The passes in the order they run: `canonicalise` repeats them, `prepared` makes a program ready to run."""

from __future__ import annotations

from collections.abc import Callable

from tapejit.ir.function import Function
from tapejit.ir.passes.cse import cse
from tapejit.ir.passes.dce import dce
from tapejit.ir.passes.dissolve import dissolve
from tapejit.ir.passes.fold import fold
from tapejit.ir.passes.hermitian import hermitian
from tapejit.ir.passes.simplify import simplify
from tapejit.ir.passes.updates import updates

CANONICALISE: tuple[tuple[str, Callable[[Function], Function]], ...] = (
    ("dce", dce),
    ("fold", fold),
    ("simplify", simplify),
    ("updates", updates),
    ("cse", cse),
    ("dce", dce),
)
_ROUNDS = 8  # each round is linear; what is left after so many is correct, only not smallest


def canonicalise(function: Function) -> Function:
    """`function` in canonical form: equal meaning, bit for bit, in as little code as the passes find."""
    for _ in range(_ROUNDS):
        before = function
        for _name, run in CANONICALISE:
            function = run(function)
        if function is before:
            break
    return function


def prepared(function: Function) -> Function:
    """`function` as a program runs it: without rules of derivatives, canonical, transforms by halves."""
    lean = canonicalise(dissolve(function))
    halved = hermitian(lean)
    return lean if halved is lean else canonicalise(halved)

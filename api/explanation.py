"""What `tapejit explain` prints: a function called with sets of arguments, and why its Python ran.

Each `--arg` lists what successive calls pass, with bars between: `f64[64,10] | f64[63,10]`. Each set is
called with several draws of random numbers, so that branches are met.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapejit.argument import Argument, parse_argument
from tapejit.function import jit
from tapejit.target import load_function, users_code
from tapejit.traced_function import TracedFunction


def explain(target: str, specs: Sequence[str], calls: int) -> str:
    """`explain()` of the function at `target` (`FILE.py:NAME`) after the calls that `specs` describe.

    Raises TargetError for what goes wrong in the user's file, ValueError for a spec that cannot be read.
    """
    alternatives = [parse_alternatives(spec) for spec in specs]
    found = load_function(target)
    function = found if isinstance(found, TracedFunction) else jit(found)
    rng = np.random.default_rng(0)
    for arguments in argument_sets(alternatives):
        for _ in range(calls):
            _call(function, arguments, rng)
    return function.explain() + "\n"


def parse_alternatives(spec: str) -> list[Argument]:
    """The arguments that successive calls pass in one place: `f64[3] | f64[4]`, `rate=0.1 | 0.2`."""
    first, *rest = (parse_argument(part) for part in spec.split("|"))
    return [first, *(Argument(each.name or first.name, each.content) for each in rest)]


def argument_sets(alternatives: Sequence[Sequence[Argument]]) -> list[list[Argument]]:
    """One list of arguments per set; a place that lists fewer keeps its last."""
    count = max((len(each) for each in alternatives), default=1)
    return [[each[min(n, len(each) - 1)] for each in alternatives] for n in range(count)]


def _call(function: TracedFunction, arguments: Sequence[Argument], rng: np.random.Generator) -> None:
    given = [(a.name, _drawn(a, rng)) for a in arguments]
    with users_code():
        function(*(v for name, v in given if name is None), **{name: v for name, v in given if name})


def _drawn(argument: Argument, rng: np.random.Generator) -> Any:
    """Like `Argument.value`, but floats have either sign."""
    value = argument.value(rng)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return np.asarray(value * rng.choice([-2.0, 2.0], value.shape), value.dtype)
    return value

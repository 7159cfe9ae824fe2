"""Functions to text. The grammar is in docs/ir.md; `ir.parser` reads it back exactly.

`print_function` is for people: names from the user's code, on request the user's lines.
`canonical_text` leaves both out, so that it is the same for the same computation; caches hash it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from tapejit.ir.function import Function, Instr, IRError, Value

_HINT = re.compile(r"(?!a\d+$)[A-Za-z_][A-Za-z0-9_]*$", re.ASCII)
_BARE = re.compile(r"(?!(?:True|False|None|inf|nan)$)[A-Za-z_][A-Za-z0-9_.]*$", re.ASCII)


def print_function(function: Function, locations: bool = False) -> str:
    """The text of a function; with `locations`, the user's file and line as a comment."""
    lines = list(_lines(function, f"func @{function.name}", hints=True))
    if locations:
        return _with_locations(lines)
    return "".join(f"{text}\n" for text, _ in lines)


def canonical_text(function: Function) -> str:
    """The text without any name or location: equal exactly for equal computations."""
    return "".join(f"{text}\n" for text, _ in _lines(function, "func @f", hints=False))


def print_instr(instr: Instr, names: dict[Value, str]) -> str:
    """One instruction without its regions; a value without a name shows as `%?`."""
    results = ", ".join(names.get(v, "%?") for v in instr.results)
    operands = ", ".join(names.get(v, "%?") for v in instr.operands)
    attrs = print_attrs(instr.attrs)
    pieces = (f"{results} =", instr.primitive.name, operands, attrs, ":", _types(instr.results))
    return " ".join(piece for piece in pieces if piece)


def print_attrs(attrs: dict[str, Any]) -> str:
    """`{axes=[0], dtype=f64}`, sorted by name; nothing when there are none."""
    pairs = ", ".join(f"{k}={print_attr(attrs[k])}" for k in sorted(attrs))
    return f"{{{pairs}}}" if pairs else ""


def print_attr(value: Any) -> str:
    """One attribute value: a number, a truth value, None, a string or a tuple of such."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple):
        return f"[{', '.join(map(print_attr, value))}]"
    if isinstance(value, str):
        return value if _BARE.match(value) else json.dumps(value)
    if isinstance(value, complex):
        return _complex(value)
    if not is_attr(value):
        raise IRError(f"an attribute cannot hold {value!r} ({type(value).__name__})")
    return repr(value)


def _complex(value: complex) -> str:
    """`1.5-2.0j`, both parts always, so that signed zeros, infinities and NaN come back."""
    sign = "-" if math.copysign(1.0, value.imag) < 0 else "+"
    return f"{value.real!r}{sign}{abs(value.imag)!r}j"


def is_attr(value: Any) -> bool:
    """Whether an attribute may hold `value`."""
    if isinstance(value, tuple):
        return all(map(is_attr, value))
    return value is None or isinstance(value, (bool, int, float, complex, str, np.generic))


def value_names(function: Function, hints: bool = True) -> dict[Value, str]:
    """The printed name of every parameter and result: its hint where that is unique, else its place."""
    results = [v for instr in function.body for v in instr.results]
    count = Counter(v.name for v in (*function.params, *results))
    names: dict[Value, str] = {}
    for prefix, values in (("a", function.params), ("", results)):
        for i, v in enumerate(values):
            good = hints and v.name and count[v.name] == 1 and _HINT.match(v.name)
            names[v] = f"%{v.name}" if good else f"%{prefix}{i}"
    return names


def _lines(function: Function, head: str, hints: bool) -> Iterator[tuple[str, str | None]]:
    """Lines with the location each came from."""
    names = value_names(function, hints)
    params = ", ".join(f"{names[v]}: {v.type}" for v in function.params)
    yield f"{head}({params}) -> ({_types(function.results)}) {{", None
    for instr in function.body:
        yield "  " + print_instr(instr, names), instr.location
        for region in instr.regions:
            title = f"region @{region.name}" if hints else "region @r"
            yield from (("    " + text, where) for text, where in _lines(region, title, hints))
    results = ", ".join(names.get(v, "%?") for v in function.results)
    yield f"  return {results}".rstrip(), None
    yield "}", None


def _types(values: tuple[Value, ...]) -> str:
    return ", ".join(str(v.type) for v in values)


def _with_locations(lines: list[tuple[str, str | None]]) -> str:
    width = max((len(text) for text, where in lines if where), default=0)
    return "".join(f"{text:<{width}}  # {where}\n" if where else f"{text}\n" for text, where in lines)

"""Arguments written on the command line: `f64[3,4]`, `i64[5]`, `0.5`, `scale=f32[]`.

`parse_argument` reads one; `Argument.value` fills it with random numbers, the same ones in every run.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from tapejit.ir.types import NUMPY_NAME, TensorType

_NAMED = re.compile(r"(?:(?P<name>[A-Za-z_]\w*)\s*=)?\s*(?P<spec>.+)", re.ASCII)
_ARRAY = re.compile(r"(?P<dtype>\w+)\s*\[(?P<shape>\s*(?:\d+\s*(?:,\s*\d+\s*)*)?)\]", re.ASCII)


@dataclass(frozen=True)
class Argument:
    """An argument of the function to call: by position, or by name if it has one."""

    name: str | None
    content: TensorType | complex

    def value(self, rng: np.random.Generator) -> Any:
        """A random array: floats (or parts) in (0.1, 1), integers from 1 to 4; or the number itself."""
        if not isinstance(self.content, TensorType):
            return self.content
        dtype, shape = self.content.numpy_dtype, self.content.shape
        if dtype.kind == "f":
            return np.asarray(rng.uniform(0.1, 1.0, shape), dtype)
        if dtype.kind == "c":
            return np.asarray(rng.uniform(0.1, 1.0, shape) + 1j * rng.uniform(0.1, 1.0, shape), dtype)
        if dtype.kind == "i":
            return np.asarray(rng.integers(1, 5, shape), dtype)
        return np.asarray(rng.random(shape) < 0.5)


def parse_argument(text: str) -> Argument:
    """The argument that `text` describes; ValueError if it does not."""
    named = _NAMED.fullmatch(text.strip())
    if named is None:
        raise ValueError(_wrong(text))
    array = _ARRAY.fullmatch(named["spec"].strip())
    if array is None:
        return Argument(named["name"], _number(named["spec"], text))
    if array["dtype"] not in NUMPY_NAME:
        raise ValueError(f"{text!r}: unknown dtype {array['dtype']!r}; choose one of {', '.join(NUMPY_NAME)}")
    shape = tuple(int(n) for n in array["shape"].split(",") if n.strip())
    return Argument(named["name"], TensorType(array["dtype"], shape))


def _number(spec: str, text: str) -> complex:
    try:
        number = ast.literal_eval(spec.strip())
    except (ValueError, SyntaxError):
        raise ValueError(_wrong(text)) from None
    if not isinstance(number, complex | float | int):
        raise ValueError(_wrong(text))
    return number


def _wrong(text: str) -> str:
    return f"{text!r} is no argument; write f64[3,4], i64[5], f32[] or a number, with name= for a keyword"

"""The IR's rules. Every pass and transform takes a valid function and returns a valid function.

A value is defined once and before its use, types are what the rows infer, attributes are plain
(numbers, truth values, None, strings, tuples of such), and a region sees its own parameters only.
"""

from __future__ import annotations

from tapejit.ir.function import Function, Instr, IRError, Value
from tapejit.ir.printer import is_attr, print_function, print_instr, value_names


def verify(function: Function) -> Function:
    """`function` itself; IRError, with the IR as a note, where it breaks a rule."""
    _check_attrs(function)
    try:
        _check(function)
    except IRError as error:
        error.add_note(print_function(function, locations=True))
        raise
    return function


def _check(function: Function) -> None:
    defined: set[Value] = set()
    names = value_names(function)
    for v in function.params:
        _define(defined, v, f"@{function.name}, parameter {names[v]}")
    for i, instr in enumerate(function.body):
        where = f"@{function.name}, instruction {i}, `{print_instr(instr, names)}`"
        for k, v in enumerate(instr.operands):
            if v not in defined:
                raise IRError(f"{where}: operand {k} is not defined before its use")
        for region in instr.regions:
            _check(region)
        _check_types(instr, where)
        for v in instr.results:
            _define(defined, v, where)
    for k, v in enumerate(function.results):
        if v not in defined:
            raise IRError(f"@{function.name}: result {k} is not defined in it")


def _define(defined: set[Value], value: Value, where: str) -> None:
    if value in defined:
        raise IRError(f"{where}: a value is defined twice")
    defined.add(value)


def _check_attrs(function: Function) -> None:
    """Comes first: what cannot be printed cannot be shown in another error either."""
    for i, instr in enumerate(function.body):
        for name, value in instr.attrs.items():
            if not is_attr(value):
                where = f"@{function.name}, instruction {i} ({instr.primitive.name})"
                raise IRError(f"{where}: attribute {name} cannot hold {value!r}")
        for region in instr.regions:
            _check_attrs(region)


def _check_types(instr: Instr, where: str) -> None:
    types = tuple(v.type for v in instr.operands)
    try:
        expected = instr.primitive.result_types(types, instr.attrs, instr.regions)
    except TypeError as error:
        raise IRError(f"{where}: {error}") from None
    found = tuple(v.type for v in instr.results)
    if found != expected:
        stated, inferred = (", ".join(map(str, t)) for t in (found, expected))
        raise IRError(f"{where}: the result is stated as {stated}, but it is {inferred}")

"""Run a function on NumPy arrays through the reference rules: the meaning of the IR."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir.function import Function, Instr, Value


def interpret(function: Function, *args: Any) -> tuple[np.ndarray, ...]:
    """The results of `function` on `args`, each an array of exactly the type the IR states.

    Floating-point warnings are off: NaN and infinity are values here, not accidents.
    """
    env: dict[Value, np.ndarray] = {
        v: np.asarray(a, v.type.numpy_dtype) for v, a in zip(function.params, args, strict=True)
    }
    with np.errstate(all="ignore"):
        for instr in function.body:
            found = _found(instr, [env[v] for v in instr.operands])
            arrays = (found,) if instr.primitive.results == 1 else found
            for value, array in zip(instr.results, arrays, strict=True):
                env[value] = np.asarray(array, value.type.numpy_dtype)
    return tuple(env[v] for v in function.results)


def _found(instr: Instr, operands: list[np.ndarray]) -> Any:
    """What the reference gives; a matrix that NumPy refuses is named with the user's line."""
    more = {"regions": instr.regions} if instr.regions else {}
    try:
        return instr.primitive.reference(*operands, **instr.attrs, **more)
    except np.linalg.LinAlgError as error:
        if instr.regions:  # named inside
            raise
        where = f"{instr.primitive.name} of {instr.operands[0].type} at {instr.location}"
        raise np.linalg.LinAlgError(f"{error}: {where}") from None

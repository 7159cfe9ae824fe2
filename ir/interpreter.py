"""Run a function on NumPy arrays through the reference rules: the meaning of the IR."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir.function import Function, Value


def interpret(function: Function, *args: Any) -> tuple[np.ndarray, ...]:
    """The results of `function` on `args`, each an array of exactly the type the IR states.

    Floating-point warnings are off: NaN and infinity are values here, not accidents.
    """
    env: dict[Value, np.ndarray] = {
        v: np.asarray(a, v.type.numpy_dtype) for v, a in zip(function.params, args, strict=True)
    }
    with np.errstate(all="ignore"):
        for instr in function.body:
            operands = [env[v] for v in instr.operands]
            more = {"regions": instr.regions} if instr.regions else {}
            found = instr.primitive.reference(*operands, **instr.attrs, **more)
            arrays = (found,) if instr.primitive.results == 1 else found
            for value, array in zip(instr.results, arrays, strict=True):
                env[value] = np.asarray(array, value.type.numpy_dtype)
    return tuple(env[v] for v in function.results)

"""The routines of linear algebra that emitted source calls: `cholesky_f64(count, n, x, out)` and the like.

Arrays are rows of elements; matrices lie in C order, those of a stack one after another. Small matrices are
worked on in plain loops, which cost less than a call; larger ones by LAPACK. A routine returns whether it
failed. They are written in `factorisation`, `substitution` and `decomposition`. Start with `LinearAlgebra`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tapejit.runtime import decomposition, factorisation, substitution
from tapejit.runtime.lapack import LETTER, Lapack
from tapejit.runtime.routine import address_of, call_of
from tapejit.runtime.store import Store


class Routine(NamedTuple):
    """How to build a routine for a dtype, and what it takes, as `Lapack.types` reads it."""

    build: Callable[[Lapack], Any]
    arguments: str


ROUTINES = {
    "cholesky": Routine(factorisation.cholesky, "nn xx"),
    "lu": Routine(factorisation.lu, "nn xxo"),
    "log_determinant": Routine(factorisation.log_determinant, "nn xoxp"),
    "determinant": Routine(factorisation.determinant, "nn xox"),
    "triangular_solve": Routine(substitution.triangular_solve, "nnn ffff xxx"),
    "lu_solve": Routine(substitution.lu_solve, "nnn ff xoxx"),
    "eig": Routine(decomposition.eig, "nn f xzz"),
    "eigh": Routine(decomposition.eigh, "nn ff xpx"),
    "svd": Routine(decomposition.svd, "nnn ff xxpx"),
    "qr": Routine(decomposition.qr, "nnn f xxx"),
    "pinv": Routine(decomposition.pinv, "nnn r xx"),
}


class LinearAlgebra:
    """All routines by name, each restored from `store` or compiled when a source first calls it.

    `declare(name, arity, typed)` makes of a way to type and lower calls a function that sources can call.
    """

    def __init__(self, declare: Callable[[str, int, Any], Any], store: Store | None = None) -> None:
        self._declare, self._store = declare, store
        self._declared: dict[str, Any] = {}

    def names(self, source: str) -> dict[str, Any]:
        """What `source` calls."""
        found = re.findall(rf"\b({'|'.join(ROUTINES)})_({'|'.join(LETTER)})\(", source)
        return {f"{name}_{dtype}": self._function(name, dtype) for name, dtype in sorted(set(found))}

    def _function(self, name: str, dtype: str) -> Any:
        full = f"{name}_{dtype}"
        if full not in self._declared:
            routine, symbol = ROUTINES[name], f"tapejit_{full}"
            lapack = Lapack(dtype)
            types = lapack.types(routine.arguments)
            address = address_of(symbol, lambda: routine.build(lapack), types, self._store)
            self._declared[full] = self._declare(full, len(types), call_of(symbol, address, types))
        return self._declared[full]

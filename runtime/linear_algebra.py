"""The routines of linear algebra that emitted source calls: `cholesky_f64(count, n, x, out)` and the like.

Arrays are rows of elements; matrices lie in C order, those of a stack one after another. Small matrices are
worked on in plain loops, which cost less than a call; larger ones by LAPACK. A routine that can fail returns
whether it did. What needs LAPACK alone is in `decomposition`. Start with `LinearAlgebra`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tapejit.runtime import decomposition
from tapejit.runtime.lapack import LETTER, Lapack
from tapejit.runtime.routine import call_of

SMALL = 16  # rows up to which loops are faster than a call

Routines = Mapping[str, Any]


class LinearAlgebra:
    """All routines by name, each compiled when a source first calls it.

    `declare(name, arity, typed)` makes of a way to type and lower calls a function that sources can call.
    """

    def __init__(self, declare: Callable[[str, int, Any], Any]) -> None:
        self._declare = declare
        self._made: dict[str, Routines] = {}
        self._declared: dict[str, Any] = {}

    def names(self, source: str) -> dict[str, Any]:
        """What `source` calls."""
        found = re.findall(rf"\b({'|'.join(BUILDERS)})_({'|'.join(LETTER)})\(", source)
        return {f"{name}_{dtype}": self._function(name, dtype) for name, dtype in set(found)}

    def _function(self, name: str, dtype: str) -> Any:
        full = f"{name}_{dtype}"
        if full not in self._declared:
            lapack = Lapack(dtype)
            types = lapack.types(ARGUMENTS[name])
            typed = call_of(f"tapejit_{full}", self._of(lapack, dtype)[name], types)
            self._declared[full] = self._declare(full, len(types), typed)
        return self._declared[full]

    def _of(self, lapack: Lapack, dtype: str) -> Routines:
        if dtype not in self._made:
            made: dict[str, Any] = {}
            for name, build in BUILDERS.items():
                made[name] = build(lapack, made)
            self._made[dtype] = made
        return self._made[dtype]


def _cholesky(lapack: Lapack, made: Routines) -> Any:
    """Row by row (C order) what LAPACK does with the upper triangle (Fortran order): the same memory."""
    import numpy as np

    potrf, kind, half = lapack.call("numba_xxpotrf"), lapack.kind, ord("U")

    @lapack.jit
    def by_loops(n: Any, a: Any) -> Any:
        for i in range(n):
            for j in range(i + 1):
                total = a[i * n + j]
                for k in range(j):
                    total -= a[i * n + k] * a[j * n + k]
                if i == j:
                    if total <= 0:
                        return True
                    total = np.sqrt(total)
                else:
                    total = total / a[j * n + j]
                a[i * n + j] = total
        return False

    @lapack.jit
    def cholesky(count: Any, n: Any, x: Any, out: Any) -> Any:
        failed = False
        for begin in range(0, count * n * n, max(n * n, 1)):
            a = out[begin : begin + n * n]
            for i in range(n):
                for j in range(n):
                    a[i * n + j] = x[begin + i * n + j] if j <= i else 0
            failed |= by_loops(n, a) if n <= SMALL else potrf(kind, half, n, a.ctypes, n) != 0
        return failed

    return cholesky


def _triangular_solve(lapack: Lapack, made: Routines) -> Any:
    """Substitution, in place. For BLAS, which reads both transposed, the triangle is on the right."""
    import numpy as np

    trsm, integer, element = lapack.trsm, lapack.int, lapack.type

    @lapack.jit
    def by_loops(n: Any, k: Any, forward: Any, turn: Any, unit: Any, a: Any, x: Any) -> Any:
        for step in range(n):
            i = step if forward else n - 1 - step
            for j in range(0 if forward else i + 1, i if forward else n):
                factor = a[j * n + i] if turn else a[i * n + j]
                for c in range(k):
                    x[i * k + c] -= factor * x[j * k + c]
            if not unit:
                for c in range(k):
                    x[i * k + c] /= a[i * n + i]

    @lapack.jit
    def by_blas(n: Any, k: Any, lower: Any, turn: Any, unit: Any, a: Any, x: Any) -> Any:
        letters, sizes, one = np.empty(4, np.int8), np.empty(2, integer), np.ones(1, element)
        letters[0], letters[1] = 82, 85 if lower else 76  # R; U or L
        letters[2], letters[3] = 84 if turn else 78, 85 if unit else 78  # T or N; U or N
        sizes[0], sizes[1] = k, n
        side, half, form, diagonal = letters, letters[1:], letters[2:], letters[3:]
        columns, rows = sizes, sizes[1:]
        trsm(
            side.ctypes, half.ctypes, form.ctypes, diagonal.ctypes, columns.ctypes, rows.ctypes,
            one.ctypes, a.ctypes, rows.ctypes, x.ctypes, columns.ctypes,
        )  # fmt: skip

    @lapack.jit
    def in_place(n: Any, k: Any, lower: Any, turn: Any, unit: Any, a: Any, x: Any) -> Any:
        if n <= SMALL:
            by_loops(n, k, lower != turn, turn, unit, a, x)
        elif k > 0:
            by_blas(n, k, lower, turn, unit, a, x)

    @lapack.jit
    def triangular_solve(
        count: Any, n: Any, k: Any, lower: Any, turn: Any, unit: Any, strict: Any, a: Any, b: Any, out: Any
    ) -> Any:
        failed = False
        for i in range(count * n * k):
            out[i] = b[i]
        for item in range(count):
            triangle = a[item * n * n : (item + 1) * n * n]
            if strict and not unit:
                for i in range(n):
                    failed |= triangle[i * n + i] == 0
            in_place(n, k, lower, turn, unit, triangle, out[item * n * k : (item + 1) * n * k])
        return failed

    triangular_solve.in_place = in_place
    return triangular_solve


def _lu(lapack: Lapack, made: Routines) -> Any:
    """Elimination with partial pivoting; LAPACK's for larger matrices, in Fortran order."""
    import numpy as np

    getrf, kind, integer, element = lapack.call("numba_xxgetrf"), lapack.kind, lapack.int, lapack.type

    @lapack.jit
    def by_loops(n: Any, a: Any, order: Any) -> Any:
        for k in range(n):
            pivot = k
            for i in range(k + 1, n):
                if abs(a[i * n + k]) > abs(a[pivot * n + k]):
                    pivot = i
            if pivot != k:
                order[k], order[pivot] = order[pivot], order[k]
                for j in range(n):
                    a[k * n + j], a[pivot * n + j] = a[pivot * n + j], a[k * n + j]
            if a[k * n + k] != 0:
                for i in range(k + 1, n):
                    a[i * n + k] /= a[k * n + k]
            for i in range(k + 1, n):
                for j in range(k + 1, n):
                    a[i * n + j] -= a[i * n + k] * a[k * n + j]

    @lapack.jit
    def by_lapack(n: Any, a: Any, order: Any) -> Any:
        turned, pivots = np.empty(n * n, element), np.empty(n, integer)
        for i in range(n):
            for j in range(n):
                turned[j * n + i] = a[i * n + j]
        getrf(kind, n, n, turned.ctypes, n, pivots.ctypes)
        for i in range(n):
            for j in range(n):
                a[i * n + j] = turned[j * n + i]
        for i in range(n):
            pivot = pivots[i] - 1
            order[i], order[pivot] = order[pivot], order[i]

    @lapack.jit
    def lu(count: Any, n: Any, x: Any, out: Any, order: Any) -> Any:
        for i in range(count * n * n):
            out[i] = x[i]
        for item in range(count):
            places = order[item * n : (item + 1) * n]
            for i in range(n):
                places[i] = i
            a = out[item * n * n : (item + 1) * n * n]
            if n <= SMALL:
                by_loops(n, a, places)
            else:
                by_lapack(n, a, places)
        return False

    return lu


def _lu_solve(lapack: Lapack, made: Routines) -> Any:
    """P A = L U, so A x = b is L U x = P b, and A^T x = b is U^T L^T P x = b."""
    import numpy as np

    element = lapack.type
    in_place = made["triangular_solve"].in_place

    @lapack.jit
    def one(n: Any, k: Any, turn: Any, lu: Any, order: Any, b: Any, out: Any) -> Any:
        x = np.empty(n * k, element) if turn else out
        for i in range(n):
            for c in range(k):
                x[i * k + c] = b[i * k + c] if turn else b[order[i] * k + c]
        in_place(n, k, not turn, turn, not turn, lu, x)
        in_place(n, k, turn, turn, turn, lu, x)
        if turn:
            for i in range(n):
                for c in range(k):
                    out[order[i] * k + c] = x[i * k + c]

    @lapack.jit
    def lu_solve(
        count: Any, n: Any, k: Any, turn: Any, strict: Any, lu: Any, order: Any, b: Any, out: Any
    ) -> Any:
        failed = False
        for item in range(count):
            factor = lu[item * n * n : (item + 1) * n * n]
            for i in range(n):
                failed |= strict and factor[i * n + i] == 0
            places, rows = order[item * n : (item + 1) * n], slice(item * n * k, (item + 1) * n * k)
            one(n, k, turn, factor, places, b[rows], out[rows])
        return failed

    return lu_solve


def _log_determinant(lapack: Lapack, made: Routines) -> Any:
    """The pivots' signs times that of the permutation, and the sum of their logarithms."""
    import numpy as np

    @lapack.jit
    def parity(n: Any, order: Any) -> Any:
        odd, seen = False, np.zeros(n, np.bool_)
        for start in range(n):
            at = start
            while not seen[at]:
                seen[at], at = True, order[at]
                odd ^= at != start
        return odd

    @lapack.jit
    def log_determinant(count: Any, n: Any, lu: Any, order: Any, signs: Any, logs: Any) -> Any:
        for item in range(count):
            sign = -1.0 if parity(n, order[item * n : (item + 1) * n]) else 1.0
            total = 0.0
            for i in range(n):
                pivot = lu[item * n * n + i * n + i]
                sign = 0.0 if pivot == 0 else -sign if pivot < 0 else sign
                total += np.log(np.float64(abs(pivot)))
            signs[item], logs[item] = sign, total
        return False

    return log_determinant


def _determinant(lapack: Lapack, made: Routines) -> Any:
    import numpy as np

    element, logarithm = lapack.type, made["log_determinant"]

    @lapack.jit
    def determinant(count: Any, n: Any, lu: Any, order: Any, out: Any) -> Any:
        signs, logs = np.empty(count, element), np.empty(count, element)
        logarithm(count, n, lu, order, signs, logs)
        for item in range(count):
            total = signs[item]
            for i in range(n):
                total *= abs(lu[item * n * n + i * n + i])
            out[item] = total
        return False

    return determinant


Build = Callable[[Lapack, Routines], Any]
BUILDERS: dict[str, Build] = {
    "cholesky": _cholesky,
    "triangular_solve": _triangular_solve,
    "lu": _lu,
    "lu_solve": _lu_solve,
    "log_determinant": _log_determinant,
    "determinant": _determinant,
    "eigh": decomposition.eigh,
    "svd": decomposition.svd,
    "qr": decomposition.qr,
    "pinv": decomposition.pinv,
}
# What they take, as `Lapack.types` reads it.
ARGUMENTS = {
    "cholesky": "nn xx",
    "triangular_solve": "nnn ffff xxx",
    "lu": "nn xxo",
    "lu_solve": "nnn ff xoxx",
    "log_determinant": "nn xoxx",
    "determinant": "nn xox",
    "eigh": "nn ff xxx",
    "svd": "nnn ff xxxx",
    "qr": "nnn f xxx",
    "pinv": "nnn r xx",
}

"""The routines that solve by a factor that is at hand: `triangular_solve` and `lu_solve`.

Small systems are solved in loops, larger ones by BLAS. Start with `_substitution`, which both are made of.
"""

from __future__ import annotations

from typing import Any

from tapejit.runtime.factorisation import SMALL
from tapejit.runtime.lapack import Lapack
from tapejit.runtime.part import Part


def _quotient(lapack: Lapack) -> Any:
    """x / y. A complex number over zero is NaN, where Numba would raise an error."""
    element, nan = lapack.type, float("nan")

    def real_quotient(x: Any, y: Any) -> Any:
        return x / y

    def complex_quotient(x: Any, y: Any) -> Any:
        if y == 0:
            return element(complex(nan, nan))
        return x / y

    return Part.of(real_quotient if lapack.type == lapack.real else complex_quotient)


def _substitution(lapack: Lapack) -> Any:
    """Substitution in place. For BLAS, which reads both transposed, the triangle is on the right."""
    import numpy as np

    trsm, quotient = lapack.trsm, _quotient(lapack)
    letter, integer, element = lapack.letter_type, lapack.int, lapack.type

    @Part.of
    def by_loops(n: Any, k: Any, forward: Any, turn: Any, unit: Any, a: Any, x: Any) -> Any:
        for step in range(n):
            i = step if forward else n - 1 - step
            for j in range(0 if forward else i + 1, i if forward else n):
                factor = a[j * n + i] if turn else a[i * n + j]
                for c in range(k):
                    x[i * k + c] -= factor * x[j * k + c]
            if not unit:
                for c in range(k):
                    x[i * k + c] = quotient(x[i * k + c], a[i * n + i])

    @Part.of
    def by_blas(n: Any, k: Any, lower: Any, turn: Any, unit: Any, a: Any, x: Any) -> Any:
        letters, sizes, one = np.empty(4, letter), np.empty(2, integer), np.empty(1, element)
        one[0] = 1
        letters[0], letters[1] = 82, 85 if lower else 76  # R; U or L
        letters[2], letters[3] = 84 if turn else 78, 85 if unit else 78  # T or N; U or N
        sizes[0], sizes[1] = k, n
        side, half, form, diagonal = letters, letters[1:], letters[2:], letters[3:]
        columns, rows = sizes, sizes[1:]
        trsm(
            side.ctypes, half.ctypes, form.ctypes, diagonal.ctypes, columns.ctypes, rows.ctypes,
            one.ctypes, a.ctypes, rows.ctypes, x.ctypes, columns.ctypes,
        )  # fmt: skip

    @Part.of
    def in_place(n: Any, k: Any, lower: Any, turn: Any, unit: Any, a: Any, x: Any) -> Any:
        if n <= SMALL:
            by_loops(n, k, lower != turn, turn, unit, a, x)
        elif k > 0:
            by_blas(n, k, lower, turn, unit, a, x)

    return in_place


def triangular_solve(lapack: Lapack) -> Any:
    in_place = _substitution(lapack)

    @Part.of
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

    return triangular_solve


def lu_solve(lapack: Lapack) -> Any:
    """P A = L U, so A x = b is L U x = P b, and A^T x = b is U^T L^T P x = b."""
    import numpy as np

    element, in_place = lapack.type, _substitution(lapack)

    @Part.of
    def one(n: Any, k: Any, turn: Any, lu: Any, order: Any, b: Any, out: Any) -> Any:
        x = out
        if turn:
            x = np.empty(n * k, element)
        for i in range(n):
            for c in range(k):
                x[i * k + c] = b[i * k + c] if turn else b[order[i] * k + c]
        in_place(n, k, not turn, turn, not turn, lu, x)
        in_place(n, k, turn, turn, turn, lu, x)
        if turn:
            for i in range(n):
                for c in range(k):
                    out[order[i] * k + c] = x[i * k + c]

    @Part.of
    def lu_solve(
        count: Any, n: Any, k: Any, turn: Any, strict: Any, lu: Any, order: Any, b: Any, out: Any
    ) -> Any:
        failed = False
        for item in range(count):
            factor = lu[item * n * n : (item + 1) * n * n]
            for i in range(n):
                failed |= strict and factor[i * n + i] == 0
            places, begin, end = order[item * n : (item + 1) * n], item * n * k, (item + 1) * n * k
            one(n, k, turn, factor, places, b[begin:end], out[begin:end])
        return failed

    return lu_solve

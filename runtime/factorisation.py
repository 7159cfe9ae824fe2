"""The routines of square matrices that small ones have loops for: `cholesky`, `lu` and the determinants.

What is written here works on real and on complex numbers. Start with `cholesky`.
"""

from __future__ import annotations

from typing import Any

from tapejit.runtime.lapack import Lapack
from tapejit.runtime.part import Part

SMALL = 16  # rows up to which loops are faster than a call


def cholesky(lapack: Lapack) -> Any:
    """Row by row (C order) what LAPACK does with the upper triangle (Fortran order): the same memory."""
    import numpy as np

    potrf, kind, half = lapack.call("numba_xxpotrf"), lapack.kind, ord("U")

    @Part.of
    def by_loops(n: Any, a: Any) -> Any:
        for i in range(n):
            for j in range(i + 1):
                total = a[i * n + j]
                for k in range(j):
                    total -= a[i * n + k] * a[j * n + k].conjugate()
                if i != j:
                    a[i * n + j] = total / a[j * n + j].real
                elif total.real <= 0:
                    return True
                else:
                    a[i * n + i] = np.sqrt(total.real)
        return False

    @Part.of
    def cholesky(count: Any, n: Any, x: Any, out: Any) -> Any:
        failed = False
        for begin in range(0, count * n * n, max(n * n, 1)):
            a = out[begin : begin + n * n]
            for i in range(n):
                for j in range(n):
                    a[i * n + j] = x[begin + i * n + j] if j <= i else 0
            if n <= SMALL:
                failed |= by_loops(n, a)
            else:
                failed |= potrf(kind, half, n, a.ctypes, n) != 0
        return failed

    return cholesky


def lu(lapack: Lapack) -> Any:
    """Elimination with partial pivoting; LAPACK's for larger matrices, in Fortran order."""
    import numpy as np

    getrf, kind, integer, element = lapack.call("numba_xxgetrf"), lapack.kind, lapack.int, lapack.type

    @Part.of
    def size(x: Any) -> Any:
        return abs(x.real) + abs(x.imag)

    @Part.of
    def by_loops(n: Any, a: Any, order: Any) -> Any:
        for k in range(n):
            pivot = k
            for i in range(k + 1, n):
                if size(a[i * n + k]) > size(a[pivot * n + k]):
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

    @Part.of
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

    @Part.of
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


# -- Determinants ------------------------------------------------------------------------------------------


def log_determinant(lapack: Lapack) -> Any:
    """The pivots' signs times that of the permutation, and the sum of their sizes' logarithms."""
    import numpy as np

    element, sign_of, flag = lapack.type, _sign(lapack), lapack.flag

    @Part.of
    def parity(n: Any, order: Any) -> Any:
        odd, seen = False, np.empty(n, flag)
        for i in range(n):
            seen[i] = False
        for start in range(n):
            at = start
            while not seen[at]:
                seen[at], at = True, order[at]
                odd ^= at != start
        return odd

    @Part.of
    def log_determinant(count: Any, n: Any, lu: Any, order: Any, signs: Any, logs: Any) -> Any:
        for item in range(count):
            sign = element(-1 if parity(n, order[item * n : (item + 1) * n]) else 1)
            total = 0.0
            for i in range(n):
                pivot = lu[item * n * n + i * n + i]
                sign *= sign_of(pivot)
                total += np.log(np.float64(abs(pivot)))
            signs[item], logs[item] = sign, total
        return False

    return log_determinant


def _sign(lapack: Lapack) -> Any:
    """A pivot's sign: of modulus 1, or 0. That of a real NaN is 1, as in NumPy."""
    element = lapack.type

    def real_sign(x: Any) -> Any:
        return element(0) if x == 0 else element(-1) if x < 0 else element(1)

    def complex_sign(x: Any) -> Any:
        if x == 0:
            return element(0)
        return x / abs(x)

    return Part.of(real_sign if lapack.type == lapack.real else complex_sign)


def determinant(lapack: Lapack) -> Any:
    """The sign times the pivots' sizes."""
    import numpy as np

    element, part, logarithm = lapack.type, lapack.real, log_determinant(lapack)

    @Part.of
    def determinant(count: Any, n: Any, lu: Any, order: Any, out: Any) -> Any:
        signs, logs = np.empty(count, element), np.empty(count, part)
        logarithm(count, n, lu, order, signs, logs)
        for item in range(count):
            total = signs[item]
            for i in range(n):
                total *= abs(lu[item * n * n + i * n + i])
            out[item] = total
        return False

    return determinant

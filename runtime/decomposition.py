"""The routines that are LAPACK's alone: `eigh`, `eig`, `svd`, `qr`, `pinv`, between C and Fortran order."""

from __future__ import annotations

from typing import Any

from tapejit.runtime.lapack import Lapack
from tapejit.runtime.part import Part


def turning(lapack: Lapack) -> Any:
    """`turn(m, n, x, out)`: a matrix of m rows and n columns with its elements in the other order."""

    @Part.of
    def turn(m: Any, n: Any, x: Any, out: Any) -> Any:
        for i in range(m):
            for j in range(n):
                out[j * m + i] = x[i * n + j]

    return turn


def eigh(lapack: Lapack) -> Any:
    """One triangle is read; `vectors`: they are wanted too."""
    import numpy as np

    evd, kind, element, turn = lapack.call("numba_ez_xxxevd"), lapack.kind, lapack.type, turning(lapack)
    job, no_job, lower_half, upper_half = ord("V"), ord("N"), ord("L"), ord("U")

    @Part.of
    def eigh(count: Any, n: Any, lower: Any, vectors: Any, x: Any, w: Any, v: Any) -> Any:
        failed, a = False, np.empty(n * n, element)
        half = lower_half if lower else upper_half
        for item in range(count if n else 0):
            turn(n, n, x[item * n * n : (item + 1) * n * n], a)
            values = w[item * n : (item + 1) * n]
            failed |= evd(kind, job if vectors else no_job, half, n, a.ctypes, n, values.ctypes) != 0
            if vectors:
                turn(n, n, a, v[item * n * n : (item + 1) * n * n])
        return failed

    return eigh


def eig(lapack: Lapack) -> Any:
    """Complex values and vectors, of every matrix of the stack. LAPACK is not given NaN or infinities."""
    import numpy as np

    element, turn = lapack.type, turning(lapack)
    found = _complex_values(lapack) if lapack.type == lapack.complex else _real_values(lapack)

    @Part.of
    def eig(count: Any, n: Any, vectors: Any, x: Any, w: Any, v: Any) -> Any:
        failed, a = False, np.empty(n * n, element)
        for item in range(count if n else 0):
            begin = item * n * n
            turn(n, n, x[begin : begin + n * n], a)
            for i in range(n * n):
                if not np.isfinite(a[i]):
                    return True
            rows = v
            if vectors:
                rows = v[begin : begin + n * n]
            failed |= found(n, vectors, a, w[item * n : (item + 1) * n], rows)
        return failed

    return eig


def _complex_values(lapack: Lapack) -> Any:
    """Of one complex matrix in Fortran order; vectors in C order."""
    import numpy as np

    geev, kind, element, turn = lapack.call("numba_ez_cgeev"), lapack.kind, lapack.type, turning(lapack)
    job, no_job = ord("V"), ord("N")

    @Part.of
    def complex_values(n: Any, vectors: Any, a: Any, w: Any, v: Any) -> Any:
        left, right = np.empty(1, element), np.empty(n * n if vectors else 1, element)
        wanted = job if vectors else no_job
        info = geev(kind, no_job, wanted, n, a.ctypes, n, w.ctypes, left.ctypes, 1, right.ctypes, n)
        if vectors:
            turn(n, n, right, v)
        return info != 0

    return complex_values


def _real_values(lapack: Lapack) -> Any:
    """Of one real matrix. Of a pair of complex values LAPACK gives the parts of the first one's vector."""
    import numpy as np

    geev, kind, element = lapack.call("numba_ez_rgeev"), lapack.kind, lapack.type
    job, no_job = ord("V"), ord("N")

    @Part.of
    def real_values(n: Any, vectors: Any, a: Any, w: Any, v: Any) -> Any:
        x, y, left = np.empty(n, element), np.empty(n, element), np.empty(1, element)
        right, wanted = np.empty(n * n if vectors else 1, element), job if vectors else no_job
        info = geev(kind, no_job, wanted, n, a.ctypes, n, x.ctypes, y.ctypes, left.ctypes, 1, right.ctypes, n)
        for j in range(n):
            w[j] = complex(x[j], y[j])
            if vectors:
                first = j if y[j] >= 0 else j - 1
                for i in range(n):
                    part = element(0)
                    if y[j] != 0:
                        part = right[(first + 1) * n + i]
                    v[i * n + j] = complex(right[first * n + i], part if y[j] >= 0 else -part)
        return info != 0

    return real_values


def svd(lapack: Lapack) -> Any:
    """As `singular` finds them in Fortran order, for every matrix of the stack."""
    import numpy as np

    element, turn, singular = lapack.type, turning(lapack), _singular(lapack)

    @Part.of
    def svd(count: Any, m: Any, n: Any, full: Any, vectors: Any, x: Any, u: Any, s: Any, vt: Any) -> Any:
        k, failed = min(m, n), False
        rows, columns = m if full else k, n if full else k
        left, right = np.empty(m * rows, element), np.empty(columns * n, element)
        for item in range(count):
            values = s[item * k : (item + 1) * k]
            matrix = x[item * m * n : (item + 1) * m * n]
            failed |= singular(m, n, full, vectors, matrix, left, values, right)
            if vectors:
                turn(rows, m, left, u[item * m * rows : (item + 1) * m * rows])
                turn(n, columns, right, vt[item * columns * n : (item + 1) * columns * n])
        return failed

    return svd


def _singular(lapack: Lapack) -> Any:
    """U and V^H in Fortran order. LAPACK is not given NaN, which it calls a wrong argument."""
    import numpy as np

    gesdd, kind, element, turn = lapack.call("numba_ez_gesdd"), lapack.kind, lapack.type, turning(lapack)
    all_of, thin, none = ord("A"), ord("S"), ord("N")

    @Part.of
    def unit(n: Any, x: Any) -> Any:
        for i in range(n * n):
            x[i] = 1 if i % (n + 1) == 0 else 0

    @Part.of
    def singular(m: Any, n: Any, full: Any, vectors: Any, x: Any, u: Any, s: Any, vt: Any) -> Any:
        k = min(m, n)
        if k == 0:
            if full and vectors:
                unit(m, u)
                unit(n, vt)
            return False
        a = np.empty(m * n, element)
        turn(m, n, x, a)
        for i in range(m * n):
            if a[i] != a[i]:
                return True
        job = none if not vectors else all_of if full else thin
        rows = n if full else k
        return gesdd(kind, job, m, n, a.ctypes, m, s.ctypes, u.ctypes, m, vt.ctypes, rows) != 0

    return singular


def qr(lapack: Lapack) -> Any:
    """Householder's reflections, and from them the columns of Q that are wanted."""
    import numpy as np

    geqrf, orgqr = lapack.call("numba_ez_geqrf"), lapack.call("numba_ez_xxgqr")
    kind, element, turn = lapack.kind, lapack.type, turning(lapack)

    @Part.of
    def qr(count: Any, m: Any, n: Any, complete: Any, x: Any, q: Any, r: Any) -> Any:
        rows = m if complete else n
        a, tau = np.empty(m * max(rows, n), element), np.empty(n, element)
        for i in range(m * n, m * rows):
            a[i] = 0
        for item in range(count):
            turn(m, n, x[item * m * n : (item + 1) * m * n], a)
            if n:
                geqrf(kind, m, n, a.ctypes, m, tau.ctypes)
            for i in range(rows):
                for j in range(n):
                    r[item * rows * n + i * n + j] = a[j * m + i] if i <= j else element(0)
            if m and rows:
                orgqr(kind, m, rows, n, a.ctypes, m, tau.ctypes)
                turn(rows, m, a, q[item * m * rows : (item + 1) * m * rows])
        return False

    return qr


def pinv(lapack: Lapack) -> Any:
    """V diag(1 / s) U^H over the values above the cutoff."""
    import numpy as np

    element, part, singular = lapack.type, lapack.real, _singular(lapack)

    @Part.of
    def pinv(count: Any, m: Any, n: Any, cutoff: Any, x: Any, out: Any) -> Any:
        k, failed = min(m, n), False
        u, s, vt = np.empty(k * m, element), np.empty(k, part), np.empty(n * k, element)
        for item in range(count if k else 0):
            matrix = x[item * m * n : (item + 1) * m * n]
            failed |= singular(m, n, False, True, matrix, u, s, vt)
            for i in range(n):
                row = item * m * n + i * m
                for j in range(m):
                    out[row + j] = 0
                for c in range(k):
                    factor = element(0)
                    if s[c] > cutoff * s[0]:
                        factor = vt[i * k + c] / s[c]
                    for j in range(m):
                        out[row + j] += (factor * u[c * m + j]).conjugate()
        return failed

    return pinv

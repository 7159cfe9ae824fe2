"""`gemm` of the emitted source: a product of complex matrices by SciPy's BLAS, on one thread if small.

OpenBLAS divides every product over its threads. For one of a fraction of a millisecond the wait for the other
core, if that is busy, costs many times what it may save.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

ALONE_BELOW = 30_000_000  # multiplications and additions: about half a millisecond
SYMBOLS = ("tapejit_blas_get_threads", "tapejit_blas_set_threads")


@dataclass(frozen=True)
class BlasThreads:
    """The functions of OpenBLAS that ask for and set how many threads it uses."""

    get: int  # addresses
    set: int

    @staticmethod
    @cache
    def found() -> BlasThreads | None:
        """Those of SciPy's library, known to LLVM by `SYMBOLS`; None if it is another one."""
        import llvmlite.binding

        for library in _libraries():
            names = ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads")
            if all(hasattr(library, name) for name in names):
                get, set_ = (
                    ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0 for name in names
                )
                for symbol, address in zip(SYMBOLS, (get, set_), strict=True):
                    llvmlite.binding.add_symbol(symbol, address)
                return BlasThreads(get, set_)
        return None

    def begin(self, builder: Any, rows: Any, columns: Any, inner: Any) -> tuple[Any, Any]:
        """Before a product: set one thread if it is small; whether that was done, and how many there were.

        Not if there is one already: it may be another caller who set it, and who will set it back.
        """
        get, set_ = self._functions(builder)
        before = builder.call(get, [])
        work = builder.mul(builder.mul(rows, columns), inner)
        small = builder.icmp_signed("<", work, work.type(ALONE_BELOW // 2))
        alone = builder.and_(small, builder.icmp_signed(">", before, before.type(1)))
        with builder.if_then(alone):
            builder.call(set_, [before.type(1)])
        return alone, before

    def end(self, builder: Any, state: tuple[Any, Any]) -> None:
        """After it: what there was before."""
        alone, before = state
        with builder.if_then(alone):
            builder.call(self._functions(builder)[1], [before])

    def _functions(self, builder: Any) -> tuple[Any, Any]:
        import llvmlite.ir as ll
        from numba.core.cgutils import get_or_insert_function

        number = ll.IntType(32)
        kinds = (ll.FunctionType(number, []), ll.FunctionType(ll.VoidType(), [number]))
        get, set_ = (
            get_or_insert_function(builder.module, kind, symbol)
            for kind, symbol in zip(kinds, SYMBOLS, strict=True)
        )
        return get, set_


def _libraries() -> list[ctypes.CDLL]:
    """The BLAS libraries that lie beside SciPy."""
    import scipy

    here = Path(scipy.__file__).parent
    places = [here.parent / "scipy.libs", here / ".dylibs"]
    return [ctypes.CDLL(str(path)) for place in places for path in sorted(place.glob("*openblas*"))]


def gemm() -> Any:
    """`gemm(rows, columns, inner, x, start, leading, transposed, y, ..., out, start, accumulate)` by BLAS."""
    from numba import types
    from numba.extending import intrinsic
    from numba.np.linalg import ensure_blas

    def product(
        context: Any,
        rows: Any,
        columns: Any,
        inner: Any,
        x: Any,
        x_start: Any,
        x_leading: Any,
        x_turned: Any,
        y: Any,
        y_start: Any,
        y_leading: Any,
        y_turned: Any,
        out: Any,
        out_start: Any,
        accumulate: Any,
    ) -> Any:
        ensure_blas()
        n, flag = types.intp, types.boolean
        call = partial(_call, BlasThreads.found())
        return types.void(n, n, n, x, n, n, flag, y, n, n, flag, out, n, flag), call

    return intrinsic(product)


def _call(threads: BlasThreads | None, context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Call Numba's helper, which finds the BLAS of SciPy.

    Matrices lie row by row, but BLAS counts columns first: it is given the transposed problem.
    """
    import llvmlite.ir as ll
    from numba import types
    from numba.core import cgutils

    byte, word = ll.IntType(8), ll.IntType(64)
    pointer = byte.as_pointer()
    kinds = [byte] * 3 + [word] * 3 + [pointer, pointer, word, pointer, word, pointer, pointer, word]
    rows, columns, inner, _, _, x_leading, x_turned, _, _, y_leading, y_turned, _, _, accumulate = arguments
    array = signature.args[3]
    kind = {types.complex128: "z", types.complex64: "c"}[array.dtype]

    def address(where: int) -> Any:
        data = context.make_array(signature.args[where])(context, builder, arguments[where]).data
        return builder.bitcast(builder.gep(data, [arguments[where + 1]]), pointer)

    def scalar(value: Any) -> Any:
        return builder.bitcast(cgutils.alloca_once_value(builder, value), pointer)

    def turned(flag: Any) -> Any:
        return builder.select(flag, byte(ord("t")), byte(ord("n")))

    function = cgutils.get_or_insert_function(
        builder.module, ll.FunctionType(ll.IntType(32), kinds), "numba_xxgemm"
    )
    alone = threads and threads.begin(builder, rows, columns, inner)
    builder.call(
        function,
        [
            byte(ord(kind)),
            turned(y_turned),
            turned(x_turned),
            columns,
            rows,
            inner,
            scalar(context.get_constant(array.dtype, 1)),
            address(7),
            y_leading,
            address(3),
            x_leading,
            scalar(context.cast(builder, accumulate, types.boolean, array.dtype)),
            address(11),
            columns,
        ],
    )
    if threads and alone:
        threads.end(builder, alone)
    return context.get_dummy_value()

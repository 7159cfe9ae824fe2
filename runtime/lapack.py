"""BLAS and LAPACK as Numba compiles calls to them: SciPy's, through the wrappers that Numba has, and `trsm`.

Matrices are in Fortran order here. A wrapper returns what LAPACK calls `info`: 0 if all went well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

LETTER = {"f64": "d", "f32": "s"}


class Lapack:
    """The libraries for one dtype; `jit` is the decorator for what calls them."""

    def __init__(self, dtype: str):
        import numba
        from numba.np.linalg import _LAPACK, F_INT_nbtype

        self.letter = LETTER[dtype]
        self.kind = ord(self.letter)
        self.type = {"f64": numba.float64, "f32": numba.float32}[dtype]
        self.int = F_INT_nbtype
        self.jit: Callable[[Callable[..., Any]], Any] = numba.njit(
            nogil=True, error_model="numpy", fastmath={"contract"}
        )
        self._wrappers = _LAPACK()

    def types(self, letters: str) -> tuple[Any, ...]:
        """Of a routine's arguments: n a number, f a flag, r a real number, x elements, o an order of rows."""
        from numba import types

        row = types.Array(self.type, 1, "C")
        named = {"n": types.intp, "f": types.boolean, "r": types.float64, "x": row, "o": types.int64[::1]}
        return tuple(named[letter] for letter in letters.replace(" ", ""))

    def call(self, name: str) -> Any:
        """One of Numba's wrappers."""
        return getattr(self._wrappers, name)(self.type)

    @cached_property
    def trsm(self) -> Any:
        """BLAS's triangular solve, under a symbol: object code that names it can be kept on disk."""
        import llvmlite.binding
        from numba import types
        from numba.extending import get_cython_function_address

        symbol = f"tapejit_{self.letter}trsm"
        address = get_cython_function_address("scipy.linalg.cython_blas", f"{self.letter}trsm")
        llvmlite.binding.add_symbol(symbol, address)
        letter, number, element = (types.CPointer(t) for t in (types.int8, self.int, self.type))
        kinds = (letter, letter, letter, letter, number, number, element, element, number, element, number)
        return types.ExternalFunction(symbol, types.void(*kinds))

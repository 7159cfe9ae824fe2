"""BLAS and LAPACK as Numba compiles calls to them: SciPy's, through the wrappers that Numba has, and `trsm`.

Matrices are in Fortran order here. A wrapper returns what LAPACK calls `info`: 0 if all went well.
"""

from __future__ import annotations

from typing import Any

from tapejit.ir.types import COMPLEX_OF, NUMPY_NAME, REAL_OF

LETTER = {"f64": "d", "f32": "s", "c128": "z", "c64": "c"}


class Lapack:
    """The libraries for one dtype, and its types, for the functions that a routine is made of."""

    def __init__(self, dtype: str):
        import numba
        from numba.np.linalg import _LAPACK, F_INT_nbtype

        self.letter = LETTER[dtype]
        self.kind = ord(self.letter)
        self.type = getattr(numba, NUMPY_NAME[dtype])
        self.real = getattr(numba, NUMPY_NAME[REAL_OF.get(dtype, dtype)])
        self.complex = getattr(numba, NUMPY_NAME[COMPLEX_OF.get(dtype, dtype)])
        self.int, self.letter_type, self.flag = F_INT_nbtype, numba.int8, numba.boolean
        self._wrappers = _LAPACK()

    def types(self, letters: str) -> tuple[Any, ...]:
        """Of arguments: n a number, f a flag, r a real number; rows of x elements, p real ones, z complex
        ones, o of an order of rows."""
        from numba import types

        elements = {"x": self.type, "p": self.real, "z": self.complex, "o": types.int64}
        rows = {letter: types.Array(element, 1, "C") for letter, element in elements.items()}
        named = {"n": types.intp, "f": types.boolean, "r": types.float64, **rows}
        return tuple(named[letter] for letter in letters.replace(" ", ""))

    def call(self, name: str) -> Any:
        """One of Numba's wrappers."""
        return getattr(self._wrappers, name)(self.type)

    @property
    def trsm(self) -> Any:
        """BLAS's triangular solve, under a symbol: object code that names it can be kept on disk."""
        from numba import types

        letter, number, element = (types.CPointer(t) for t in (types.int8, self.int, self.type))
        kinds = (letter, letter, letter, letter, number, number, element, element, number, element, number)
        symbol = f"{_TRSM}{self.letter}"
        announce(symbol)
        return types.ExternalFunction(symbol, types.void(*kinds))


_TRSM = "tapejit_trsm_"


def announce(symbol: str) -> None:
    """Have LLVM know the address behind the symbol of a `trsm`; others are known."""
    import llvmlite.binding
    from numba.extending import get_cython_function_address

    if symbol.startswith(_TRSM) and llvmlite.binding.address_of_symbol(symbol) is None:
        name = f"{symbol.removeprefix(_TRSM)}trsm"
        llvmlite.binding.add_symbol(symbol, get_cython_function_address("scipy.linalg.cython_blas", name))

"""`fft_c128(kind, outside, inside, length, x, out)` and the like, which emitted source calls.

NumPy's transform (pocketfft) is as accurate as one gets and fast for every length, so a native program calls
it, by a C function that takes the interpreter's lock for that and costs some microseconds. The reasons are in
docs/decisions/0008-fourier-transforms-by-numpy.md. Start with `Fourier`.
"""

from __future__ import annotations

import _thread
import ctypes
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from tapejit.ir.fourier import KINDS
from tapejit.ir.types import COMPLEX_OF, COMPLEXES, NUMPY_NAME, REAL_OF

DONE, NO_MEMORY, FAILED = range(3)
_WORD = ctypes.c_int64
_SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int32, _WORD, _WORD, _WORD, _WORD, ctypes.c_void_p, ctypes.c_void_p)


class Fourier:
    """The routines by name, for sources that call any; one for each dtype of results."""

    def names(self, source: str) -> dict[str, Any]:
        """What `source` may call."""
        dtypes = set(re.findall(r"\bfft_(\w+)\(", source))
        return {f"fft_{dtype}": _routine(dtype) for dtype in dtypes}


@cache
def _routine(dtype: str) -> Any:
    """The function that programs call; it raises what went wrong."""
    import llvmlite.binding
    import numba
    from numba import types

    symbol = f"tapejit_fft_{dtype}"
    llvmlite.binding.add_symbol(symbol, ctypes.cast(_called_back(dtype), ctypes.c_void_p).value)
    word, pointer = types.int64, types.voidptr
    transform = types.ExternalFunction(symbol, types.int32(word, word, word, word, pointer, pointer))

    @numba.njit(nogil=True)
    def fft(kind: Any, outside: Any, inside: Any, length: Any, x: Any, out: Any) -> None:
        if outside * inside == 0:
            return
        status = transform(kind, outside, inside, length, x.ctypes, out.ctypes)
        if status == NO_MEMORY:
            raise MemoryError("a Fourier transform")
        if status != DONE:
            raise RuntimeError("a Fourier transform was interrupted")

    return fft


@cache
def _called_back(dtype: str) -> Any:
    """The C function of one dtype of results, which lives as long as programs that may call it: for ever."""
    result = np.dtype(NUMPY_NAME[dtype])
    run = tuple(_transform(kind, _operand(kind, dtype), result) for kind in KINDS if _gives(kind, dtype))
    first = next(k for k, kind in enumerate(KINDS) if _gives(kind, dtype))

    def called(kind: int, outside: int, inside: int, length: int, x: int, out: int) -> int:
        try:
            run[kind - first](outside, inside, length, x, out)
        except MemoryError:
            return NO_MEMORY
        except KeyboardInterrupt:
            _thread.interrupt_main()  # again, for the Python that waits for the program
            return FAILED
        except Exception:
            return FAILED
        return DONE

    return _SIGNATURE(called)


def _gives(kind: str, dtype: str) -> bool:
    """Whether the results of this kind of transform have this dtype."""
    return (dtype in COMPLEXES) == (kind != "irfft")


def _operand(kind: str, dtype: str) -> np.dtype[Any]:
    own = {"rfft": REAL_OF, "irfft": COMPLEX_OF}.get(kind, {})
    return np.dtype(NUMPY_NAME[own.get(dtype, dtype)])


def _transform(kind: str, operand: np.dtype[Any], result: np.dtype[Any]) -> Callable[..., None]:
    """One kind of transform, of memory."""
    function: Any = KINDS[kind]

    def run(outside: int, inside: int, length: int, x: int, out: int) -> None:
        half = length // 2 + 1
        given = _array(x, operand, (outside, half if kind == "irfft" else length, inside))
        target = _array(out, result, (outside, half if kind == "rfft" else length, inside))
        function(given, length, 1, out=target)

    return run


def _array(address: int, dtype: np.dtype[Any], shape: tuple[int, int, int]) -> np.ndarray:
    """The elements at an address, in C order."""
    size = shape[0] * shape[1] * shape[2] * dtype.itemsize
    return np.frombuffer((ctypes.c_char * size).from_address(address), dtype).reshape(shape)

"""`fft_c128(kind, outside, inside, length, x, out)` and the like, which emitted source calls.

NumPy's transform (pocketfft) is as accurate as one gets and fast for every length. A native program calls
the C loops below it (`pocketfft`) or, where these are not to be had, a C function that takes the
interpreter's lock and calls `numpy.fft`. See docs/decisions/0008-fourier-transforms-by-numpy.md. Start with
`Fourier`.
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
from tapejit.runtime.pocketfft import loops

DONE, FAILED = range(2)
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
    """The function that programs call.

    It takes addresses, and no array objects: Numba's reference counts of those make LLVM slow.
    """
    import llvmlite.ir as ll
    from numba import types
    from numba.extending import intrinsic

    add, pointer = _by_loops(dtype) or _by_python(dtype), ll.IntType(8).as_pointer()

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        *numbers, x, out = arguments
        arrays = [
            context.make_array(t)(context, builder, a)
            for t, a in zip(signature.args[-2:], (x, out), strict=True)
        ]
        add(context, builder, numbers, *(builder.bitcast(array.data, pointer) for array in arrays))
        return context.get_dummy_value()

    def fft(
        context: Any, kind: Any, outside: Any, inside: Any, length: Any, x: Any, out: Any
    ) -> tuple[Any, Any]:
        return types.void(*[types.int64] * 4, x, out), generate

    return intrinsic(fft)


def _by_loops(dtype: str) -> Any:
    """How to call NumPy's C loops; None if they cannot be had."""
    found = loops(dtype)
    if found is None:
        return None
    from tapejit.runtime.fourier_call import announce, direct

    announce(dtype, found)
    return lambda context, builder, *arguments: direct(dtype, found, builder, *arguments)


def _by_python(dtype: str) -> Any:
    """How to call back into Python; the program raises what went wrong there."""
    import llvmlite.binding
    import llvmlite.ir as ll
    from numba.core import cgutils

    symbol = f"tapejit_fft_{dtype}"
    llvmlite.binding.add_symbol(symbol, ctypes.cast(_called_back(dtype), ctypes.c_void_p).value)
    word, pointer = ll.IntType(64), ll.IntType(8).as_pointer()
    kind = ll.FunctionType(ll.IntType(32), [word] * 4 + [pointer] * 2)

    def add(context: Any, builder: Any, numbers: Any, x: Any, out: Any) -> None:
        function = cgutils.get_or_insert_function(builder.module, kind, symbol)
        failed = cgutils.is_not_null(builder, builder.call(function, [*numbers, x, out]))
        with cgutils.if_unlikely(builder, failed):
            context.call_conv.return_user_exc(builder, RuntimeError, ("a Fourier transform failed",))

    return add


@cache
def _called_back(dtype: str) -> Any:
    """The C function of one dtype of results, which lives as long as programs that may call it: for ever."""
    result = np.dtype(NUMPY_NAME[dtype])
    run = tuple(_transform(kind, _operand(kind, dtype), result) for kind in KINDS if _gives(kind, dtype))
    first = next(k for k, kind in enumerate(KINDS) if _gives(kind, dtype))

    def called(kind: int, outside: int, inside: int, length: int, x: int, out: int) -> int:
        try:
            run[kind - first](outside, inside, length, x, out)
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
        if outside * inside == 0:
            return
        half = length // 2 + 1
        given = _array(x, operand, (outside, half if kind == "irfft" else length, inside))
        target = _array(out, result, (outside, half if kind == "rfft" else length, inside))
        function(given, length, 1, out=target)

    return run


def _array(address: int, dtype: np.dtype[Any], shape: tuple[int, int, int]) -> np.ndarray:
    """The elements at an address, in C order."""
    size = shape[0] * shape[1] * shape[2] * dtype.itemsize
    memory: Any = (ctypes.c_char * size).from_address(address)
    return np.frombuffer(memory, dtype).reshape(shape)

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
    """The function that programs call; it raises what went wrong.

    It takes addresses, and no array objects: Numba's reference counts of those make LLVM slow.
    """
    import llvmlite.binding
    import llvmlite.ir as ll
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    symbol = f"tapejit_fft_{dtype}"
    llvmlite.binding.add_symbol(symbol, ctypes.cast(_called_back(dtype), ctypes.c_void_p).value)
    status, word, pointer = ll.IntType(32), ll.IntType(64), ll.IntType(8).as_pointer()
    kind_of_function = ll.FunctionType(status, [word] * 4 + [pointer] * 2)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        *numbers, x, out = arguments
        arrays = zip(signature.args[-2:], (x, out), strict=True)
        memory = [
            builder.bitcast(context.make_array(t)(context, builder, a).data, pointer) for t, a in arrays
        ]
        function = cgutils.get_or_insert_function(builder.module, kind_of_function, symbol)
        found = builder.call(function, [*numbers, *memory])
        with cgutils.if_unlikely(builder, cgutils.is_not_null(builder, found)):
            context.call_conv.return_user_exc(builder, RuntimeError, ("a Fourier transform failed",))
        return context.get_dummy_value()

    def fft(
        context: Any, kind: Any, outside: Any, inside: Any, length: Any, x: Any, out: Any
    ) -> tuple[Any, Any]:
        return types.void(*[types.int64] * 4, x, out), generate

    return intrinsic(fft)


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

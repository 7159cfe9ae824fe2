"""LLVM for a transform by NumPy's C loops (`pocketfft`): one call of a loop for each row
outside of the axis, or one for all rows along the last axis.

A ufunc's loop takes the addresses of its operands (x, a factor, out), its counts (repetitions, elements of
x and of out) and the steps between those. Start with `direct`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import llvmlite.binding
import llvmlite.ir as ll
from numba.core import cgutils

from tapejit.ir.types import REAL_OF, TensorType
from tapejit.runtime.pocketfft import Loop

_WORD, _BYTE = ll.IntType(64), ll.IntType(8)
_POINTER = _BYTE.as_pointer()
_LOOP = ll.FunctionType(ll.VoidType(), [_POINTER] * 4)
_RFFT = 2  # the number of the kind, see `ir.fourier`


def direct(dtype: str, loops: Mapping[str, Loop], builder: Any, numbers: Any, x: Any, out: Any) -> None:
    """Add the transform of the memory at x into that at out; results have this dtype."""
    kind, outside, inside, length = numbers
    half = builder.add(builder.sdiv(length, _WORD(2)), _WORD(1))
    real = builder.icmp_signed("==", kind, _WORD(_RFFT))
    size = TensorType(dtype).numpy_dtype.itemsize
    if dtype in REAL_OF:
        count, results = length, builder.select(real, half, length)
        given = builder.select(real, _WORD(size // 2), _WORD(size))
    else:
        count, results, given = half, length, _WORD(2 * size)
    function, data = _chosen(dtype, loops, builder, kind, length)
    factor = cgutils.alloca_once_value(builder, _factor(dtype, builder, kind, length))
    each, to_each = builder.mul(inside, given), builder.mul(inside, _WORD(size))
    from_rows, to_rows = builder.mul(count, each), builder.mul(results, to_each)
    calls, counts, starts = _calls(builder, outside, inside, (given, from_rows), (_WORD(size), to_rows))
    passed = builder.bitcast(_row(builder, [starts[0], _WORD(0), starts[1], each, to_each]), _POINTER)
    counts = _row(builder, [counts, count, results])
    with cgutils.for_range(builder, calls) as row:
        from_row, to_row = builder.mul(row.index, from_rows), builder.mul(row.index, to_rows)
        places = [builder.gep(x, [from_row]), builder.bitcast(factor, _POINTER), builder.gep(out, [to_row])]
        arguments = (_row(builder, places), counts)
        builder.call(function, [*(builder.bitcast(a, _POINTER) for a in arguments), passed, data])


def _calls(builder: Any, outside: Any, inside: Any, *steps: Any) -> tuple[Any, Any, list[Any]]:
    """How many calls, of how many transforms each, and the steps from one to the next of these.

    Each of `steps` is that within a row and that between rows. Every call works out the roots of unity
    anew, which takes about as long as a transform, so that one call takes all rows where it can.
    """
    last = builder.icmp_signed("==", inside, _WORD(1))
    calls, counts = (builder.select(last, a, b) for a, b in ((_WORD(1), outside), (outside, inside)))
    return calls, counts, [builder.select(last, rows, within) for within, rows in steps]


def _row(builder: Any, values: list[Any]) -> Any:
    """Memory on the stack with these values."""
    memory = cgutils.alloca_once(builder, ll.ArrayType(values[0].type, len(values)))
    for k, value in enumerate(values):
        builder.store(value, cgutils.gep_inbounds(builder, memory, 0, k))
    return memory


def _factor(dtype: str, builder: Any, kind: Any, length: Any) -> Any:
    """1 / length on the way back."""
    number = (
        ll.DoubleType() if TensorType(REAL_OF.get(dtype, dtype)).numpy_dtype.itemsize == 8 else ll.FloatType()
    )
    inverse = builder.fptrunc if number == ll.FloatType() else lambda x, _: x
    share = inverse(builder.fdiv(ll.DoubleType()(1.0), builder.sitofp(length, ll.DoubleType())), number)
    back = builder.trunc(kind, ll.IntType(1))  # kinds are fft, ifft, rfft, irfft
    return builder.select(back, share, number(1.0))


def _chosen(dtype: str, loops: Mapping[str, Loop], builder: Any, kind: Any, length: Any) -> tuple[Any, Any]:
    """The function and its last argument for this kind and length."""
    named = {name: _symbols(builder.module, f"tapejit_{name}_{dtype}", loop) for name, loop in loops.items()}
    if "irfft" in named:
        return named["irfft"]
    odd = builder.trunc(length, ll.IntType(1))
    found = []
    for k in range(2):
        of_reals = builder.select(odd, named["rfft_n_odd"][k], named["rfft_n_even"][k])
        is_back = builder.icmp_signed("==", kind, _WORD(1))
        of_complex = builder.select(is_back, named["ifft"][k], named["fft"][k])
        found.append(builder.select(builder.icmp_signed("==", kind, _WORD(_RFFT)), of_reals, of_complex))
    return found[0], found[1]


def _symbols(module: Any, name: str, loop: Loop) -> tuple[Any, Any]:
    """The loop and its data by names, which object code kept on disk finds again in other processes."""
    function = cgutils.get_or_insert_function(module, _LOOP, name)
    data = f"{name}_data"
    if not loop.data:
        return function, ll.Constant(_POINTER, None)
    return function, module.globals.get(data) or ll.GlobalVariable(module, _BYTE, data)


def announce(dtype: str, loops: Mapping[str, Loop]) -> None:
    """Have LLVM know the addresses behind the names."""
    for name, loop in loops.items():
        llvmlite.binding.add_symbol(f"tapejit_{name}_{dtype}", loop.function)
        if loop.data:
            llvmlite.binding.add_symbol(f"tapejit_{name}_{dtype}_data", loop.data)

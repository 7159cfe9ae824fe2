"""Matrix products by tiles, compiled for registers of any size and number, on arrays of any strides."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tapejit.codegen.micro_kernel import TileShape
from tapejit.codegen.product_function import MatrixProduct
from tapejit.codegen.product_size import panels_size
from tapejit.runtime.shared_code import Registers, _compiled

DTYPES = {"f64": np.float64, "f32": np.float32}
WORD, POINTER = ctypes.c_int64, ctypes.c_void_p
MATRIX = [POINTER, WORD, WORD]
RUN_BLOCK = ctypes.CFUNCTYPE(WORD, POINTER, WORD)


@dataclass(frozen=True)
class Kernel:
    """A compiled product; `blocks` are the numbers of blocks of its launches, which run last block first."""

    function: Callable[..., None]
    dtype: Any
    blocks: list[int]

    def __call__(self, x: np.ndarray, y: np.ndarray, out: np.ndarray, accumulate: bool = False) -> None:
        (rows, inner), columns = x.shape, y.shape[1]
        assert out.shape == (rows, columns)
        assert out.flags.c_contiguous
        size = panels_size(columns, inner)
        panels = np.full(size + 1, np.nan, self.dtype)
        self.function(
            *(rows, columns, inner, *_matrix(x), *_matrix(y), out.ctypes.data),
            *(accumulate, panels.ctypes.data, ctypes.cast(_launch(self.blocks), POINTER)),
        )
        assert np.isnan(panels[size])  # it keeps to its room


@cache
def kernel(dtype: str, width: int, count: int) -> Kernel:
    """The product for registers of so many bytes, and so many of them."""
    import llvmlite.binding
    from numba.core.registry import cpu_target

    symbol = f"tested_{dtype}_product_{width}_{count}"
    code = _compiled(MatrixProduct(TileShape.of(dtype, Registers(width, count))).defined(symbol)).code
    engine = cpu_target.target_context.codegen()._engine._ee
    engine.add_object_file(llvmlite.binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    kinds = [WORD, WORD, WORD, *MATRIX, *MATRIX, POINTER, ctypes.c_bool, POINTER, POINTER]
    function = ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address(symbol))
    return Kernel(function, DTYPES[dtype], [])


def _matrix(x: np.ndarray) -> tuple[int, int, int]:
    return x.ctypes.data, x.strides[0] // x.itemsize, x.strides[1] // x.itemsize


def _launch(counts: list[int]) -> Any:
    def launch(function: int, arguments: int, blocks: int) -> int:
        counts.append(blocks)
        return sum(RUN_BLOCK(function)(arguments, block) for block in reversed(range(blocks)))

    return ctypes.CFUNCTYPE(WORD, WORD, WORD, WORD)(launch)

"""The functions of each library as calls on its own arrays. Start with `LIBRARIES`.

A library is a function that, given a name of `NAMES` and operands as NumPy arrays, returns a call of no
arguments which computes the results, or None where the library has no such function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

NAMES = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "sin", "cos", "tan", "arcsin", "arccos",
    "arctan", "arctan2", "sinh", "cosh", "tanh", "logistic", "erf", "erfc", "cbrt", "rsqrt", "lgamma",
    "digamma",
)  # fmt: skip
DTYPES = ("f8", "f4")
BINARY = ("pow", "arctan2")
SCIPY_NAMES = {"logistic": "expit", "lgamma": "gammaln", "digamma": "digamma"}
LIBM_NAMES = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2"}
OF_NUMPY = ("exp2", "cbrt")  # those of libm that Numba knows by NumPy's names

Call = Callable[[], Any]


def operands(name: str, dtype: str, size: int) -> list[np.ndarray]:
    """Numbers from where most of a function's work lies: 0.1 to 3, or -1 to 1."""
    rng = np.random.default_rng(1)
    unit = name in ("arcsin", "arccos")
    arrays = [rng.uniform(-1.0 if unit else 0.1, 1.0 if unit else 3.0, size), rng.uniform(-3.0, 3.0, size)]
    return [x.astype(dtype) for x in arrays[: 2 if name in BINARY else 1]]


def _found(name: str, *modules: ModuleType) -> Callable[..., Any] | None:
    """By its name in the array API, or NumPy's or SciPy's."""
    names = (name, "power") if name == "pow" else (SCIPY_NAMES.get(name, name),)
    return next((getattr(m, n) for m in modules for n in names if hasattr(m, n)), None)


def _reciprocal_root(x: np.ndarray) -> Any:
    return 1 / np.sqrt(x)


def numpy(name: str, *arrays: np.ndarray) -> Call | None:
    """NumPy's or SciPy's, into results that are there already."""
    if name == "rsqrt":
        return lambda: _reciprocal_root(*arrays)
    function, out = _found(name, np, import_module("scipy.special")), np.empty_like(arrays[0])
    return function and (lambda: function(*arrays, out))


@cache
def _compiled(name: str) -> Callable[..., Any]:
    import tapejit as tj

    if name == "rsqrt":
        return tj.jit(_reciprocal_root)
    function = _found(name, np, tj.special)
    return tj.jit(lambda *xs: function(*xs))


def tapejit(name: str, *arrays: np.ndarray) -> Call:
    """The decorated function."""
    function = _compiled(name)
    return lambda: function(*arrays)


@cache
def _looped(name: str) -> Callable[..., Any] | None:
    """A loop that calls libm's function for each element."""
    numba = import_module("numba")
    function = getattr(np if name in OF_NUMPY else math, LIBM_NAMES.get(name, name), None)
    if name in BINARY:
        return numba.vectorize(lambda x, y: function(x, y))
    return function and numba.vectorize(lambda x: function(x))


def libm(name: str, *arrays: np.ndarray) -> Call | None:
    """The C library's by Numba, into results that are there already."""
    function, out = _looped(name), np.empty_like(arrays[0])
    return function and (lambda: function(*arrays, out))


def jax(name: str, *arrays: np.ndarray) -> Call | None:
    """Compiled by XLA."""
    library = import_module("jax")
    library.config.update("jax_enable_x64", True)
    function = _found(name, import_module("jax.numpy"), import_module("jax.scipy.special"), library.lax)
    if function is None:
        return None
    compiled, inputs = library.jit(function), [library.device_put(x) for x in arrays]
    return lambda: compiled(*inputs).block_until_ready()


def torch(name: str, *arrays: np.ndarray) -> Call | None:
    """Eagerly, into results that are there already."""
    library = import_module("torch")
    library.set_num_threads(1)
    function = _found(name, library, library.special)
    if function is None:
        return None
    inputs, out = [library.from_numpy(x) for x in arrays], library.empty(arrays[0].size)
    out = out.to(inputs[0].dtype)
    return lambda: function(*inputs, out=out)


VECTORISED, LIBM = ("tapejit", "NumPy, SciPy"), "libm"
LIBRARIES: dict[str, Callable[..., Call | None]] = {
    **dict(zip(VECTORISED, (tapejit, numpy), strict=True)),
    LIBM: libm,
    "JAX": jax,
    "PyTorch": torch,
}

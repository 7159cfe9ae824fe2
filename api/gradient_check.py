"""`check_grads`: derivatives against differences, for the tests that users write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree

from tapejit.argnums import described
from tapejit.directional import jvp, vjp
from tapejit.transformed import check_function

MODES = ("fwd", "rev")


def check_grads(
    function: Callable[..., Any],
    args: Any,
    order: int = 1,
    modes: Sequence[str] = MODES,
    rtol: float | None = None,
    atol: float | None = None,
    eps: float | None = None,
    seed: int = 0,
) -> None:
    """Raise AssertionError unless the derivatives of `function` at `args` agree with central differences.

    `args`: the positional arguments, trees of float or complex arrays or numbers; all are differentiated.
    "fwd" compares `jvp` with differences along a random direction, "rev" compares `vjp` with them, weighted
    at random. With `order=2` the derivatives are themselves checked in the same way, and so on. `eps` is the
    step of the differences; the tolerances and it default to what the lowest precision among the arguments
    allows. The function must be smooth within a step around `args`.

    >>> import numpy as np, tapejit as tj
    >>> tj.check_grads(lambda x: np.sum(np.sin(x) ** 2), (np.array([0.1, 0.7]),), order=2)
    >>> tj.check_grads(lambda x: x * tj.stop_gradient(x), (np.array([0.5]),))
    Traceback (most recent call last):
    AssertionError: fwd of <lambda> ...
    """
    check_function(function)
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown or order < 1:
        raise ValueError(f"modes are {', '.join(MODES)} and the order is at least 1; got {modes} and {order}")
    single = any(np.asarray(x).dtype in (np.float32, np.complex64) for x in optree.tree_leaves(args))
    default = (2e-2, 2e-2, 1e-2) if single else (1e-5, 1e-6, 1e-5)
    rtol, atol, eps = (d if x is None else x for x, d in zip((rtol, atol, eps), default, strict=True))
    check = _Check(rtol, atol, eps, np.random.default_rng(seed))
    check.function(function, tuple(args), order, tuple(modes), described(function))


class _Check:
    """The settings of one check."""

    def __init__(self, rtol: float, atol: float, eps: float, rng: np.random.Generator):
        self._rtol, self._atol, self._eps, self._rng = rtol, atol, eps, rng

    def function(
        self, f: Callable[..., Any], args: tuple[Any, ...], order: int, modes: Sequence[str], name: str
    ) -> None:
        """Check the derivatives of `f` in all modes, and then theirs."""
        value = f(*args)
        direction = self._random_like(args)
        weights = self._random_like(value)
        numerical = _dot(weights, self._difference(f, args, direction))
        if "fwd" in modes:
            self._compare(_dot(weights, _pushed(f, args, direction)), numerical, f"fwd of {name}")
        if "rev" in modes:
            self._compare(_dot(_pulled(f, args, weights), direction), numerical, f"rev of {name}")
        if order > 1 and "fwd" in modes:
            self.function(lambda *xs: _pushed(f, xs, direction), args, order - 1, modes, f"fwd of {name}")
        if order > 1 and "rev" in modes:
            self.function(lambda *xs: _pulled(f, xs, weights), args, order - 1, modes, f"rev of {name}")

    def _difference(self, f: Callable[..., Any], args: Any, direction: Any) -> Any:
        """The derivative of `f` along `direction` by a central difference."""
        ahead = f(*optree.tree_map(lambda x, v: _moved(x, self._eps * v), args, direction))
        behind = f(*optree.tree_map(lambda x, v: _moved(x, -self._eps * v), args, direction))
        return optree.tree_map(lambda a, b: (_wide(a) - _wide(b)) / (2 * self._eps), ahead, behind)

    def _random_like(self, tree: Any) -> Any:
        return optree.tree_map(lambda x: self._random(np.shape(x), np.asarray(x).dtype), tree)

    def _random(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        real = self._rng.normal(size=shape)
        drawn = real + 1j * self._rng.normal(size=shape) if dtype.kind == "c" else real
        return np.asarray(drawn).astype(dtype)

    def _compare(self, found: float, numerical: float, what: str) -> None:
        if not abs(found - numerical) <= self._atol + self._rtol * abs(numerical):
            raise AssertionError(
                f"{what}: the derivative along a random direction is {found:.10g}, "
                f"by differences {numerical:.10g}"
            )


def _pushed(f: Callable[..., Any], args: tuple[Any, ...], direction: Any) -> Any:
    return jvp(f, args, direction)[1]


def _pulled(f: Callable[..., Any], args: tuple[Any, ...], weights: Any) -> Any:
    return vjp(f, *args)[1](weights)


def _moved(x: Any, step: Any) -> Any:
    moved = np.asarray(x) + step
    return moved.astype(np.asarray(x).dtype)


def _wide(x: Any) -> np.ndarray:
    return np.asarray(x, np.complex128 if np.iscomplexobj(x) else np.float64)


def _dot(x: Any, y: Any) -> float:
    """The sum of the products of all leaves; of complex ones the real part, without conjugation."""
    leaves = zip(optree.tree_leaves(x), optree.tree_leaves(y), strict=True)
    return float(sum(np.sum(_wide(a) * _wide(b)).real for a, b in leaves))

"""What the scalar library is measured against: mpmath's functions, and operands from everywhere.

Start with `ulps`, the error of one result in units of its last place.
"""

from __future__ import annotations

import mpmath
import numpy as np

UNARY = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "logistic": lambda x: 1 / (1 + mpmath.exp(-x)),
    "erf": mpmath.erf,
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "log10": mpmath.log10,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "erfc": mpmath.erfc,
    "erfcx": lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
    "gamma": mpmath.gamma,
    "lgamma": mpmath.loggamma,
    "digamma": mpmath.digamma,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "sqrt": mpmath.sqrt,
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
}
BINARY = {"pow": mpmath.power, "arctan2": mpmath.atan2}

# Multiples of pi/2 are hardest for these: closest in their binade, or of all doubles (Muller, 2006).
HARD_ANGLES = (6381956970095103 * 2.0**797, 1e22, 5e15, 11.0, 355.0, 103993.0, 2.0**1023, 2.0**36 * 1.1)
_POSITIVE = ("log", "log2", "log10", "sqrt", "rsqrt", "gamma", "lgamma", "digamma")
_UNIT = ("arcsin", "arccos")
# How far to go: beyond, the result is 0 or inf, or mpmath takes long.
_FARTHEST = {"exp2": 1100.0, "erfc": 28.0, "erfcx": 1000.0, "gamma": 171.0, "lgamma": 1e30, "digamma": 1e30}
_LEAST = {"erfcx": -26.0, "gamma": 1e-300}
_ZEROS = np.array([1.0, 2.0, 1.4616321449683622])  # of lgamma and digamma


def ulps(found: np.ndarray, exact: list[mpmath.mpf]) -> np.ndarray:
    """The errors; inf where a result is infinite, or finite, and should not be."""
    return np.array([_ulps(f, e) for f, e in zip(found, exact, strict=True)])


def exact_values(function, *operands: np.ndarray) -> list[mpmath.mpf]:
    """To 30 digits more than the operands need: 1100 bits for the sine of the largest double."""
    with mpmath.workprec(1400 if any(np.max(np.abs(x)) > 1e30 for x in operands) else 200):
        return [function(*map(mpmath.mpf, map(float, row))) for row in zip(*operands, strict=True)]


def unary_operands(name: str, dtype: type, count: int) -> np.ndarray:
    """`count` finite operands where the function is finite: of every size, and where it is hard."""
    rng, largest = np.random.default_rng(5), np.log(float(np.finfo(dtype).max))
    pieces = [
        _every_size(dtype, count),
        rng.uniform(-1.0, 1.0, count),
        rng.uniform(0.7, 1.5, count),
        rng.uniform(-1.1, 1.1, count) * largest,
        rng.uniform(-30.0, 30.0, count),
        rng.integers(1, 10**5, count) * (np.pi / 2),
        np.array(HARD_ANGLES, dtype="f8"),
        1.0 - np.exp(rng.uniform(-30.0, 0.0, count)),
        (_ZEROS[:, None] * (1.0 + np.exp(rng.uniform(-30.0, -1.0, count // 4)))).ravel(),
    ]
    with np.errstate(over="ignore"):
        x = np.concatenate(pieces).astype(dtype)
    x = x[np.isfinite(x) & (x != 0)]
    x = np.abs(x) if name in _POSITIVE else np.where(x <= -1, -x, x) if name == "log1p" else x
    x = x[np.abs(x) <= 1] if name in _UNIT else x
    x = x[(np.abs(x) <= _FARTHEST.get(name, np.inf)) & (x >= _LEAST.get(name, -np.inf))]
    return rng.choice(x, count)


def binary_operands(name: str, dtype: type, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of every size; for pow those whose power is neither 0 nor inf."""
    rng = np.random.default_rng(6)
    x, y = _every_size(dtype, count), rng.permutation(_every_size(dtype, count))
    if name == "pow":
        x = np.where(rng.random(count) < 0.5, np.abs(x), rng.uniform(0.3, 3.0, count))
        y = rng.uniform(-1, 1, count) * np.log(float(np.finfo(dtype).max)) / np.log(x.astype(dtype))
    return x.astype(dtype), y.astype(dtype)


def _every_size(dtype: type, count: int) -> np.ndarray:
    """Numbers of both signs and any exponent, subnormal ones too."""
    rng, info = np.random.default_rng(7), np.finfo(dtype)
    exponents = rng.integers(info.minexp - info.nmant, info.maxexp, count)
    exponents = np.where(rng.random(count) < 0.5, exponents, rng.integers(-30, 12, count))
    return np.ldexp(rng.uniform(1.0, 2.0, count), exponents) * rng.choice([-1, 1], count)


def _ulps(found: np.floating, exact: mpmath.mpf) -> float:
    info = np.finfo(found.dtype)
    largest = mpmath.mpf(float(info.max))
    if abs(exact) > largest or not np.isfinite(found):
        return 0.0 if np.isinf(found) and abs(exact) > largest * (1 - 2 * float(info.eps)) else np.inf
    exponent = max(mpmath.frexp(exact)[1] - 1, info.minexp) - info.nmant
    return float(abs(mpmath.mpf(float(found)) - exact) / mpmath.mpf(2) ** exponent)

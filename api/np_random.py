"""`np.random`: NumPy's distributions, drawn as arrays of the `np` face.

Floats have the face's default dtype unless one is asked for. Parameters may be arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapejit.context import Context, require_cpu
from tapejit.np_array import FACE, ndarray
from tapejit.sampling import SAMPLER

Size = int | tuple[int, ...] | None
Device = Context | None


def seed(seed: int | None = None) -> None:
    """Start the process's random numbers anew."""
    SAMPLER.seed(seed)


def _deliver(drawn: Any, dtype: Any, out: ndarray | None = None) -> ndarray:
    result = FACE.own(drawn.astype(FACE.dtype(dtype)))
    return result if out is None else out.assign(result)


def normal(
    loc: Any = 0.0,
    scale: Any = 1.0,
    size: Size = None,
    dtype: Any = None,
    ctx: Device = None,
    device: Device = None,
    out: ndarray | None = None,
) -> ndarray:
    """Normally distributed numbers, of shape () by default.

    >>> from tapejit import np
    >>> np.random.normal(size=3).shape, np.random.normal().shape
    ((3,), ())
    """
    require_cpu(ctx, device)
    return _deliver(SAMPLER.draw("normal", loc, scale, size), dtype, out)


def uniform(
    low: Any = 0.0,
    high: Any = 1.0,
    size: Size = None,
    dtype: Any = None,
    ctx: Device = None,
    device: Device = None,
    out: ndarray | None = None,
) -> ndarray:
    """Numbers spread evenly over [low, high)."""
    require_cpu(ctx, device)
    return _deliver(SAMPLER.draw("uniform", low, high, size), dtype, out)


def rand(*size: int) -> ndarray:
    """Numbers spread evenly over [0, 1)."""
    return uniform(size=size)


def randn(*size: int) -> ndarray:
    """Normally distributed numbers of mean 0 and deviation 1."""
    return normal(size=size)


def randint(
    low: int,
    high: int | None = None,
    size: Size = None,
    dtype: Any = "int64",
    ctx: Device = None,
    device: Device = None,
    out: ndarray | None = None,
) -> ndarray:
    """Integers from `low` up to but without `high`; from 0 up to `low` when `high` is left out."""
    require_cpu(ctx, device)
    return _deliver(SAMPLER.draw("integers", low, high, size), dtype, out)


def choice(a: Any, size: Size = None, replace: bool = True, p: Any = None) -> ndarray:
    """Elements of `a`, or of the numbers below `a`, with probabilities `p`."""
    chosen = SAMPLER.draw("choice", a, size, replace, None if p is None else FACE.array(p, "float64").value())
    return _deliver(chosen, chosen.dtype)


def permutation(x: Any) -> ndarray:
    """The numbers below `x`, or a copy of the array `x`, shuffled along the first axis."""
    shuffled = SAMPLER.draw("permutation", x)
    return _deliver(shuffled, shuffled.dtype)


def shuffle(x: ndarray) -> None:
    """Shuffle the array `x` in place along its first axis."""
    x.assign(permutation(x))


def _distribution(name: str, **defaults: float | None) -> Callable[..., ndarray]:
    """A distribution with the parameters of NumPy's; None in `defaults`: it must be given."""

    def sample(*args: Any, size: Size = None, dtype: Any = None, **kwargs: Any) -> ndarray:
        given = {**defaults, **dict(zip(defaults, args, strict=False)), **kwargs}
        missing = [key for key, value in given.items() if value is None]
        if missing or len(given) > len(defaults) or len(args) > len(defaults):
            raise TypeError(f"{name} takes ({', '.join(defaults)}, size, dtype)")
        return _deliver(SAMPLER.draw(name, *given.values(), size=size), dtype)

    sample.__name__ = sample.__qualname__ = name
    sample.__doc__ = f"NumPy's distribution `{name}`. Parameters: {', '.join(defaults)}, size, dtype."
    return sample


beta = _distribution("beta", a=None, b=None)
chisquare = _distribution("chisquare", df=None)
exponential = _distribution("exponential", scale=1.0)
gamma = _distribution("gamma", shape=None, scale=1.0)
gumbel = _distribution("gumbel", loc=0.0, scale=1.0)
laplace = _distribution("laplace", loc=0.0, scale=1.0)
logistic = _distribution("logistic", loc=0.0, scale=1.0)
lognormal = _distribution("lognormal", mean=0.0, sigma=1.0)
poisson = _distribution("poisson", lam=1.0)
rayleigh = _distribution("rayleigh", scale=1.0)

__all__ = [
    "beta",
    "chisquare",
    "choice",
    "exponential",
    "gamma",
    "gumbel",
    "laplace",
    "logistic",
    "lognormal",
    "normal",
    "permutation",
    "poisson",
    "rand",
    "randint",
    "randn",
    "rayleigh",
    "seed",
    "shuffle",
    "uniform",
]

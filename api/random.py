"""`tapejit.random`: random numbers of explicit keys, and the process's own in MXNet's words.

A function whose first argument is a `Key` (see `key`, `split`) is that of `random_draw`, in the style of
`jax.random`: NumPy arrays outside a trace, part of the trace inside one. Without a key, `normal(loc, scale,
shape)` and the others are MXNet's: each call draws anew, and the arrays are of the `nd` face.

>>> import tapejit as mx
>>> mx.random.normal(mx.random.key(7), (2, 3)).shape
(2, 3)
>>> mx.random.seed(7)
>>> mx.random.uniform(shape=(2, 3)).shape
(2, 3)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from tapejit import nd_random, random_count, random_draw, random_gamma
from tapejit.capture import transform
from tapejit.nd_random import randn, seed, shuffle
from tapejit.random_count import binomial, multinomial
from tapejit.random_draw import (
    bernoulli,
    bits,
    categorical,
    cauchy,
    choice,
    gumbel,
    laplace,
    logistic,
    lognormal,
    multivariate_normal,
    permutation,
    rademacher,
    truncated_normal,
    weibull,
)
from tapejit.random_gamma import beta, chisquare, dirichlet, f, loggamma, student_t, t
from tapejit.random_inverse import geometric, pareto, rayleigh, triangular, weibull_min
from tapejit.random_key import Key, fold_in, key, key_data, split
from tapejit.random_mask import dropout
from tapejit.random_vector import ball, double_sided_maxwell, generalized_normal, maxwell, orthogonal
from tapejit.random_wald import wald


def _either(keyed: Callable[..., Any], stateful: Callable[..., Any]) -> Callable[..., Any]:
    """`keyed` for a call with a key, else `stateful`."""

    @wraps(keyed)
    def call(*args: Any, **kwargs: Any) -> Any:
        has_key = isinstance(args[0], Key) if args else "key" in kwargs
        return (keyed if has_key else stateful)(*args, **kwargs)

    call.__doc__ = f"{keyed.__doc__}\n\n    Without a key MXNet's function: {stateful.__doc__}\n"
    return transform(call)


exponential = _either(random_draw.exponential, nd_random.exponential)
gamma = _either(random_gamma.gamma, nd_random.gamma)
normal = _either(random_draw.normal, nd_random.normal)
poisson = _either(random_count.poisson, nd_random.poisson)
randint = _either(random_draw.randint, nd_random.randint)
uniform = _either(random_draw.uniform, nd_random.uniform)

__all__ = [
    "Key", "ball", "bernoulli", "beta", "binomial", "bits", "categorical", "cauchy", "chisquare",
    "choice", "dirichlet", "double_sided_maxwell", "dropout", "exponential", "f", "fold_in", "gamma",
    "generalized_normal", "geometric", "gumbel", "key", "key_data", "laplace", "loggamma", "logistic",
    "lognormal", "maxwell", "multinomial", "multivariate_normal", "normal", "orthogonal", "pareto",
    "permutation", "poisson", "rademacher", "randint", "randn", "rayleigh", "seed", "shuffle", "split",
    "student_t", "t", "triangular", "truncated_normal", "uniform", "wald", "weibull", "weibull_min",
]  # fmt: skip

"""`tapejit.random`: the process's random numbers in MXNet's words; the arrays are of the `nd` face.

>>> import tapejit as mx
>>> mx.random.seed(7)
>>> mx.random.uniform(shape=(2, 3)).shape
(2, 3)
"""

from tapejit.nd_random import exponential, gamma, normal, poisson, randint, randn, seed, shuffle, uniform

__all__ = ["exponential", "gamma", "normal", "poisson", "randint", "randn", "seed", "shuffle", "uniform"]

"""The prices of European calls and their Greeks: five vectors in, four out, ten transcendental functions."""

from __future__ import annotations

import numpy as np
from scipy import special

from workloads.native import erf, exp, kernel, log, plus, rsqrt
from workloads.workload import Workload

ROOT_HALF = 0.5**0.5
NORMAL_PEAK = float((2.0 * np.pi) ** -0.5)


def normal_cdf(x):
    return 0.5 + 0.5 * special.erf(ROOT_HALF * x)


def call_prices(spot, volatility, expiry, rate, strike):
    """The sum of the prices: its gradients are delta, vega, theta (by the time left) and rho of each call."""
    spread = volatility * np.sqrt(expiry)
    upper = (np.log(spot / strike) + (rate + 0.5 * volatility**2) * expiry) / spread
    paid = strike * np.exp(-rate * expiry)
    return np.sum(spot * normal_cdf(upper) - paid * normal_cdf(upper - spread))


def draw(rng, n):
    ranges = ((80.0, 120.0), (0.1, 0.5), (0.1, 2.0), (0.0, 0.05), (80.0, 120.0))
    return tuple(rng.uniform(*ends, n) for ends in ranges)


@kernel
def _greeks(spot, volatility, expiry, rate, strike, delta, vega, theta, rho):
    total = 0.0
    for i in range(spot.size):
        s, sigma, t, r = spot[i], volatility[i], expiry[i], rate[i]
        inverse = rsqrt(t)
        root = t * inverse
        spread = sigma * root
        upper = (log(s / strike[i]) + (r + 0.5 * sigma * sigma) * t) / spread
        exercised = 0.5 + 0.5 * erf(ROOT_HALF * (upper - spread))
        held = 0.5 + 0.5 * erf(ROOT_HALF * upper)
        paid = strike[i] * exp(-r * t) * exercised
        density = s * NORMAL_PEAK * exp(-0.5 * upper * upper)
        total = plus(total, s * held - paid)
        delta[i] = held
        vega[i] = density * root
        theta[i] = 0.5 * density * sigma * inverse + r * paid
        rho[i] = t * paid
    return total


def limit(*inputs):
    greeks = tuple(np.empty_like(x) for x in inputs[:4])
    return _greeks(*inputs, *greeks), greeks


BLACK_SCHOLES = Workload(
    "Black-Scholes greeks",
    call_prices,
    limit,
    draw,
    sizes=((100,), (10_000,), (1_000_000,)),
    differentiated=4,
    elementwise=True,
)

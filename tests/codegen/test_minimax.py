"""The polynomials of the vector math approximate what their tables say they do.

Each row: coefficients, the function they stand for, the weight that turns an absolute error into the
relative error of the result, the interval, and how many bits that relative error keeps.
"""

from __future__ import annotations

import mpmath as mp
import pytest

from tapejit.codegen import vector_bessel as bessel
from tapejit.codegen import vector_error_function as error_function
from tapejit.codegen import vector_exponential as exponential
from tapejit.codegen import vector_gamma as gamma
from tapejit.codegen import vector_inverse_error as inverse_error
from tapejit.codegen import vector_inverse_trigonometric as inverse
from tapejit.codegen import vector_logarithm as logarithm
from tapejit.codegen import vector_power as power
from tapejit.codegen import vector_root as root
from tapejit.codegen import vector_trigonometric as trigonometric

HALF_LN2 = mp.log(2) / 2
_ROOT2 = mp.sqrt(2)
LOG_S = (_ROOT2 - 1) / (_ROOT2 + 1)
FACTOR_T = (1 - mp.mpf(45) / 52) / ((1 + mp.mpf(45) / 52) / 2)  # from f = 5/4 * 9/13 - 1


def exp_rest(r):
    return (mp.expm1(r) - r) / r**2


def log_of_factor(z):
    """(log m c - t) / t**3, where m c = 1 + f and t = f / (1 + f/2)."""
    t = mp.sqrt(z)
    return (2 * mp.atanh(t / 2) / t - 1) / z


def log_rest(z):
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) / s - 2) / z


def log_cubic(f):
    return (mp.log1p(f) - f + f**2 / 2) / f**3


def erf_rest(x):
    return (-mp.log(mp.erfc(x)) / x - 2 / mp.sqrt(mp.pi)) / x


def of_root(function):
    """A function of t and of t**2 as one of t**2 alone."""
    return lambda z: function(mp.sqrt(z), z)


sinh_rest = of_root(lambda r, z: (mp.sinh(r) / r - 1) / z)
cosh_rest = of_root(lambda r, z: (mp.cosh(r) - 1) / z)
sin_rest = of_root(lambda r, z: (mp.sin(r) / r - 1) / z)
cos_rest = of_root(lambda r, z: (mp.cos(r) - 1 + z / 2) / z**2)
arctan_rest = of_root(lambda t, z: (mp.atan(t) / t - 1) / z)
arcsin_rest = of_root(lambda t, z: (mp.asin(t) / t - 1) / z)


def exp2_rest(r):
    return (mp.expm1(r * mp.log(2)) - r * mp.log(2)) / r**2


def scaled_erfc(t):
    """(1 + 2x) exp(x**2) erfc(x) in t = (x - K) / (x + K)."""
    x = error_function._MIDDLE * (1 + t) / (1 - t)
    return (1 + 2 * x) * mp.exp(x**2) * mp.erfc(x)


def log_gamma_ratio(y):
    return mp.loggamma(1 + y) / (y * (y - 1))


def log_gamma_tail(z):
    w = 1 / mp.sqrt(z)
    return w * (mp.loggamma(w + mp.mpf(1) / 2) - w * (mp.log(w) - 1) - mp.log(2 * mp.pi) / 2)


def digamma_ratio(y):
    return mp.digamma(1 + y) / (1 + y - mp.findroot(mp.digamma, 1.4616))


def digamma_tail(z):
    w = 1 / mp.sqrt(z)
    return (mp.digamma(w + mp.mpf(1) / 2) - mp.log(w)) / z


def middle_inverse(d):
    u = mp.sqrt(d + mp.mpf(inverse_error._MIDDLE))
    return mp.erfinv(u) / u


def bessel_i(order):
    return lambda z: mp.besseli(order, mp.sqrt(z)) / mp.sqrt(z) ** order


def bessel_i_far(order):
    def function(t):
        x = 16 / (1 + t)
        return mp.besseli(order, x) * mp.exp(-x) * mp.sqrt(x)

    return function


def bessel_j(order):
    def function(t):
        x = mp.sqrt(32 * (1 + t))
        return mp.besselj(order, x) / x**order

    return function


def relative(function):
    return lambda z: 1 / abs(function(z))


def erf_weight(x):
    return x**2 * mp.erfc(x) / mp.erf(x)


def itself(z):
    return z


ROWS = {
    "exp f64": (exponential._EXP_DOUBLE, exp_rest, abs, -HALF_LN2, HALF_LN2, 59),
    "exp f32": (exponential._EXP_SINGLE, exp_rest, abs, -HALF_LN2, HALF_LN2, 28),
    "sinh f64": (exponential._SINH_DOUBLE, sinh_rest, itself, 0, HALF_LN2**2, 60),
    "sinh f32": (exponential._SINH_SINGLE, sinh_rest, itself, 0, HALF_LN2**2, 30),
    "cosh f64": (exponential._COSH_DOUBLE, cosh_rest, itself, 0, HALF_LN2**2, 64),
    "cosh f32": (exponential._COSH_SINGLE, cosh_rest, itself, 0, HALF_LN2**2, 29),
    "log f64": (logarithm._LOG_DOUBLE, log_rest, itself, 0, LOG_S**2, 58),
    "log f32": (logarithm._LOG_SINGLE, log_cubic, lambda f: f**2, _ROOT2 / 2 - 1, _ROOT2 - 1, 27),
    "log in pow f64": (power.DOUBLE.series, log_of_factor, itself, 0, FACTOR_T**2, 64),
    "log in pow f32": (power.SINGLE.series, log_of_factor, itself, 0, FACTOR_T**2, 34),
    "sin f64": (trigonometric._SIN_DOUBLE, sin_rest, itself, 0, mp.mpf("0.786") ** 2, 56),
    "sin f32": (trigonometric._SIN_SINGLE, sin_rest, itself, 0, mp.mpf("0.8") ** 2, 27),
    "cos f64": (trigonometric._COS_DOUBLE, cos_rest, lambda z: z**2, 0, mp.mpf("0.786") ** 2, 59),
    "cos f32": (trigonometric._COS_SINGLE, cos_rest, lambda z: z**2, 0, mp.mpf("0.8") ** 2, 30),
    "arctan f64": (inverse._ARCTAN_DOUBLE, arctan_rest, itself, 0, mp.mpf(1) / 4, 58),
    "arctan f32": (inverse._ARCTAN_SINGLE, arctan_rest, itself, 0, mp.mpf(1) / 4, 27),
    "arcsin f64": (inverse._ARCSIN_DOUBLE, arcsin_rest, itself, 0, mp.mpf(1) / 4, 57),
    "arcsin f32": (inverse._ARCSIN_SINGLE, arcsin_rest, itself, 0, mp.mpf(1) / 4, 29),
    "exp2 f64": (exponential._EXP2_DOUBLE, exp2_rest, lambda r: r**2, -0.5, 0.5, 58),
    "exp2 f32": (exponential._EXP2_SINGLE, exp2_rest, lambda r: r**2, -0.5, 0.5, 29),
    "cbrt f64": (root._ROOT_DOUBLE, mp.cbrt, relative(mp.cbrt), mp.sqrt(0.5), _ROOT2, 21),
    "cbrt f32": (root._ROOT_SINGLE, mp.cbrt, relative(mp.cbrt), mp.sqrt(0.5), _ROOT2, 16),
    "erfcx f64": (error_function._SCALED_DOUBLE, scaled_erfc, abs, -1, mp.mpf("0.99"), 52),
    "erfcx f32": (error_function._SCALED_SINGLE, scaled_erfc, abs, -1, mp.mpf("0.9"), 24),
    "log gamma tail f64": (gamma.DOUBLE.log_tail, log_gamma_tail, mp.sqrt, 0, mp.mpf("0.16"), 55),
    "log gamma tail f32": (gamma.SINGLE.log_tail, log_gamma_tail, mp.sqrt, 0, mp.mpf("0.16"), 34),
    "digamma tail f64": (gamma.DOUBLE.digamma_tail, digamma_tail, itself, 0, mp.mpf("0.16"), 57),
    "digamma tail f32": (gamma.SINGLE.digamma_tail, digamma_tail, itself, 0, mp.mpf("0.16"), 32),
    "gamma f64": (gamma.DOUBLE.gamma, lambda z: mp.gamma(z + 1.5), lambda z: 1, -0.5, 0.5, 53),
    "gamma f32": (gamma.SINGLE.gamma, lambda z: mp.gamma(z + 1.5), lambda z: 1, -0.5, 0.5, 29),
    **{
        f"i{k} near": (near, bessel_i(k), relative(bessel_i(k)), 0, 64, 52)
        for k, near in enumerate((bessel._I0_NEAR, bessel._I1_NEAR))
    },
    **{
        f"i{k} far": (far, bessel_i_far(k), lambda t: 2, -0.99, 1, 52)
        for k, far in enumerate((bessel._I0_FAR, bessel._I1_FAR))
    },
    **{
        f"j{k} near": (near, bessel_j(k), lambda t: 1, -1, 1, 52)
        for k, near in enumerate((bessel._J0_NEAR, bessel._J1_NEAR))
    },
    "erf f64": (error_function._ERF_DOUBLE, erf_rest, erf_weight, 0, 6, 57),
    "erf f32": (error_function._ERF_SINGLE, erf_rest, erf_weight, 0, 4, 28),
}


def polynomial(coefficients, t):
    return mp.fsum(c * t**k for k, c in enumerate(coefficients))


@pytest.mark.parametrize("name", ROWS)
def test_relative_error(name):
    coefficients, function, weight, low, high, bits = ROWS[name]
    with mp.workprec(300):
        middle, radius = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
        points = [middle + radius * mp.cos(mp.pi * (k + mp.mpf(1) / 3) / 200) for k in range(200)]
        worst = max(weight(t) * abs(polynomial(coefficients, t) - function(t)) for t in points)
    assert worst < mp.mpf(2) ** -bits


RATIONALS = {
    "log gamma f64": (gamma.DOUBLE.log_gamma, log_gamma_ratio, 0, 2, 52),
    "log gamma f32": (gamma.SINGLE.log_gamma, log_gamma_ratio, 0, 2, 33),
    "digamma f64": (gamma.DOUBLE.digamma, digamma_ratio, 0, 2, 53),
    "digamma f32": (gamma.SINGLE.digamma, digamma_ratio, 0, 2, 32),
    "erfinv": ((inverse_error._MIDDLE_P, inverse_error._MIDDLE_Q), middle_inverse, -0.244, 0.2449, 50),
}


@pytest.mark.parametrize("name", RATIONALS)
def test_relative_error_of_rationals(name):
    (numerator, divisor), function, low, high, bits = RATIONALS[name]
    with mp.workprec(200):
        points = [mp.mpf(low) + (mp.mpf(high) - low) * (k + mp.mpf(1) / 3) / 60 for k in range(60)]
        ratios = [polynomial(numerator, t) / polynomial(divisor, t) / function(t) for t in points]
        worst = max(abs(ratio - 1) for ratio in ratios)
    assert worst < mp.mpf(2) ** -bits


@pytest.mark.parametrize("tables", [power.DOUBLE, power.SINGLE], ids=["f64", "f32"])
def test_the_logarithms_of_factors_and_their_sums_are_exact_in_the_first_part(tables):
    """Multiples of one quantum, of which 53 or 24 bits reach beyond the largest logarithm."""
    bits, reach = (53, 10) if tables is power.DOUBLE else (24, 7)
    quantum = mp.mpf(2) ** (reach - bits)
    with mp.workprec(200):
        for c, high, low in zip(power._FACTORS, *tables.shifts, strict=True):
            assert mp.fmod(high, quantum) == 0
            assert abs(high + mp.mpf(low) + mp.log(c)) < mp.mpf(2) ** -(2 * bits - 12)
        assert mp.fmod(tables.ln2[0], quantum) == 0
        assert abs(sum(map(mp.mpf, tables.ln2)) - mp.log(2)) < mp.mpf(2) ** -(2 * bits - 12)

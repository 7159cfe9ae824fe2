"""erf, erfc and erfcx without branches.

-log(1 - erf x) is smooth on all of x >= 0, so erf x = -expm1(-L(x)) with L a polynomial, fitted on [0, 6]
(f64) or [0, 4] (f32) with the weight that makes the relative error of erf level.

erfc x = exp(-x**2) erfcx x keeps its digits in the tail: (1 + 2x) erfcx x is smooth in t = (x - K) / (x + K),
which takes 0 to infinity onto -1 to 1 (M. Shepherd and J. Laframboise, Mathematics of Computation 36, 1981).
"""

from __future__ import annotations

import math

from tapejit.codegen.float_parts import scaled
from tapejit.codegen.lane import Lane
from tapejit.codegen.two_part import TwoPart, fast_sum, product, quotient, two_sum
from tapejit.codegen.vector_exponential import expm1, expm1_near_zero, reduced
from tapejit.codegen.vector_logarithm import log, log1p

# The slope of erf at 0, 2 / sqrt(pi), in two parts.
_SLOPE_DOUBLE = (1.1283791670955126, 1.533545961316588e-17)
_SLOPE_SINGLE = (1.128379225730896, -5.8635382771399236e-08)
# (-log(1 - erf x) / x - slope) / x in x
_ERF_DOUBLE = (
    0.6366197723675828,
    0.10277260330182048,
    -0.019128447005655993,
    -0.0002091946886993103,
    0.001696206344682936,
    -0.0005901253649008167,
    2.5877985146654567e-05,
    6.449337973009274e-05,
    -2.972689362739621e-05,
    3.411422876246844e-06,
    2.830346409000039e-06,
    -1.7371376968710063e-06,
    3.331064922844013e-07,
    1.391230828080759e-07,
    -1.4269521132185327e-07,
    6.609497114589901e-08,
    -2.107484597638189e-08,
    5.025344466631994e-09,
    -9.135471539772826e-10,
    1.2562460181344783e-10,
    -1.2695965431260538e-11,
    8.909463903079939e-13,
    -3.880248992918517e-14,
    7.898562620405657e-16,
)
_ERF_SINGLE = (
    0.6366198062896729,
    0.10277146846055984,
    -0.019118541851639748,
    -0.0002510948106646538,
    0.0017967747990041971,
    -0.0007387107471004128,
    0.00016661010158713907,
    -2.1150730390218087e-05,
    1.1737548675228027e-06,
)
# (1 + 2x) erfcx x in t; its constant term in two parts.
_MIDDLE = 3.75
_SCALED_LOW_DOUBLE, _SCALED_LOW_SINGLE = 1.0546160249725448e-16, 2.996159409462962e-08
_SCALED_DOUBLE = (
    1.2375126308378275,
    -0.14024059858554697,
    0.003585415485463775,
    0.08227673849014516,
    -0.10880393014171785,
    0.09230432116037876,
    -0.058693398590212366,
    0.028362277418940665,
    -0.009746579552504244,
    0.0017556258530017257,
    0.0002937136342850081,
    -0.0002901540809795271,
    5.1649211390702855e-05,
    2.2384240314224437e-05,
    -1.1444412439171722e-05,
    -9.735619015182663e-07,
    1.752057970166318e-06,
    -5.7215972559909886e-08,
    -2.591069687796658e-07,
    2.3261913276696576e-08,
    3.896545254898598e-08,
    -3.743568033634587e-09,
    -5.284286979631424e-09,
    3.1103107198391724e-10,
    4.434959070009636e-10,
)
_SCALED_SINGLE = (
    1.2375125885009766,
    -0.1402406543493271,
    0.003585438011214137,
    0.08227843046188354,
    -0.10880456119775772,
    0.09229069203138351,
    -0.05868825316429138,
    0.028409430757164955,
    -0.00976469088345766,
    0.0016757342964410782,
    0.00032538847881369293,
    -0.00022405205527320504,
    2.363482053624466e-05,
)
# The slope of that curve to 5 bits: what it makes of the rounding error of t.
_SCALED_SLOPE = (
    -0.12587857355520954,
    0.14508203578553014,
    0.061888720014460254,
    -0.9650696180645749,
    0.8468589822054869,
)


def erf(x: Lane) -> Lane:
    size = abs(x).at_most(x.pick(6.0, 4.0))
    slope, slope_low = x.pick(_SLOPE_DOUBLE, _SLOPE_SINGLE)
    rest = size.polynomial((slope_low, *x.pick(_ERF_DOUBLE, _ERF_SINGLE)))
    return expm1(-size.fma(slope, size * rest)).with_sign_of(x)


def erfc(x: Lane) -> Lane:
    """1 - erf x, precise where that is small."""
    size = abs(x).at_most(x.pick(28.0, 10.5))
    square, square_low = product(size, size)
    tail = _exp_times(-square, -square_low, _scaled_complement(size))
    return (x < 0.0).where(2.0 - tail, tail)


def erfcx(x: Lane) -> Lane:
    """exp(x**2) erfc(x), for negative x through erfc(-x) = 2 - erfc(x)."""
    size = abs(x)
    complement = _scaled_complement(size.at_most(x.pick(1e10, 1e6)))
    far = (1 / math.sqrt(math.pi)) / size
    positive = (size > x.pick(1e10, 1e6)).where(far, complement)
    square, square_low = product(size.at_most(x.pick(27.0, 10.0)), size.at_most(x.pick(27.0, 10.0)))
    return (x < 0.0).where(_exp_times(square, square_low, x.like(2.0)) - complement, positive)


def ndtr(x: Lane) -> Lane:
    """erfc(-x / sqrt(2)) / 2, where the exponential is that of -x**2 / 2 itself."""
    tail = _normal_tail(abs(x))
    return (x > 0.0).where(1.0 - tail, tail)


def log_ndtr(x: Lane) -> Lane:
    """The logarithm of `ndtr`, through what is left to 1 or, far below 0, through erfcx."""
    is_tail = x < -1.0
    bounded = is_tail.where(x, -1.0).at_least(x.pick(-1e10, -1e6))  # below, it is lost against x**2
    scaled_tail = _scaled_complement(bounded * -math.sqrt(0.5)) * 0.5
    rest = _normal_tail(is_tail.where(1.0, abs(x)))
    near = log((x < 0.0).where(rest, 1.0))
    upper = (x < 0.0).where(near, log1p(-(x < 0.0).where(0.0, rest)))
    return is_tail.where((x * x).fma(-0.5, log(scaled_tail)), upper)


def _normal_tail(x: Lane) -> Lane:
    """The probability beyond x >= 0."""
    size = x.at_most(x.pick(40.0, 15.0))
    square, square_low = product(size, size * -0.5)
    return _exp_times(square, square_low, _scaled_complement(size * math.sqrt(0.5)) * 0.5)


def _scaled_complement(x: Lane) -> Lane:
    """erfcx of x >= 0."""
    t, t_low = _folded(x)
    coefficients = x.pick(_SCALED_DOUBLE, _SCALED_SINGLE)
    rest = t * t.polynomial(coefficients[1:])
    high, low = fast_sum(x.like(coefficients[0]), rest)
    low = low + t_low.fma(t.polynomial(_SCALED_SLOPE), x.pick(_SCALED_LOW_DOUBLE, _SCALED_LOW_SINGLE))
    divisor = x.fma(2.0, 1.0)
    return quotient((high, low), (divisor, x.fma(2.0, 1.0 - divisor)))


def _folded(x: Lane) -> TwoPart:
    """(x - K) / (x + K) and what its rounding lost, for x >= 0."""
    (above, above_low), (below, below_low) = two_sum(x, _MIDDLE), two_sum(x, -_MIDDLE)
    inverse = 1.0 / above
    t = below * inverse
    rest = (-t).fma(above, below) + (below_low - t * above_low)
    return t, rest * inverse


def _exp_times(x: Lane, x_low: Lane, factor: Lane) -> Lane:
    """exp(x + x_low) * factor, rounded once at the end, also to subnormal numbers."""
    n, r = reduced(x)
    high, low = fast_sum(x.like(1.0), expm1_near_zero(r))
    return scaled(high.fma(factor, (low + high * x_low) * factor), n)

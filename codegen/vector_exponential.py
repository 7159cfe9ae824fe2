"""exp, exp2, expm1, logistic, sinh, cosh, tanh without branches.

x = n ln 2 + r with |r| <= ln 2 / 2, and a minimax polynomial for exp on r (Remez; the errors are listed in
docs/vector-math.md). The reduction is Cody and Waite's with fma, which makes its first step exact.
Start with `exp`.
"""

from __future__ import annotations

import math

from tapejit.codegen.float_parts import format_of, nearest_multiple, power_of_two, scaled
from tapejit.codegen.lane import Lane
from tapejit.codegen.two_part import TwoPart, fast_sum, quotient

_LOG2_E = 1 / math.log(2)
LN2_DOUBLE = (0.6931471805599453, 2.3190468138462996e-17)
LN2_SINGLE = (0.6931471824645996, -1.9046542121259336e-09)

# (exp(r) - 1 - r) / r**2
_EXP_DOUBLE = (
    0.5,
    0.16666666666666677,
    0.041666666666666505,
    0.008333333333321653,
    0.0013888888888962598,
    0.00019841269886073677,
    2.4801587172243182e-05,
    2.7557244253975716e-06,
    2.7557402764520127e-07,
    2.5109024536362376e-08,
    2.08753323658882e-09,
)
_EXP_SINGLE = (
    0.5,
    0.1666666567325592,
    0.04166635870933533,
    0.008333389647305012,
    0.0013940668432042003,
    0.00019845881615765393,
)
# (2**r - 1 - r ln 2) / r**2
_EXP2_DOUBLE = (
    0.24022650695910072,
    0.05550410866482164,
    0.00961812910762849,
    0.0013333558146401935,
    0.00015403530393348055,
    1.525273384690187e-05,
    1.321548682838863e-06,
    1.0178054640178768e-07,
    7.054889720082566e-09,
    4.456205427692986e-10,
    2.574004856529403e-11,
)
_EXP2_SINGLE = (
    0.24022650718688965,
    0.05550410971045494,
    0.009618030861020088,
    0.0013333482202142477,
    0.00015469732170458883,
    1.530370172986295e-05,
)
# (sinh(r) - r) / r**3 and (cosh(r) - 1) / r**2, in r**2
_SINH_DOUBLE = (
    0.16666666666666677,
    0.008333333333321577,
    0.00019841269886268284,
    2.755724405983322e-06,
    2.5109091141473345e-08,
)
_SINH_SINGLE = (0.1666666716337204, 0.008333289064466953, 0.0001990501186810434)
_COSH_DOUBLE = (
    0.5,
    0.04166666666666671,
    0.001388888888886385,
    2.480158736355394e-05,
    2.755724169269956e-07,
    2.0924466110682088e-09,
)
_COSH_SINGLE = (0.5, 0.041666265577077866, 0.0013946276158094406)


def exp(x: Lane) -> Lane:
    return _exp_in_two_parts(x)[0]


def exp2(x: Lane) -> Lane:
    """2**n 2**r with n the integer nearest to x, so r is exact, and integral x give exact powers."""
    bounded = x.at_most(x.pick(1025.0, 129.0)).at_least(x.pick(-1077.0, -152.0))
    k, n = nearest_multiple(bounded, 1.0)
    r = bounded - k
    high, low = x.pick(LN2_DOUBLE, LN2_SINGLE)
    curve = r.polynomial(x.pick(_EXP2_DOUBLE, _EXP2_SINGLE))
    return scaled(r.fma(high, r * r.fma(curve, low)) + 1.0, n)


def expm1(x: Lane) -> Lane:
    n, r = reduced(x.at_most(x.pick(710.0, 89.0)).at_least(x.pick(-38.0, -18.0)))
    half_scale = power_of_two(n - 1, x)  # 2**n may overflow where the result does not
    result = (half_scale * r * r).fma(_exp_curve(r), half_scale.fma(r, half_scale - 0.5))
    return _itself_if_tiny(x, result * 2.0)


def logistic(x: Lane) -> Lane:
    """e / (1 + e) or 1 / (1 + e), e = exp(-|x|)."""
    e, e_low = _exp_in_two_parts(-abs(x))
    divisor = e + 1.0
    divisor_low = (e - (divisor - 1.0)) + e_low
    positive = x >= 0.0
    return quotient((positive.where(1.0, e), positive.where(0.0, e_low)), (divisor, divisor_low))


def tanh(x: Lane) -> Lane:
    """expm1(2x) / (expm1(2x) + 2), numerator and denominator from one polynomial."""
    n, r = reduced((abs(x) * 2.0).at_most(x.pick(40.0, 20.0)))
    e, scale = expm1_near_zero(r), power_of_two(n, x)
    numerator, divisor = scale.fma(e, scale - 1.0), scale.fma(e, scale + 1.0)
    numerator_low = scale.fma(e, (scale - 1.0) - numerator)
    divisor_low = scale.fma(e, (scale - divisor) + 1.0)
    return quotient((numerator, numerator_low), (divisor, divisor_low)).with_sign_of(x)


def sinh(x: Lane) -> Lane:
    """(2**n - 2**-n) / 2 cosh r + (2**n + 2**-n) / 2 sinh r: no cancellation, no division."""
    r, even, odd, grown, shrunk = _hyperbolic_parts(x)
    total = grown + shrunk
    difference, lost = fast_sum(grown, -shrunk)
    result = total.fma(r, difference) + (difference.fma(even, total * odd) + lost)
    return _itself_if_tiny(x, (result * 16.0).with_sign_of(x))


def cosh(x: Lane) -> Lane:
    """(2**n + 2**-n) / 2 cosh r + (2**n - 2**-n) / 2 sinh r."""
    r, even, odd, grown, shrunk = _hyperbolic_parts(x)
    total, lost = fast_sum(grown, shrunk)
    return (total + (total.fma(even, (grown - shrunk) * (r + odd)) + lost)) * 16.0


def reduced(x: Lane) -> tuple[Lane, Lane]:
    """n and r of x = n ln 2 + r, n as an int."""
    high, low = x.pick(LN2_DOUBLE, LN2_SINGLE)
    k, n = nearest_multiple(x, _LOG2_E)
    return n, (-k).fma(low, (-k).fma(high, x))


def expm1_near_zero(r: Lane) -> Lane:
    """exp(r) - 1 for |r| <= ln 2 / 2."""
    return (r * r).fma(_exp_curve(r), r)


def _exp_curve(r: Lane) -> Lane:
    """(exp(r) - 1 - r) / r**2."""
    return r.polynomial(r.pick(_EXP_DOUBLE, _EXP_SINGLE))


def _exp_in_two_parts(x: Lane) -> TwoPart:
    """exp(x), and the part of it that rounding leaves out."""
    # Beyond the bounds the result is 0 or inf; within them `scaled` can represent every exponent.
    n, r = reduced(x.at_most(x.pick(710.0, 89.0)).at_least(x.pick(-746.0, -104.0)))
    high, low = fast_sum(x.like(1.0), expm1_near_zero(r))
    return scaled(high, n), scaled(low, n)


def _hyperbolic_parts(x: Lane) -> tuple[Lane, Lane, Lane, Lane, Lane]:
    """Of |x| = n ln 2 + r: r, cosh(r) - 1, sinh(r) - r, 2**n / 32 and 2**-n / 32."""
    size = abs(x).at_most(x.pick(711.0, 90.0))
    n, r = reduced(size)
    square = r * r
    odd = r * square * square.polynomial(x.pick(_SINH_DOUBLE, _SINH_SINGLE))
    even = square * square.polynomial(x.pick(_COSH_DOUBLE, _COSH_SINGLE))
    grown = power_of_two(n - 5, x)
    shrunk = (size < 40.0).where(power_of_two(-5 - n, x), 0.0)
    return r, even, odd, grown, shrunk


def _itself_if_tiny(x: Lane, result: Lane) -> Lane:
    """For f(x) = x + O(x**2): keeps -0.0 and what scaling would round off a subnormal number."""
    return (abs(x) < format_of(x).half_ulp_of_one).where(x, result)

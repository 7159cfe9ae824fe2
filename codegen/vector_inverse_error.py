"""erfinv and erfcinv without branches: a rational near the middle, two in sqrt(-log q) for the tails.

q = 1 - |u| is exact for |u| >= 1/2, so erfinv u = erfcinv(1 - u) keeps its digits on both sides; erfcinv
goes down to the smallest subnormal number. f32 is computed in f64.
"""

from __future__ import annotations

import math

from tapejit.codegen.lane import Lane
from tapejit.codegen.vector_logarithm import log

# erfinv(u) / u in u**2 - 0.245, to u**2 = 0.49: numerator and denominator.
_MIDDLE_P = (
    0.9522911160903513,
    -3.8432494180898655,
    5.916250211578494,
    -4.3184906122523286,
    1.5005579338758213,
    -0.21299265684245508,
    0.006959617283075134,
    7.472575325185439e-05,
)
_MIDDLE_Q = (
    1.0,
    -4.366736611602845,
    7.421069044904442,
    -6.1679079429138675,
    2.5723758640898033,
    -0.4882769370192482,
    0.030417575998789782,
)
_MIDDLE, _MIDDLE_END = 0.245, 0.7
# erfcinv(exp(-w**2)) in the distance of w from the start of each of two intervals.
_NEAR, _FAR = 1.09, 4.25
_NEAR_P = (
    0.7256292089155824,
    3.428385600373459,
    7.368087381659568,
    9.489452577262524,
    8.025509085279044,
    4.554403924760292,
    1.6920409434880161,
    0.38100275664430494,
    0.044205771378038695,
    0.001884538025205264,
    3.602465989649374e-06,
)
_NEAR_Q = (
    1.0,
    3.3507480515660317,
    5.423655562927714,
    5.328046515534963,
    3.3898716682575483,
    1.3840680113941797,
    0.3391431264010565,
    0.04219038718452589,
    0.0018802017566271405,
    3.6103333608659864e-06,
    -9.121097388700446e-11,
)
_FAR_P = (
    4.009062448091758,
    4.910155820132031,
    2.5407253846988835,
    0.7225710519181887,
    0.12319608400539768,
    0.0129140122776422,
    0.0008239287757847981,
    3.074622700238019e-05,
    6.219273743739454e-07,
    5.923906042075249e-09,
    1.9200630026726523e-11,
)
_FAR_Q = (
    1.0,
    0.9678958134852469,
    0.38610402698411866,
    0.08189168208647697,
    0.009969501974754408,
    0.0007053456774588128,
    2.8224565145937524e-05,
    5.971654068878267e-07,
    5.8423235896406945e-09,
    1.9200606106137283e-11,
    2.4086568071207726e-20,
)


def erfinv(x: Lane) -> Lane:
    wide = x.to_double()
    size = abs(wide)
    tail = _tail(1.0 - size).with_sign_of(wide)
    return (size < _MIDDLE_END).where(_middle(wide), tail).to_type_of(x)


def erfcinv(x: Lane) -> Lane:
    wide = x.to_double()
    u = 1.0 - wide
    tail = _tail((wide > 1.0).where(2.0 - wide, wide)).with_sign_of(u)
    return (abs(u) < _MIDDLE_END).where(_middle(u), tail).to_type_of(x)


def _middle(u: Lane) -> Lane:
    distance = u.fma(u, -_MIDDLE)
    return u * (distance.polynomial(_MIDDLE_P) / distance.polynomial(_MIDDLE_Q))


def _tail(q: Lane) -> Lane:
    """erfcinv of 0 <= q <= 0.3; NaN below 0."""
    w = (-log(q)).intrinsic("sqrt")
    is_far = w >= _FAR
    distance = w - is_far.where(_FAR, q.like(_NEAR))
    numerator, divisor = (_either(is_far, f, n, distance) for f, n in ((_FAR_P, _NEAR_P), (_FAR_Q, _NEAR_Q)))
    return q.equals(0.0).where(math.inf, numerator / divisor)


def _either(is_far: Lane, far: tuple[float, ...], near: tuple[float, ...], x: Lane) -> Lane:
    """One of two polynomials of equal length, by a choice of each coefficient."""
    choices = [is_far.where(f, x.like(n)) for f, n in zip(far, near, strict=True)]
    result = choices[-1]
    for choice in reversed(choices[:-1]):
        result = result.fma(x, choice)
    return result

"""erf without branches: one polynomial and one expm1.

-log(1 - erf x) is smooth on all of x >= 0, so erf x = -expm1(-L(x)) with L a polynomial, fitted on [0, 6]
(f64) or [0, 4] (f32) with the weight that makes the relative error of erf level.
"""

from __future__ import annotations

from tapejit.codegen.lane import Lane
from tapejit.codegen.vector_exponential import expm1

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


def erf(x: Lane) -> Lane:
    size = abs(x).at_most(x.pick(6.0, 4.0))
    slope, slope_low = x.pick(_SLOPE_DOUBLE, _SLOPE_SINGLE)
    rest = size.polynomial((slope_low, *x.pick(_ERF_DOUBLE, _ERF_SINGLE)))
    return expm1(-size.fma(slope, size * rest)).with_sign_of(x)

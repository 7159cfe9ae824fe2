"""gamma, lgamma and digamma. x that are not positive are reflected in a rare branch.

With w = x - 1/2 Stirling's series runs in 1/w**2 alone (the coefficients are minimax ones on x >= 3):
    log gamma(x) = w (log w - 1) + log(2 pi) / 2 + h(1/w**2) / w,    digamma(x) = log w + g(1/w**2) / w**2.
Below 3, lgamma(1 + y) = y (y - 1) R(y) and digamma(1 + y) = (1 + y - root) R(y), both on [0, 2], keep their
digits at the zeros, 1, 2 and 1.4616; one step of the recurrence does the rest. f32 has shorter tables
(`Tables`), and what needs more digits is computed in f64. Reflection: DLMF 5.5.3 and 5.5.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tapejit.codegen.float_parts import scaled
from tapejit.codegen.lane import Lane
from tapejit.codegen.rare_path import rarely
from tapejit.codegen.two_part import TwoPart, product, two_sum
from tapejit.codegen.uniform import where_either
from tapejit.codegen.vector_exponential import expm1_near_zero, reduced
from tapejit.codegen.vector_logarithm import log, log_in_two_parts
from tapejit.codegen.vector_power import log_in_more_bits
from tapejit.codegen.vector_trigonometric import angle_of_pi, cotangent_of, sin_of

Polynomial = tuple[float, ...]


@dataclass(frozen=True)
class Tables:
    """The polynomials for one format."""

    log_gamma: tuple[Polynomial, Polynomial]  # R(y) for lgamma, numerator and denominator
    log_tail: Polynomial  # h
    digamma: tuple[Polynomial, Polynomial]  # R(y) for digamma
    digamma_tail: Polynomial  # g
    gamma: Polynomial  # gamma(3/2 + z) for |z| <= 1/2


DOUBLE = Tables(
    log_gamma=(
        (
            0.5772156649015329,
            1.795879018997928,
            2.1865334418937055,
            1.3226883681228077,
            0.4175253681048576,
            0.06620652414372981,
            0.004630212547046027,
            0.00010318936786846241,
            1.54621296801624e-07,
        ),
        (
            1.0,
            3.5361659629745215,
            5.021257900661251,
            3.6722217552107503,
            1.4771004522959044,
            0.3239769173460576,
            0.03613884447121401,
            0.0017463681006452904,
            2.4701852219090835e-05,
        ),
    ),
    log_tail=(
        -0.04166666666666603,
        0.0024305555551123216,
        -0.0007688491139839317,
        0.0005905787783907389,
        -0.0008396050596499794,
        0.0018988493347075874,
        -0.005980567354977722,
        0.022024253428334566,
        -0.07737715742890493,
        0.2147973611357399,
        -0.38981201645847524,
        0.33472666982944294,
    ),
    digamma=(
        (
            1.2503801375034054,
            1.929929751380871,
            1.060284770672018,
            0.2594365425155906,
            0.02846995388328924,
            0.0012126256957015102,
            1.268189734106261e-05,
        ),
        (
            1.0,
            2.2270212301537557,
            1.7684516023494878,
            0.6475616939375297,
            0.11529832932531116,
            0.009461234027281799,
            0.0002962822812026847,
            2.0514361825976505e-06,
        ),
    ),
    digamma_tail=(
        0.04166666666666551,
        -0.0072916666657115705,
        0.0038442457917998965,
        -0.004134085814518339,
        0.007558958493343114,
        -0.020992101979990862,
        0.08047666721979801,
        -0.37702883586289493,
        1.8511484545084744,
        -8.220163872203507,
        29.286266816214816,
        -75.14470179339246,
        120.82330651028659,
        -90.44922413267683,
    ),
    gamma=(
        0.886226925452758,
        0.03233839744888486,
        0.4148134536883024,
        -0.10729480456471777,
        0.14464535904439957,
        -0.0775230523054782,
        0.05861030383250985,
        -0.038001935287110385,
        0.02583760590658065,
        -0.017222450181424074,
        0.011522527023416137,
        -0.007690097705878934,
        0.005131487217642917,
        -0.0034239712789699236,
        0.002283970581991656,
        -0.0015141845422819702,
        0.001006682872874429,
        -0.0007103361901708111,
        0.0004821827756402111,
        -0.00021134256815989467,
        0.00012640176592578734,
        -0.0002607113007172755,
        0.0001843508728937708,
    ),
)
SINGLE = Tables(
    log_gamma=(
        (
            0.5772156648484482,
            0.9483417899430948,
            0.476953196106412,
            0.07781747479859474,
            0.002779570723930241,
        ),
        (
            1.0,
            2.0678460852665825,
            1.4356178536948772,
            0.3874397877223577,
            0.03555946574488654,
            0.0006533619906350672,
        ),
    ),
    log_tail=(
        -0.041666665991017884,
        0.0024304654658122236,
        -0.0007654327765113443,
        0.0005353327041926997,
        -0.0003997991435244352,
    ),
    digamma=(
        (
            1.250380137310535,
            1.3774768376752173,
            0.4114412016638511,
            0.031540628373978294,
            0.00014423476548742594,
        ),
        (
            1.0,
            1.7851932506911972,
            0.9475246387926375,
            0.1700455267530177,
            0.00778485794345524,
        ),
    ),
    digamma_tail=(
        0.04166665468215278,
        -0.007290359856099183,
        0.0038016186431366096,
        -0.0035154704690732582,
        0.002900660031234313,
    ),
    gamma=(
        0.8862269245617667,
        0.032338404992358925,
        0.4148137078737061,
        -0.10729553012262168,
        0.14463365951894575,
        -0.0775027961745888,
        0.05880581347383225,
        -0.038246170006139925,
        0.02438163069592973,
        -0.01579606870270569,
        0.016345310602243188,
        -0.011569049862260872,
    ),
)
_TINY = 1e-20  # below, gamma(x) is 1 / x
_LARGE = 3.0  # from here on Stirling's series
_DIGAMMA_ROOT_DOUBLE = (1.4616321449683622, 9.549995429965697e-17)
_DIGAMMA_ROOT_SINGLE = (1.4616321325302124, 1.243815006546356e-08)
_LOG_ROOT_TWO_PI = 0.5 * math.log(2 * math.pi)


def lgamma(x: Lane) -> Lane:
    """log |gamma(x)|; inf at the poles 0, -1, -2, ..."""
    return _or_rarely(x, "lgamma", _log_gamma_of_positive, _log_gamma_of_others)


def lgamma_of_one_and(x: Lane) -> Lane:
    """lgamma(1 + x) for a double x in [0, 1], right to the last digits next to 0 too."""
    return x * (x - 1.0) * _ratio(x, DOUBLE.log_gamma)


def digamma(x: Lane) -> Lane:
    """The derivative of lgamma; NaN at -1, -2, ..., -inf at 0 and inf at -0, as in SciPy."""
    return _or_rarely(x, "digamma", _digamma_of_positive, _digamma_of_others)


def gamma(x: Lane) -> Lane:
    """The gamma function; NaN at -1, -2, ..., inf with the sign of x at 0."""
    tables = x.pick(DOUBLE, SINGLE)

    def in_double(v: Lane) -> Lane:
        return _gamma_of_positive(v.to_double(), tables).to_type_of(v)

    return _or_rarely(x, "gamma", lambda v, _: in_double(v), _gamma_of_others)


Formula = Callable[[Lane, Tables], Lane]


def _or_rarely(x: Lane, name: str, positive: Formula, others: Formula) -> Lane:
    """`positive` for x > 0; `others`, of doubles, for the rest."""
    tables = x.pick(DOUBLE, SINGLE)

    def rare(v: Lane) -> Lane:
        return others(v.to_double(), tables).to_type_of(v)

    return rarely(x <= 0.0, positive(x, tables), f"tapejit_{name}" + x.pick("", "f"), rare, x)


def _log_gamma_of_positive(x: Lane, tables: Tables) -> Lane:
    w, is_large, is_small = x - 0.5, x >= _LARGE, x < 1.0
    y = is_small.where(x, x - 1.0)

    def far(log: TwoPart) -> Lane:
        high, low = log
        inverse = 1.0 / w
        series = inverse.fma((inverse * inverse).polynomial(tables.log_tail), _LOG_ROOT_TWO_PI)
        return w.fma(high, -w) + w.fma(low, series)

    def near(log: TwoPart) -> Lane:
        high, low = log
        return (0.0 - (high + low)) + y * (y - 1.0) * _ratio(y, tables.log_gamma)  # 0, not -0, at 1

    def mixed() -> Lane:
        log = log_in_two_parts(is_small.where(x, is_large.where(w, 1.0)))
        return is_large.where(far(log), near(log))

    result = where_either(
        is_large,
        lambda: far(log_in_two_parts(w)),
        lambda: near(log_in_two_parts(is_small.where(x, 1.0))),
        mixed,
    )
    return (x < math.inf).where(result, x)


def _log_gamma_of_others(x: Lane, tables: Tables) -> Lane:
    """log(pi / |sin(pi x)|) - lgamma(1 - x)."""
    size = -x
    sine = abs(sin_of(angle_of_pi(size)))
    reflected = -log(sine / math.pi) - _log_gamma_of_positive(size + 1.0, tables)
    is_pole = size.intrinsic("floor").equals(size)
    return is_pole.where(math.inf, (size < _TINY).where(-log(size), reflected))


def _digamma_of_positive(x: Lane, tables: Tables) -> Lane:
    """By Stirling's series from 3 on, below by the rational."""
    w, is_large = x - 0.5, x >= _LARGE

    def mixed() -> Lane:
        inverse = 1.0 / is_large.where(w, x)
        high, low = log_in_two_parts(is_large.where(w, 1.0))
        return is_large.where(_digamma_series(inverse, high, low, tables), _digamma_near(x, inverse, tables))

    result = where_either(
        is_large,
        lambda: _digamma_series(1.0 / w, *log_in_two_parts(w), tables),
        lambda: _digamma_near(x, 1.0 / x, tables),
        mixed,
    )
    return (x < math.inf).where(result, x)


def _digamma_series(over_w: Lane, high: Lane, low: Lane, tables: Tables) -> Lane:
    """log w + g(1/w**2) / w**2, with the logarithm in two parts."""
    square = over_w * over_w
    return high + square.fma(square.polynomial(tables.digamma_tail), low)


def _digamma_near(x: Lane, inverse: Lane, tables: Tables) -> Lane:
    """By the rational in x - 1, below 1 in x, less 1/x."""
    is_small = x < 1.0
    y = is_small.where(x, x - 1.0)
    root, root_low = x.pick(_DIGAMMA_ROOT_DOUBLE, _DIGAMMA_ROOT_SINGLE)
    distance, lost = two_sum(y, 1.0 - root)
    ratio = _ratio(y, tables.digamma)
    core = distance.fma(ratio, (lost - root_low) * ratio)
    return is_small.where(core - inverse, core)


def _digamma_of_others(x: Lane, tables: Tables) -> Lane:
    """digamma(1 - x) - pi cot(pi x)."""
    reflected = _digamma_of_positive(1.0 - x, tables) - cotangent_of(angle_of_pi(x)) * math.pi
    is_pole = x.intrinsic("floor").equals(x)
    return (x > -_TINY).where(-1.0 / x, is_pole.where(math.nan, reflected))


def _gamma_of_positive(x: Lane, tables: Tables) -> Lane:
    def near() -> Lane:
        return _gamma_near(x, tables)

    def far() -> Lane:
        return _gamma_by_stirling(x, tables)

    is_near = x < _LARGE
    return where_either(is_near, near, far, lambda: is_near.where(near(), far()))


def _gamma_near(x: Lane, tables: Tables) -> Lane:
    is_small, is_middle = x < 1.0, x < 2.0
    z = x - is_small.where(0.5, is_middle.where(1.5, x.like(2.5)))
    core = z.polynomial(tables.gamma)
    return is_small.where(core / x, is_middle.where(core, core * (x - 1.0)))


def _gamma_by_stirling(x: Lane, tables: Tables) -> Lane:
    """exp(w (log w - 1) + ...), for f64 with the exponent in two parts: it may be 700."""
    w = x.at_most(180.0) - 0.5
    inverse = 1.0 / w
    series = inverse * (inverse * inverse).polynomial(tables.log_tail)
    if tables is SINGLE:
        high, low = w.fma(log(w), -w) + (_LOG_ROOT_TWO_PI + series), w.like(0.0)
    else:
        high, low = _exponent_in_two_parts(w, series)
    n, r = reduced(high)
    return scaled(expm1_near_zero(r + low) + 1.0, n)


def _exponent_in_two_parts(w: Lane, series: Lane) -> TwoPart:
    """w (log w - 1) + log(2 pi) / 2 + series."""
    log_w, log_low = log_in_more_bits(w)
    high, low = product(w, log_w)
    high, lost = two_sum(high, -w)
    high, lost_too = two_sum(high, _LOG_ROOT_TWO_PI)
    return high, series + (low + (lost + lost_too)) + w * log_low


def _gamma_of_others(x: Lane, tables: Tables) -> Lane:
    """-pi / (sin(pi s) gamma(1 + s)) with s = -x; as s gamma(s) where gamma(1 + s) might overflow."""
    size = -x
    is_small = size < 1.0
    divisor = _gamma_of_positive(is_small.where(size + 1.0, size), tables)
    value = -(math.pi / sin_of(angle_of_pi(size))) / is_small.where(1.0, size) / divisor
    is_pole = size.intrinsic("floor").equals(size)
    return is_pole.where(x.equals(0.0).where(1.0 / x, x.like(math.nan)), value)


def _ratio(x: Lane, coefficients: tuple[Polynomial, Polynomial]) -> Lane:
    return x.horner(coefficients[0]) / x.horner(coefficients[1])

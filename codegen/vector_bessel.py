"""I0, I1, J0, J1 without branches: polynomials up to |x| = 8, beyond it those of the asymptotic expansions.

I(x) has a power series of positive terms in x**2, so nothing cancels, and exp(-x) sqrt(x) I(x) is smooth in
1/x. J(x) is sqrt(2 / (pi x)) (P cos(x - phase) - Q sin(x - phase)); near its zeros it is exact only
relative to that envelope. f32 is computed in f64. Start with `i0`.
"""

from __future__ import annotations

import math

from tapejit.codegen.lane import Lane
from tapejit.codegen.vector_exponential import exp
from tapejit.codegen.vector_trigonometric import cos, sin

_NEAR = 8.0
Polynomial = tuple[float, ...]

# I0 and I1 / x in x**2; exp(-x) sqrt(x) I in 16/x - 1.
_I0_NEAR = (
    1.0,
    0.25,
    0.015625,
    0.0004340277777777775,
    6.781684027777912e-06,
    6.781684027774454e-08,
    4.709502797120366e-10,
    2.4028075489633526e-12,
    9.385967032560034e-15,
    2.896903162778848e-17,
    7.242267593376968e-20,
    1.4963077381487484e-22,
    2.598374660279398e-25,
    3.834039431750878e-28,
    4.997871938480341e-31,
    4.758114672305794e-34,
    8.16888817772916e-37,
)
_I0_FAR = (
    0.4021765094450081,
    0.003360551983667854,
    0.00013621607439232746,
    1.1143033791556743e-05,
    1.4838475473607391e-06,
    2.973598432479169e-07,
    8.87225351128584e-08,
    3.932602459703109e-08,
    2.1545177650836005e-08,
    7.553516470355896e-09,
    -6.729724111923548e-09,
    -1.3404241991980871e-08,
    -5.4685974495866e-09,
    7.540601378890834e-09,
    7.58022133915272e-09,
    -3.4857887470034955e-09,
    -6.188265090497361e-09,
    1.497880830187091e-09,
    3.881151253996067e-09,
    -5.562201990080394e-10,
    -1.7789375042917173e-09,
    1.4672236659214398e-10,
    5.181936971288284e-10,
    -1.9216763724933513e-11,
    -7.06893851181878e-11,
)
_I1_NEAR = (
    0.5,
    0.0625,
    0.0026041666666666665,
    5.4253472222222206e-05,
    6.781684027777839e-07,
    5.651403356480076e-09,
    3.363930569355024e-11,
    1.501754718242318e-13,
    5.214426120822785e-16,
    1.448451617596976e-18,
    3.2919386730961012e-21,
    6.234641840989184e-24,
    9.993313529765104e-27,
    1.3698051938612397e-29,
    1.6620556429365558e-32,
    1.5048827524063076e-35,
    2.3652556692841144e-38,
)
_I1_FAR = (
    0.38939845902587233,
    -0.009749577193235728,
    -0.00021923576383430274,
    -1.5038547201176271e-05,
    -1.8349101134666435e-06,
    -3.483855609009937e-07,
    -1.0001323461066435e-07,
    -4.312935369971356e-08,
    -2.337059627111857e-08,
    -8.426622829598154e-09,
    6.715795128085017e-09,
    1.4029693589852716e-08,
    6.040877342160988e-09,
    -7.630751970065577e-09,
    -8.044231276166508e-09,
    3.406636130196794e-09,
    6.4870195719816896e-09,
    -1.4171698018664596e-09,
    -4.047785403711858e-09,
    5.146498826087142e-10,
    1.8513716745511988e-09,
    -1.342266320082222e-10,
    -5.388285995923524e-10,
    1.7502497778701306e-11,
    7.347992441734663e-11,
)
# J0 and J1 / x in x**2 / 32 - 1; P and x Q in 1/x**2.
_J0_NEAR = (
    0.04582966485981377,
    0.9303012472958572,
    -0.6484692830871837,
    -0.8080888076696872,
    1.0383794611437211,
    -0.5074680458471,
    0.1459888485675926,
    -0.028472718610882044,
    0.004058078989141177,
    -0.00044354592243115224,
    3.847319785554833e-05,
    -2.7177492236292343e-06,
    1.5956109151290362e-07,
    -7.915323085046368e-09,
    3.363444705179603e-10,
    -1.2433011106326192e-11,
    4.004481200341638e-13,
)
_J0_P = (
    1.0,
    -0.07031249999966568,
    0.11215209850987498,
    -0.5724999940150777,
    6.073072038856195,
    -109.61912148643616,
    2930.559314140391,
    -98448.18517372444,
    3365670.5043647448,
    -94715034.6925637,
    1778946002.0112078,
    -15953914475.798738,
)
_J0_Q = (
    -0.12499999999999986,
    0.0732421874972396,
    -0.227107992584373,
    1.7277155932259127,
    -24.37237834679361,
    547.9606298460914,
    -17334.223392491407,
    654381.5195152155,
    -24032020.36516009,
    705045985.7922744,
    -13572811959.185558,
    123613064668.47679,
)
_J1_NEAR = (
    -0.05814382795599107,
    0.08105866038589796,
    0.15151665143806634,
    -0.2595948652859303,
    0.15858376432721938,
    -0.05474581821284722,
    0.012456814392255437,
    -0.0020290394945705996,
    0.0002494945813909149,
    -2.404574865968699e-05,
    1.8684525371844294e-06,
    -1.196708186787079e-07,
    6.4312688109043625e-09,
    -2.9430137985395827e-10,
    1.1610582444601135e-11,
    -4.004572684590026e-13,
    1.2097479273966247e-14,
)
_J1_P = (
    1.0,
    0.11718749999964521,
    -0.1441955554741337,
    0.6765910749838102,
    -6.8828859006156025,
    121.17610864090396,
    -3188.396017670635,
    106068.8047359137,
    -3606236.8202151535,
    101179073.66246253,
    -1897115740.314449,
    16996197426.915182,
)
_J1_Q = (
    0.37499999999999983,
    -0.10253906249707714,
    0.27757643687420946,
    -1.9935191307596463,
    27.240204387318315,
    -600.2752608817947,
    18742.537268116157,
    -701897.1671980469,
    25660468.385814514,
    -750935369.7014933,
    14435376634.475786,
    -131352320432.68454,
)


def i0(x: Lane) -> Lane:
    return _modified(x, _I0_NEAR, _I0_FAR, odd=False, scaled=False)


def i1(x: Lane) -> Lane:
    return _modified(x, _I1_NEAR, _I1_FAR, odd=True, scaled=False)


def i0e(x: Lane) -> Lane:
    return _modified(x, _I0_NEAR, _I0_FAR, odd=False, scaled=True)


def i1e(x: Lane) -> Lane:
    return _modified(x, _I1_NEAR, _I1_FAR, odd=True, scaled=True)


def j0(x: Lane) -> Lane:
    size = abs(x.to_double())
    plus, minus = _sum_and_difference(size)
    return _first_kind(size, (_J0_NEAR, _J0_P, _J0_Q), plus, minus, odd=False).to_type_of(x)


def j1(x: Lane) -> Lane:
    wide = x.to_double()
    size = abs(wide)
    plus, minus = _sum_and_difference(size)
    found = _first_kind(size, (_J1_NEAR, _J1_P, _J1_Q), minus, -plus, odd=True)
    return (wide.bits() < 0).where(-found, found).to_type_of(x)


def _modified(x: Lane, near: Polynomial, far: Polynomial, *, odd: bool, scaled: bool) -> Lane:
    wide = x.to_double()
    size = abs(wide)
    is_near, inverse = size < _NEAR, 1.0 / size
    half = exp(size * (-0.5 if scaled else 0.5))  # in two factors: exp itself overflows before I does
    series = (size * size).polynomial(near) * (size if odd else 1.0)
    expansion = inverse.fma(2 * _NEAR, -1.0).polynomial(far) * inverse.intrinsic("sqrt")
    low = series * half * half if scaled else series
    high = expansion if scaled else (size < math.inf).where(expansion * half * half, size)
    found = is_near.where(low, (size.is_nan()).where(size, high))
    return (found.with_sign_of(wide) if odd else found).to_type_of(x)


def _first_kind(
    x: Lane, tables: tuple[Polynomial, Polynomial, Polynomial], cosine: Lane, sine: Lane, *, odd: bool
) -> Lane:
    """From sqrt(2) times the cosine and the sine of x less its phase."""
    near, p, q = tables
    inverse = 1.0 / x
    square = inverse * inverse
    wave = square.polynomial(p) * cosine - inverse * square.polynomial(q) * sine
    far = (x < math.inf).where(wave * (inverse * (1 / math.pi)).intrinsic("sqrt"), inverse)
    series = (x * x).fma(1 / 32, -1.0).polynomial(near) * (x if odd else 1.0)
    return (x < _NEAR).where(series, far)


def _sum_and_difference(x: Lane) -> tuple[Lane, Lane]:
    """cos x + sin x and sin x - cos x."""
    sine, cosine = sin(x), cos(x)
    return cosine + sine, sine - cosine

"""`scipy.special` on arrays of ours: values against SciPy, derivatives against differences and closed forms.

`tests/codegen/test_scalar_library.py` holds the compiled functions to mpmath.
"""

import math

import numpy as np
import pytest
import scipy.special as sp

import tapejit as tj
from tapejit import special
from tapejit.tracer.errors import UnsupportedError

X = np.array([0.3, 0.71, 0.05, 0.9])
WIDE = np.array([0.3, -1.2, 2.5, 7.3, -0.4])
POSITIVE = np.array([0.02, 0.9, 1.7, 3.4, 30.0])
EDGES = np.array([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.5, 1e-300, 1e300, np.inf, -np.inf, np.nan])

UNARY = {
    **dict.fromkeys(("expit", "log_expit", "erf", "erfc", "erfcx", "ndtr", "log_ndtr"), WIDE),
    **dict.fromkeys(("i0", "i1", "i0e", "i1e", "j0", "j1", "gamma", "gammaln", "psi", "exp2", "cbrt"), WIDE),
    **dict.fromkeys(("erfcinv", "logit", "erfinv", "ndtri"), X),
    **dict.fromkeys(("entr", "loggamma"), POSITIVE),
}
BINARY = ("xlogy", "xlog1py", "beta", "betaln", "rel_entr", "kl_div")
# Where SciPy gives NaN or the wrong infinity for a limit that exists.
LIMITS = {
    "i0": {np.inf: np.inf, -np.inf: np.inf},
    "i1": {np.inf: np.inf, -np.inf: -np.inf},
    "j0": {np.inf: 0.0, -np.inf: 0.0},
    "j1": {np.inf: 0.0, -np.inf: 0.0},
    "gammaln": {-np.inf: np.inf},
}
FAR = {"j0": 1e6, "j1": 1e6}  # SciPy's lose their digits beyond


def slope(f, x, step=1e-6):
    return (f(x + step) - f(x - step)) / (2 * step)


def of_sum(f):
    return lambda *xs: np.sum(f(*xs))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", UNARY)
def test_values(name, dtype):
    f, x = getattr(sp, name), UNARY[name].astype(dtype)
    found = np.asarray(tj.jit(f)(x))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, f(x), rtol=64 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", UNARY)
def test_edges(name):
    f, x = getattr(sp, name), EDGES[~(np.abs(EDGES) > FAR.get(name, np.inf)) | np.isinf(EDGES)]
    expected = np.array([LIMITS.get(name, {}).get(v, f(v)) for v in x])
    np.testing.assert_allclose(tj.jit(f)(x), expected, rtol=1e-13)


@pytest.mark.parametrize("name", UNARY)
def test_first_and_second_derivative(name):
    f, x = getattr(sp, name), UNARY[name]
    first = tj.grad(of_sum(f))
    np.testing.assert_allclose(first(x), slope(f, x), rtol=2e-7, atol=1e-8)
    second = tj.grad(lambda x: np.sum(first(x)))
    np.testing.assert_allclose(second(x), slope(first, x), rtol=2e-7, atol=1e-8)
    assert first(x.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("name", BINARY)
def test_two_operands(name):
    f = getattr(sp, name)
    x, y = POSITIVE[:, None], np.array([0.4, 2.2, 25.0])
    np.testing.assert_allclose(tj.jit(f)(x, y), f(x, y), rtol=1e-13, atol=1e-14)
    by_x, by_y = tj.grad(of_sum(f), argnums=(0, 1))(x, y)
    assert (by_x.shape, by_y.shape) == (x.shape, y.shape)
    np.testing.assert_allclose(by_x[:, 0], slope(lambda x: f(x, y), x).sum(1), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(by_y, slope(lambda y: f(x, y), y).sum(0), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", BINARY[:2] + BINARY[4:])
def test_edges_of_two_operands(name):
    f, values = getattr(sp, name), np.array([0.0, 1.0, -1.0, 0.5, np.inf, np.nan])
    x, y = (v.ravel() for v in np.meshgrid(values, values))
    plain = ~np.isinf(x) & ~np.isinf(y) if name == "kl_div" else np.full(x.shape, True)
    np.testing.assert_allclose(tj.jit(f)(x, y)[plain], f(x, y)[plain])


def test_tails():
    cases = {
        sp.log_ndtr: [-40.0, -1e5, 8.0],
        sp.erfcinv: [1e-300, 1e-20, 1.999],
        sp.ndtri: [1e-300, 0.999999],
        sp.erfc: [26.0, -5.0],
        sp.gammaln: [1e-300, 1e-8, -0.5, -3.7, 1e300],
        sp.psi: [1e-9, -0.5, 1e300],
        sp.log_expit: [-800.0, 800.0],
        sp.entr: [1e-300],
        sp.i0: [705.0, -705.0],
        sp.erfcx: [1e8, 1e200],
    }
    for f, values in cases.items():
        x = np.array(values)
        np.testing.assert_allclose(tj.jit(f)(x), f(x), rtol=3e-14, err_msg=f.__name__)


def test_closed_forms_of_derivatives():
    x = np.array([-40.0, -8.0, 0.5])
    hazard = math.sqrt(2 / math.pi) / sp.erfcx(-x / math.sqrt(2))
    np.testing.assert_allclose(tj.grad(of_sum(sp.log_ndtr))(x), hazard, rtol=1e-13)
    np.testing.assert_allclose(tj.grad(of_sum(sp.gammaln))(POSITIVE), sp.psi(POSITIVE), rtol=1e-13)
    np.testing.assert_allclose(tj.grad(of_sum(sp.psi))(POSITIVE), sp.polygamma(1, POSITIVE), rtol=1e-13)
    tiny = np.array([1e-300, 1e-10])
    exact = math.sqrt(math.pi) / 2 * np.exp(sp.erfcinv(tiny[1:]) ** 2)
    np.testing.assert_allclose(tj.grad(of_sum(sp.erfcinv))(tiny)[1:], -exact, rtol=1e-12)


def test_derivatives_where_a_rule_could_slip():
    """At zeros and ties, to second order."""
    zero = np.zeros(1)
    for f, first, second in (
        (sp.i0, 0.0, 0.5),
        (sp.i1, 0.5, 0.0),
        (sp.j0, 0.0, -0.5),
        (sp.j1, 0.5, 0.0),
        (sp.log_expit, 0.5, -0.25),
        (special.softplus, 0.5, 0.25),
        (lambda x: np.logaddexp(x, 0.0), 0.5, 0.25),
        (lambda x: np.logaddexp2(x, 0.0), 0.5, 0.25 * math.log(2)),
        (lambda x: np.logaddexp(x, x), 1.0, 0.0),
    ):
        slope_of = tj.grad(of_sum(f))
        np.testing.assert_allclose(slope_of(zero), [first], atol=1e-15)
        np.testing.assert_allclose(tj.grad(of_sum(slope_of))(zero), [second], atol=1e-15)
    third = tj.grad(of_sum(tj.grad(of_sum(tj.grad(of_sum(sp.i1))))))
    np.testing.assert_allclose(third(zero), [0.375], rtol=1e-14)
    np.testing.assert_array_equal(tj.grad(of_sum(lambda x: sp.xlogy(x, 2.0)))(zero), [math.log(2)])
    np.testing.assert_array_equal(tj.grad(of_sum(sp.entr))(zero), [np.inf])


@pytest.mark.parametrize("n", [0, 1, 2, 3, 8])
def test_polygamma(n):
    x = np.array([0.3, 1.6, -0.7, -2.4, 12.0])
    f = lambda x: special.polygamma(n, x)  # noqa: E731
    expected = (-1.0) ** (n + 1) * math.factorial(n) * sp.zeta(n + 1.0, x) if n else sp.psi(x)
    np.testing.assert_allclose(tj.jit(f)(x), expected, rtol=2e-12)
    above = (-1.0) ** n * math.factorial(n + 1) * sp.zeta(n + 2.0, x)
    np.testing.assert_allclose(tj.grad(of_sum(f))(x), above, rtol=2e-12)


def test_zeta_of_a_static_order():
    x = np.array([0.3, 1.6, 12.0])
    np.testing.assert_allclose(tj.jit(lambda q: sp.zeta(3, q))(x), sp.zeta(3.0, x), rtol=1e-14)
    found = tj.grad(of_sum(lambda q: sp.zeta(2.0, q)))(x)
    np.testing.assert_allclose(found, -2 * sp.zeta(3.0, x), rtol=1e-14)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: special.polygamma(x, x),
        lambda x: special.polygamma(1.5, x),
        lambda x: special.polygamma(-1, x),
        lambda x: sp.zeta(x, 1.0),
        lambda x: sp.zeta(1.5, x),
        lambda x: sp.hyp2f1(x, 1.0, 2.0, 0.5),
    ],
)
def test_what_has_no_derivative_is_refused_by_name(call):
    with pytest.raises(UnsupportedError, match=r"(polygamma|zeta|hyp2f1).* at .*test_special_functions"):
        tj.jit(call)(X)


def test_shapes_and_layouts():
    x = np.random.default_rng(0).uniform(0.1, 0.9, (4, 6))
    for view in (x[::-1, ::2], x.T, np.asfortranarray(x), x[:0], x[1, 2], np.float64(0.3)):
        for f in (sp.erfinv, sp.gammaln, sp.logit):
            found = tj.jit(f)(view)
            np.testing.assert_allclose(found, f(view), rtol=1e-13)
            assert np.shape(found) == np.shape(view)
    assert tj.jit(sp.psi)(np.arange(1, 4)).dtype == np.float64


SOFT = {
    "logsumexp": [{}, {"axis": 1}, {"axis": 0, "keepdims": True}, {"b": np.array([[1.0], [2.0]])}],
    "softmax": [{}, {"axis": 1}, {"axis": 0}],
    "log_softmax": [{}, {"axis": 1}],
}


@pytest.mark.parametrize(("name", "options"), [(name, o) for name, rows in SOFT.items() for o in rows])
def test_the_plain_functions_of_scipy(name, options):
    ours, theirs = (lambda x, m=m: getattr(m, name)(x, **options) for m in (special, sp))
    x = np.array([[0.3, -1.2, 700.0], [2.5, -800.0, 701.0]])
    np.testing.assert_allclose(tj.jit(ours)(x), theirs(x), rtol=1e-13)
    small, weight = x / 300.0, np.cos(np.arange(np.size(theirs(x)))).reshape(np.shape(theirs(x)))
    np.testing.assert_array_equal(ours(small), theirs(small))
    found = tj.grad(lambda x: np.sum(weight * ours(x)))(small)
    steps = 1e-6 * np.eye(6).reshape(6, 2, 3)
    expected = [np.sum(weight * (theirs(small + e) - theirs(small - e))) / 2e-6 for e in steps]
    np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("function", [sp.xlogy, sp.xlog1py])
def test_mixed_derivatives_where_the_factor_of_the_logarithm_is_zero(function):
    """As of the density of a gamma distribution with shape 1."""
    y = np.array([0.5, 2.0])
    slope = tj.grad(lambda x, y: np.sum(function(x, y)), argnums=1)
    found = tj.jvp(lambda x: slope(x, y), (np.zeros(2),), (np.ones(2),))[1]
    np.testing.assert_allclose(found, 1 / (y + (function is sp.xlog1py)))
    np.testing.assert_array_equal(slope(np.zeros(2), np.array([0.0, -1.0])), 0.0)
    mixed = tj.grad(lambda a, x: tj.grad(lambda x: tj.stats.gamma.logpdf(x, a))(x))(1.0, 4.0)
    np.testing.assert_allclose(mixed, 0.25)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("options", [{}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"return_sign": True}])
def test_weighted_exponentials(options):
    """What has no weight does not matter, however large it is; weights may be negative, and have slopes."""
    x = np.array([[1e4, -np.inf, np.nan, 0.3], [0.5, 700.0, 2.0, 0.3]])
    weights = np.array([[0.0, 1.0, 0.0, 2.0], [1.0, 1.0, 3.0, -1.0]])
    for a, b in ((x, weights), (x[:, 2:], weights[:, 2:]), (x[1], weights[1])):
        found = tj.jit(lambda a, b: special.logsumexp(a, b=b, **options))(a, b)
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(found, sp.logsumexp(a, b=b, **options), rtol=1e-14)
    a, b = np.array([[0.3, -1.2], [700.0, 2.5]]), np.array([[0.0, 1.5], [0.2, -1.0]])
    tj.check_grads(lambda a, b: special.logsumexp(a, b=b, axis=1), (a[:1], b[:1]), order=2)
    slopes = tj.grad(lambda a, b: special.logsumexp(a, b=b), argnums=(0, 1))(np.array([1e4, 2.0]), b[0])
    np.testing.assert_allclose(slopes[0], [0.0, 1.0])


def test_inside_a_record():
    x = tj.array([0.2, 0.7])
    x.attach_grad()
    with tj.record():
        y = special.erfinv(x) + sp.ndtri(x)
    y.backward()
    expected = slope(lambda v: sp.erfinv(v) + sp.ndtri(v), x.asnumpy())
    np.testing.assert_allclose(x.grad.asnumpy(), expected, rtol=1e-6)


def test_numpy_arrays_get_what_scipy_gives():
    assert isinstance(special.gammaln(X), np.ndarray)
    assert special.polygamma(1, 1.0) == sp.polygamma(1, 1.0)

"""Functions with a derivative of their own, under every transform, against what they state."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import AutogradError, DerivativeError, NestedDemandError

pytestmark = pytest.mark.usefixtures("interpreted")
X = np.array([0.3, 0.7, -1.0])
W = np.array([1.0, 2.0, 3.0])


def plain(x, w):
    return np.sin(x) * w


def with_vjp():
    f = tj.custom_vjp(plain)

    def fwd(x, w):
        return f(x, w), {"c": np.cos(x), "s": np.sin(x), "w": w, "kept": "text", "axis": 0}

    def bwd(kept, ct):
        assert kept["kept"] == "text"
        return ct * kept["c"] * kept["w"], ct * kept["s"]

    f.defvjp(fwd, bwd)
    return f


def with_jvp():
    f = tj.custom_jvp(plain)

    @f.defjvp
    def rule(primals, tangents):
        (x, w), (dx, dw) = primals, tangents
        return f(x, w), np.cos(x) * dx * w + np.sin(x) * dw

    return f


def with_jvps():
    f = tj.custom_jvp(plain)
    f.defjvps(lambda t, y, x, w: t * np.cos(x) * w, lambda t, y, x, w: t * y / w)
    return f


def checkpointed():
    return tj.checkpoint(plain)


MAKERS = (with_vjp, with_jvp, with_jvps, checkpointed)


def marked(factor=1.0):
    """The identity, whose stated derivative is `factor`: to see that the rule is what is used."""
    f = tj.custom_vjp(lambda x: x * 1.0)
    f.defvjp(lambda x: (f(x), None), lambda _, ct: (ct * factor,))
    return f


@pytest.mark.parametrize("make", MAKERS)
def test_derivatives_of_any_order(make):
    f = make()
    np.testing.assert_array_equal(f(X, W), plain(X, W))
    tj.check_grads(f, (X, W), order=3)
    tj.check_grads(lambda x: f(x, x) * f(x, W), (X,), order=2)


@pytest.mark.parametrize("make", MAKERS)
def test_transforms(make):
    f = make()
    for g in (f, tj.jit(f)):
        found = tj.grad(lambda x, w, g=g: np.sum(g(x, w) ** 2), argnums=(0, 1))(X, W)
        np.testing.assert_allclose(found[0], np.sin(2 * X) * W**2)
        np.testing.assert_allclose(found[1], 2 * np.sin(X) ** 2 * W)
        second = tj.hessian(lambda x, g=g: np.sum(g(x, W)))(X)
        np.testing.assert_allclose(second, np.diag(-np.sin(X) * W))
        np.testing.assert_allclose(tj.jvp(g, (X, W), (W, X))[1], np.cos(X) * W * W + np.sin(X) * X)
        np.testing.assert_allclose(tj.jacfwd(g)(X, W), np.diag(np.cos(X) * W))


@pytest.mark.parametrize("make", MAKERS)
def test_batches(make):
    f = make()
    stack = np.stack([X, 2 * X])
    rows = tj.vmap(tj.grad(lambda x, w: np.sum(f(x, w))), in_axes=(0, None))(stack, W)
    np.testing.assert_allclose(rows, np.cos(stack) * W)
    total = tj.grad(lambda w: np.sum(tj.vmap(f, in_axes=(0, None))(stack, w)))(W)
    np.testing.assert_allclose(total, np.sin(stack).sum(axis=0))
    pushed = tj.jvp(lambda w: tj.vmap(f, in_axes=(0, None))(stack, w), (W,), (X,))[1]
    np.testing.assert_allclose(pushed, np.sin(stack) * X)


def test_the_rule_is_what_counts():
    f = marked(3.0)
    np.testing.assert_array_equal(tj.grad(lambda x: np.sum(f(x)))(X), [3, 3, 3])
    np.testing.assert_array_equal(tj.jvp(f, (X,), (X,))[1], 3 * X)
    np.testing.assert_array_equal(tj.grad(lambda x: np.sum(tj.vmap(f)(x)))(X), [3, 3, 3])
    np.testing.assert_array_equal(tj.jit(tj.grad(lambda x: np.sum(tj.jit(f)(x))))(X), [3, 3, 3])
    with tj.record():
        x = tj.array(X)
        x.attach_grad()
        y = f(x).sum()
    y.backward()
    np.testing.assert_array_equal(x.grad.asnumpy(), [3, 3, 3])
    _, pullback = tj.vjp(f, X)
    np.testing.assert_array_equal(pullback(X)[0], 3 * X)


def test_a_changed_rule_is_noticed():
    f = marked(3.0)
    slope = tj.grad(lambda x: np.sum(f(x)))
    slope(X), slope(X)
    f.defvjp(lambda x: (x * 1.0, None), lambda _, ct: (ct * 4.0,))
    np.testing.assert_array_equal(slope(X), [4, 4, 4])


def test_second_derivatives_come_from_the_rule():
    """The stated derivative is x^2; so the second one is 2 x."""
    f = tj.custom_vjp(lambda x: x * 1.0)
    f.defvjp(lambda x: (f(x), x), lambda x, ct: (ct * x**2,))
    np.testing.assert_allclose(tj.grad(lambda x: np.sum(tj.grad(lambda z: np.sum(f(z)))(x)))(X), 2 * X)
    np.testing.assert_allclose(np.diag(tj.hessian(lambda x: np.sum(f(x)))(X)), 2 * X)


def test_trees_static_arguments_and_keywords():
    @tj.custom_vjp
    def f(p, x, scale=2.0):
        return {"y": p["a"] * x * scale, "n": np.argmax(x)}

    def bwd(kept, ct):
        assert ct["n"].shape == ()
        assert not ct["n"].any()
        return {"a": ct["y"] * kept * 10.0}, None, None

    f.defvjp(lambda p, x, scale: (f(p, x, scale), x), bwd)
    found = tj.grad(lambda p, x: np.sum(f(p, x, scale=3.0)["y"]), argnums=(0, 1))({"a": W}, X)
    np.testing.assert_allclose(found[0]["a"], 10 * X)
    np.testing.assert_array_equal(found[1], np.zeros(3))

    @tj.custom_vjp(nondiff_argnums=(0, 2))
    def apply(g, x, n):
        return g(x) * n

    apply.defvjp(lambda g, x, n: (g(x) * n, x), lambda g, n, x, ct: (ct * n * 7.0,))
    np.testing.assert_allclose(tj.grad(lambda x: np.sum(apply(np.sin, x, 2)))(X), [14, 14, 14])


def test_fwd_may_branch_and_loop():
    @tj.custom_vjp
    def root(a):
        x = a
        while np.abs(x * x - a) > 1e-12:
            x = 0.5 * (x + a / x)
        return x

    def fwd(a):
        x = root(a)
        return x, x

    root.defvjp(fwd, lambda x, ct: (ct / (2.0 * x),))
    slope = tj.grad(root)
    for a in (2.0, 9.0, 1.0):
        assert slope(a) == pytest.approx(0.5 / np.sqrt(a), rel=1e-12)
        assert tj.grad(tj.grad(root))(a) == pytest.approx(-0.25 * a**-1.5, rel=1e-9)


def test_a_rule_may_branch_on_what_it_keeps():
    def bent(x):
        return np.sum(x**2) if x.sum() > 0 else np.sum(x**3)

    f = tj.custom_vjp(bent)
    f.defvjp(lambda x: (f(x), x), lambda x, ct: tj.vjp(bent, x)[1](ct))
    g = tj.custom_vjp(bent)
    g.defvjp(lambda x: (g(x), x), lambda x, ct: (ct * 2 * x if x.sum() > 0 else ct * 3 * x**2,))
    for own in (f, g):
        slope = tj.grad(own)
        for x in (X + 1, -X - 1, X + 1):
            np.testing.assert_allclose(slope(x), tj.grad(bent)(x))
            np.testing.assert_allclose(tj.hessian(own)(x), tj.hessian(bent)(x), atol=1e-12)
        stack = np.stack([X + 1, -X - 1])
        np.testing.assert_allclose(tj.vmap(tj.grad(own))(stack), tj.vmap(tj.grad(bent))(stack))


def test_a_clipped_gradient_has_no_forward_mode():
    f = tj.custom_vjp(lambda x: x * 1.0)
    f.defvjp(lambda x: (f(x), None), lambda _, ct: (np.clip(ct, -1.0, 1.0),))
    np.testing.assert_array_equal(tj.grad(lambda x: np.sum(5.0 * f(x)))(X), [1, 1, 1])
    with pytest.raises(DerivativeError, match=r"custom_vjp of <lambda> .*not linear in the cotangent"):
        tj.jvp(f, (X,), (X,))


def test_float32():
    f = with_vjp()
    found = tj.grad(lambda x: np.sum(f(x, W.astype("f4"))))(X.astype("f4"))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.cos(X) * W, rtol=1e-6)


def test_methods_and_names():
    class Layer:
        @tj.checkpoint
        def apply(self, x):
            """Doc."""
            return np.sin(x)

    assert Layer.apply.__doc__ == "Doc."
    np.testing.assert_allclose(tj.grad(lambda x: np.sum(Layer().apply(x)))(X), np.cos(X))


def broken(bwd, fwd=None):
    f = tj.custom_vjp(plain)
    f.defvjp(fwd or (lambda x, w: (plain(x, w), (x, w))), bwd)
    return lambda: tj.grad(lambda x: np.sum(f(x, W)))(X)


def broken_jvp(rule):
    f = tj.custom_jvp(plain)
    f.defjvp(rule)
    return lambda: tj.jvp(lambda x: f(x, W), (X,), (X,))


def unruled():
    return tj.grad(lambda x: np.sum(tj.custom_vjp(plain)(x, W)))(X)


def captures():
    def outer(x):
        f = tj.custom_vjp(lambda y: y * x)
        f.defvjp(lambda y: (y * x, None), lambda _, ct: (ct,))
        return np.sum(f(x * 2.0))

    return tj.grad(outer)(X)


def nondiff():
    f = tj.custom_vjp(plain, nondiff_argnums=(1,))
    f.defvjp(lambda x, w: (plain(x, w), None), lambda w, _, ct: (ct,))
    return tj.grad(lambda x: np.sum(f(x, x)))(X)


BAD = [
    (broken(lambda kept, ct: ct), TypeError, "tuple with one gradient for each of its 2 .*got Array"),
    (broken(lambda kept, ct: (ct,)), TypeError, "got 1 entries"),
    (broken(lambda kept, ct: (ct[:2], ct)), ValueError, r"shape \(2,\) where the argument has \(3,\)"),
    (
        broken(lambda _, ct: (ct.astype("f4"), None)),
        TypeError,
        r"f32\[3\] where the argument has f64\[3\]",
    ),
    (broken(lambda kept, ct: ([ct], None)), TypeError, "bwd returned has a list"),
    (broken(lambda kept, ct: ("a", None)), TypeError, "bwd returned has a str"),
    (broken(lambda kept, ct: (ct * float(ct.sum()), None)), NestedDemandError, "inside bwd of .*float"),
    (broken(lambda kept, ct: (ct if ct.sum() > 0 else -ct, None)), NestedDemandError, "np.where"),
    (unruled, AttributeError, "has no rule yet: call defvjp"),
    (broken(lambda kept, ct: (ct, ct), lambda x, w: plain(x, w)), TypeError, r"fwd must return a pair"),
    (broken_jvp(lambda p, t: t[0]), TypeError, "the rule must return a pair"),
    (broken_jvp(lambda p, t: (p[0], [t[0]])), TypeError, "the tangent of the rule has a list"),
    (broken_jvp(lambda p, t: (p[0], t[0][:1])), ValueError, r"shape \(1,\) where the value has \(3,\)"),
    (captures, AutogradError, "array from outside of it that is being differentiated"),
    (nondiff, AutogradError, "argument 1 is in nondiff_argnums, but a derivative flows"),
    (lambda: tj.custom_vjp(3), TypeError, "expected a function, got int"),
    (lambda: tj.custom_vjp(plain, nondiff_argnums=("x",)), TypeError, "nondiff_argnums must hold"),
    (lambda: tj.checkpoint("f"), TypeError, "expected a function, got str"),
    (lambda: tj.custom_vjp(plain).defvjp(3, plain), TypeError, "expected a function, got int"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[message for _, _, message in BAD])
def test_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
    assert not tj.is_recording()

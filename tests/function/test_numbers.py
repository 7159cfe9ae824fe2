"""Float arguments: run-time parameters of the program; what Python decides by them is guarded."""

import math

import numpy as np
import pytest

import tapejit as tj

pytestmark = pytest.mark.usefixtures("interpreted")
X = np.array([1.0, 2.0])


def agree(function, *cases):
    """Call jit(function) on each case, twice; the number of traces."""
    decorated = tj.jit(function)
    for case in (*cases, *cases):
        found, expected = decorated(*case), function(*case)
        np.testing.assert_allclose(found, expected, rtol=1e-14)
        assert np.asarray(found).dtype == np.asarray(expected).dtype
    return decorated.memory.traces


def test_a_changing_rate_runs_no_python_and_compiles_nothing():
    def step(w, rate):
        return w - rate * 2.0 * w + (1.0 - rate) ** 3 / (1.0 + abs(-rate)) + w / (rate + 1.0)

    assert agree(step, *((X, 0.1 / (n + 1)) for n in range(20))) == 1


def test_a_rate_in_a_gradient_by_position_and_by_keyword():
    step = tj.value_and_grad(lambda w, rate=0.5, *, momentum=0.9: (w * w * rate + momentum * w).sum())
    for n in range(1, 6):
        value, gradient = step(X, 1.0 / n, momentum=0.1 * n)
        np.testing.assert_allclose(value, (X * X / n + 0.1 * n * X).sum())
        np.testing.assert_allclose(gradient, 2 * X / n + 0.1 * n)
        assert step(X, 0.25)[0] == (X * X * 0.25 + 0.9 * X).sum()
    assert step.memory.traces == 2


def test_numbers_stay_weak():
    x = X.astype(np.float32)
    assert agree(lambda x, r: x * (r * 0.5) + (1 - r), (x, 0.5), (x, 0.25)) == 1
    assert agree(lambda x, r: x * np.exp(r), (x, 0.5), (x, 0.25)) == 1
    assert agree(lambda x, r: np.arange(3) * r + x[0], (x, 0.5), (x, 0.25)) == 1


def test_comparisons_are_guards():
    def f(x, r):
        if 0.2 < r <= 0.5 or r == 2.0:
            return x * r
        return x - r if r else x

    rates = (0.1, 0.3, 0.0, -0.0, 2.0, 0.5, 0.7, math.nan, 0.4, -1.0)
    assert agree(f, *((X, r) for r in rates)) <= 6


def test_mixed_tests_of_numbers_and_arrays():
    def f(x, r):
        if x[0] > 0:
            if r > 0.5:
                return x / (r - 0.5)
            return x * 3 if x[1] > r else x
        return x * r if r < 0 else x - 1

    cases = [(s * X, r) for s in (1.0, -1.0, 0.2) for r in (0.4, 0.6, -1.0, 0.5, 3.0)]
    decorated = tj.jit(f)
    for case in cases * 3:
        np.testing.assert_allclose(decorated(*case), f(*case))
    assert decorated.memory.traces <= 6


def test_what_python_insists_on_is_guarded_by_value():
    for f in (
        lambda x, r: x * math.exp(r),
        lambda x, r: x * float(f"{r:.1f}"),
        lambda x, r: x * int(r * 4),
        lambda x, r: x * round(r, 1),
        lambda x, r: x + np.full(2, r),
        lambda x, r: x * {0.5: 2.0}.get(r, 3.0),
        lambda x, r: x * (2.0 if r.is_integer() else 1.0),
        lambda x, r: x * max(r, 0.3),
        lambda x, r: x * sum([r, r, 1.0]),
        lambda x, r: np.clip(x, r, 2 * r),
        lambda x, r: np.where(x > r, r, x),
        lambda x, r: x**r,
        lambda x, r: (x + 1j * x).real ** r if False else x**-r,
        lambda x, r: x * (1.0 if isinstance(r, float) else 5.0),
    ):
        agree(f, (X, 0.5), (X, 0.25), (X, 2.0), (X, 0.26))


def test_division_by_a_number_that_is_zero():
    def f(x, r):
        return x if r == 0 else x * (1.0 / r)

    assert agree(f, (X, 2.0), (X, 0.0), (X, 4.0), (X, -0.0)) == 2
    decorated = tj.jit(lambda x, r: x * (1.0 / r))
    decorated(X, 2.0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            decorated(X, 0.0)
    np.testing.assert_array_equal(decorated(X, 4.0), X / 4)


def test_a_root_of_a_negative_number():
    f = tj.jit(lambda x, r: x * abs(r**0.5))
    for r in (4.0, -4.0, 9.0, -9.0):
        np.testing.assert_allclose(f(X, r), X * abs(r) ** 0.5)


def test_a_number_as_a_result():
    f = tj.value_and_grad(lambda x, r: ((x * r).sum(), {"rate": r * 2}), has_aux=True)
    for r in (1.0, 2.0, 1.0, 2.0):
        (_, aux), _ = f(X, r)
        assert aux == {"rate": r * 2}
        assert type(aux["rate"]) is float


def test_kinds_of_numbers_stay_apart():
    f = tj.jit(lambda x, n: x * n)
    x = X.astype(np.float32)
    for n in (1.5, np.float64(1.5), np.float32(1.5), 2, True, 2.5, np.float64(2.5)) * 2:
        found, expected = f(x, n), x * n
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_a_loop_until_a_tolerance():
    def f(x, tolerance):
        y = x
        while np.abs(y).max() > tolerance:
            y = y * 0.5
        return y.sum()

    decorated = tj.grad(f)
    for tolerance in (0.1, 0.01, 1e-5, 0.3):
        factor = f(X, tolerance) / X.sum()
        np.testing.assert_allclose(decorated(X, tolerance), [factor, factor])
    assert decorated.memory.traces == 1


def test_a_number_inside_a_transform():
    f = tj.jit(lambda x, r: tj.vmap(lambda v: v * r)(x) + tj.grad(lambda z: (z * z * r).sum())(x))
    for r in (1.0, 2.0, 3.0):
        np.testing.assert_allclose(f(X, r), X * r + 2 * X * r)
    assert f.memory.traces == 1


def test_quotients_with_remainders():
    assert agree(lambda x, r: x * divmod(r, 2)[0] + divmod(7.0, r)[1], (X, 2.5), (X, -0.75)) == 1
    assert agree(lambda x, r: x * math.trunc(r), (X, 2.5), (X, -0.75)) == 2

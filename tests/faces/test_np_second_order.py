"""Second derivatives of what `np` and `npx` offer, by `create_graph`, against differences of first ones."""

import numpy as onp
import pytest

from tapejit import autograd, np, npx

UNARY = """
absolute arccos arccosh arcsin arcsinh arctan arctanh cbrt cos cosh deg2rad degrees exp exp2 expm1
log log10 log1p log2 negative positive rad2deg radians reciprocal sin sinh sqrt square tan tanh
cumsum cumprod diff flip ravel transpose var std mean sum prod max min trace
"""
BINARY = """
add arctan2 divide dot hypot inner kron logaddexp logaddexp2 matmul maximum minimum multiply outer
power remainder subtract tensordot vdot
"""
EXTRA = {
    "relu": npx.relu,
    "sigmoid": npx.sigmoid,
    "softmax": npx.softmax,
    "log_softmax": npx.log_softmax,
    "norm": np.linalg.norm,
    "det": np.linalg.det,
    "inv": np.linalg.inv,
    "index": lambda x: x[1:, ::-1] * x[0, 0],
    "take": lambda x: x[onp.array([1, 1, 0])] ** 3,
    "method chain": lambda x: x.reshape(-1).clip(0.2, 0.7).mean() ** 2,
    "einsum": lambda x: np.einsum("ij,jk->ik", x, x),
    "where": lambda x: np.where(x > 0.5, x**3, np.sin(x)),
}
X = onp.array([[0.3, 0.65], [0.8, 0.15]])
Y = onp.array([[0.7, 1.9], [0.45, 1.2]])


def calls():
    for name in UNARY.split():
        x = X + 1 if name == "arccosh" else X
        yield pytest.param(getattr(np, name), [x], id=name)
    for name in BINARY.split():
        yield pytest.param(getattr(np, name), [X, Y], id=name)
    for name, call in EXTRA.items():
        yield pytest.param(call, [X], id=name)


@pytest.mark.parametrize(("call", "values"), list(calls()))
def test_second_derivatives_are_differences_of_first_ones(call, values, interpreted):
    steps = [onp.sin(1 + k + onp.arange(4.0)).reshape(2, 2) for k in range(len(values))]

    def slope_at(shift):
        arrays = [np.array(v + shift * step) for v, step in zip(values, steps, strict=True)]
        for x in arrays:
            x.attach_grad()
        with autograd.record():
            y = call(*arrays)
            weights = np.array(onp.cos(onp.arange(float(y.size))).reshape(y.shape))
            found = autograd.grad(y, arrays, weights, create_graph=True)
            slope = sum((g * step).sum() for g, step in zip(found, steps, strict=True))
        slope.backward()
        return slope.item(), sum((x.grad.asnumpy() * s).sum() for x, s in zip(arrays, steps, strict=True))

    difference = (slope_at(1e-6)[0] - slope_at(-1e-6)[0]) / 2e-6
    assert slope_at(0.0)[1] == pytest.approx(difference, rel=1e-6, abs=1e-8)

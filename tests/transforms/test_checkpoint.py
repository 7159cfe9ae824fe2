"""What a checkpoint stores: little for a chain in stretches, and what its policy says."""

import re

import numpy as np
import pytest

import tapejit as tj
from tapejit.ir.footprint import peak_bytes
from tapejit.ir.parser import parse_function

pytestmark = pytest.mark.usefixtures("interpreted")
WEIGHTS = np.random.default_rng(0).normal(size=(16, 16)) / 4
X = np.random.default_rng(1).normal(size=(16, 16))
ONE = X.nbytes


def steps(x, count):
    for _ in range(count):
        x = np.tanh(x @ WEIGHTS)
    return x


def gradient_of_chain(count, stretch, **options):
    block = tj.checkpoint(lambda x: steps(x, stretch), **options) if stretch else None

    def loss(x):
        for _ in range(count // stretch if stretch else 0):
            x = block(x)
        return np.sum(x if stretch else steps(x, count))

    return tj.grad(loss)


def peak(slope):
    """The most values of the size of X that are alive at a time."""
    shown = re.search(r"([\d,]+) bytes of intermediate values", slope.explain())
    return int(shown.group(1).replace(",", "")) / ONE


@pytest.mark.parametrize("count", [16, 36, 64])
def test_a_chain_in_stretches_takes_the_memory_of_twice_its_root(count):
    plain, stretched = gradient_of_chain(count, 0), gradient_of_chain(count, int(count**0.5))
    np.testing.assert_allclose(stretched(X), plain(X), rtol=1e-12)
    assert peak(plain) >= count
    assert peak(stretched) <= 2 * count**0.5 + 3


def products(text):
    return text.count("dot_general")


def test_policies():
    policies = tj.checkpoint_policies
    nothing, dots, everything = (
        gradient_of_chain(4, 4, policy=policy)
        for policy in (policies.nothing_saveable, policies.dots_saveable, policies.everything_saveable)
    )
    for slope in (nothing, dots, everything):
        np.testing.assert_allclose(slope(X), gradient_of_chain(4, 0)(X), rtol=1e-12)
    assert products(nothing.adjoint_ir(X)) == 4 + 4 + 4  # forward, again, backward
    assert products(dots.adjoint_ir(X)) == 4 + 4
    assert "tanh" in dots.adjoint_ir(X).split("call")[1]
    assert "tanh" not in everything.adjoint_ir(X).split("call")[1]

    def asked(primitive, *types, **attributes):
        seen.add((primitive, *map(str, types)))
        return primitive == "dot_general" and attributes["contract"] == ((1,), (0,))

    seen = set()
    own = gradient_of_chain(4, 4, policy=asked)
    np.testing.assert_allclose(own(X), everything(X), rtol=1e-12)
    assert ("dot_general", "f64[16,16]", "f64[16,16]") in seen
    assert products(own.adjoint_ir(X)) == 4 + 4


def test_what_is_captured_is_differentiated_too():
    def f(w, x):
        block = tj.checkpoint(lambda z: np.tanh(z @ w))
        return np.sum(block(block(x)))

    def g(w, x):
        return np.sum(np.tanh(np.tanh(x @ w) @ w))

    for mine, plain in zip(*(tj.grad(h, argnums=(0, 1))(WEIGHTS, X) for h in (f, g)), strict=True):
        np.testing.assert_allclose(mine, plain, rtol=1e-12)


def test_one_inside_another_and_after_a_demand():
    inner = tj.checkpoint(lambda x: np.sin(x) * x)
    outer = tj.checkpoint(lambda x: inner(inner(x)) if x.sum() > 0 else inner(x))
    for x in (np.array([0.5, 0.25]), np.array([-0.5, 0.25])):
        tj.check_grads(outer, (x,), order=2)
    z = tj.array([0.5, 0.25])
    z.attach_grad()
    with tj.record():
        y = outer(z)
        assert y.shape == (2,)
        assert float(y.sum()) != 0.0  # now forward and backward are two programs
    y.backward()
    np.testing.assert_allclose(z.grad.asnumpy(), tj.elementwise_grad(outer)(np.array([0.5, 0.25])))


def test_compiled():
    from tapejit.engine import DECORATED

    before, DECORATED.tier = DECORATED.tier, "compile"
    try:
        slope = gradient_of_chain(4, 2)
        for scale in (1.0, 2.0):
            np.testing.assert_allclose(slope(X * scale), gradient_of_chain(4, 0)(X * scale), rtol=1e-10)
    finally:
        DECORATED.tier = before


def test_the_footprint_counts_what_is_stored_while_it_is_read():
    f = parse_function("""func @f(%x: f64[10,10]) -> (f64[]) {
  %0 = dot_general %x, %x {batch=[[], []], contract=[[1], [0]]} : f64[10,10]
  %1 = sin %0 : f64[10,10]
  %2 = dot_general %x, %1 {batch=[[], []], contract=[[1], [0]]} : f64[10,10]
  %3 = dot_general %2, %x {batch=[[], []], contract=[[1], [0]]} : f64[10,10]
  %4 = reduce_sum %3 {axes=[0, 1]} : f64[]
  return %4
}
""")
    assert peak_bytes(f) == 2 * 800

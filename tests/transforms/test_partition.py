"""Residuals: the cut is minimal, the choice the cheapest there is, both halves do what one program does."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.call import call
from tapejit.ir.interpreter import interpret
from tapejit.ir.scan import linear_scan
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.transforms.minimum_cut import UNLIMITED, Network
from tapejit.ir.transforms.partition import partition
from tapejit.ir.transforms.recomputation import loading, recomputing, storing
from tapejit.ir.transforms.split import split
from tapejit.ir.types import TensorType
from tapejit.ir.verifier import verify

# -- The cut of a network ----------------------------------------------------------------------------


@st.composite
def networks(draw):
    """Up to 7 nodes, the source first and the sink last, and edges between any of them."""
    count = draw(st.integers(2, 7))
    node = st.integers(0, count - 1)
    return count, draw(st.lists(st.tuples(node, node, st.integers(0, 9)), max_size=16))


def cost_of(side, edges):
    return sum(capacity for tail, head, capacity in edges if tail in side and head not in side)


@settings(max_examples=200, deadline=None)
@given(networks())
def test_a_cut_is_minimal_and_of_the_minimal_the_smallest(network):
    count, edges = network
    found = Network()
    for _ in range(count):
        found.node()
    for edge in edges:
        found.edge(*edge)
    side = found.source_side(0, count - 1)
    inner = range(1, count - 1)
    sides = [{0, *some} for n in range(count - 1) for some in itertools.combinations(inner, n)]
    least = min(cost_of(s, edges) for s in sides)
    assert cost_of(side, edges) == least
    assert side == set.intersection(*(s for s in sides if cost_of(s, edges) == least))


def test_a_long_path_is_cut_at_its_narrowest_edge():
    network, count = Network(), 20_000
    nodes = [network.node() for _ in range(count)]
    for k, (tail, head) in enumerate(itertools.pairwise(nodes)):
        network.edge(tail, head, 3 if k == 11_111 else UNLIMITED)
    assert network.source_side(nodes[0], nodes[-1]) == set(nodes[:11_112])


# -- The choice --------------------------------------------------------------------------------------


def total(x):
    return ops.reduce_sum(x, axes=tuple(range(len(x.shape))))


def product(x, y):
    return ops.dot_general(x, y, contract=((1,), (0,)), batch=((), ()))


def spread(x, shape):
    return ops.broadcast(x, shape=shape, dims=(0,))


def both_of(x, y):
    """A region with two results."""
    inner = Builder("inner", [x.type, y.type])
    a, b = inner.params
    return call.several(x, y, regions=(inner.finish([ops.sin(a) * b, a + b]),))


STEPS = (
    lambda x, y: (ops.sin(x),),
    lambda x, y: (ops.tanh(x + y),),
    lambda x, y: (x * y,),
    lambda x, y: (x - y,),
    lambda x, y: (ops.transpose(x, perm=(1, 0)),),
    lambda x, y: (ops.select(ops.lt(x, y), x, 0.5 * y),),
    lambda x, y: (0.1 * product(x, y),),
    lambda x, y: (spread(ops.reduce_sum(x, axes=(1,)), x.shape),),
    lambda x, y: (ops.cast(ops.cast(x, dtype="f32"), dtype="f64"),),
    lambda x, y: (linear_scan(x, 0.5 * ops.cos(y), axis=0),),
    both_of,
)


@st.composite
def functions(draw, most=6):
    """Of two square matrices, large or so small that storing is dear, to a sum and some of its values."""
    size = draw(st.sampled_from([1, 2, 9]))
    matrix = TensorType("f64", (size, size))
    builder = Builder("f", [("x", matrix), ("y", matrix)])
    values = list(builder.params)
    for _ in range(draw(st.integers(1, most))):
        operands = [draw(st.sampled_from(values)) for _ in range(2)]
        values.extend(draw(st.sampled_from(STEPS))(*operands))
    kept = draw(st.lists(st.sampled_from(values[2:]), max_size=2))
    return verify(builder.finish([total(values[-1] * values[-2]), *kept]))


def price(instrs, needed, arguments, kept, again):
    """What it costs to run the instructions `again` and to store the rest of what that needs."""
    missing, cost = set(needed), 0
    for instr in reversed(instrs):
        found = [v for v in instr.results if v in missing]
        if found and instr in again:
            cost += recomputing(instr)
            missing.update(instr.operands)
        elif found:
            cost += sum(storing(v, v in kept) for v in found)
    return cost + sum(loading(v) for v in arguments if v in missing)


several = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@several
@given(functions(most=4), st.data())
def test_no_other_choice_is_cheaper(f, data):
    values = [v for instr in f.body for v in instr.results]
    needed = set(data.draw(st.lists(st.sampled_from(values), min_size=1, max_size=3)))
    runnable = [instr for instr in f.body if recomputing(instr) is not None][-11:]
    given = f.body, needed, f.params, set(f.results)
    choices = (set(some) for n in range(len(runnable) + 1) for some in itertools.combinations(runnable, n))
    found = partition(*given)
    assert price(*given, set(found.recomputed)) <= min(price(*given, again) for again in choices)
    assert not {v for instr in found.recomputed for v in instr.results}.intersection(found.stored)


@several
@given(functions(), st.integers(0, 2**32 - 1))
def test_two_halves_compute_what_one_program_does(f, seed):
    rng = np.random.default_rng(seed)
    args = [rng.uniform(-1, 1, v.type.shape) for v in f.params]
    forward, backward = (verify(half) for half in split(f, [0, 1], 1))
    results = interpret(forward, *args)
    one = np.ones(())
    found = interpret(backward, *results[len(f.results) :], one)
    seeds = [one, *(np.zeros(v.type.shape) for v in f.results[1:])]
    expected = interpret(adjoint(f), *args, *seeds)
    for half, whole in zip([*results[: len(f.results)], *found], expected, strict=True):
        np.testing.assert_allclose(half, whole, rtol=1e-12, atol=1e-12)


# -- Derived by hand ---------------------------------------------------------------------------------


def residuals_of(make, *shapes, dtype="f64"):
    """What the forward of a sum stores beyond its parameters: the name of the row and the type of each."""
    builder = Builder("f", [TensorType(dtype, shape) for shape in shapes])
    f = builder.finish([total(make(*builder.params))])
    forward, _ = split(f, range(len(shapes)), 1)
    made = {v: instr.primitive.name for instr in f.body for v in instr.results}
    return [f"{made[v]} {v.type}" for v in forward.results[1:] if v not in f.params]


def mean(x):
    return ops.reduce_sum(x, axes=(1,)) * (1.0 / x.shape[1])


def softmax(x):
    e = ops.exp(x - spread(ops.reduce_max(x, axes=(1,)), x.shape))
    return e / spread(ops.reduce_sum(e, axes=(1,)), x.shape)


def layer_norm(x, gamma):
    centred = x - spread(mean(x), x.shape)
    deviation = ops.rsqrt(mean(centred * centred) + 1e-5)
    return ops.tanh(centred * spread(deviation, x.shape) * ops.broadcast(gamma, shape=x.shape, dims=(1,)))


def dense(activation):
    def layer(x, w, b):
        return activation(product(x, w) + ops.broadcast(b, shape=(x.shape[0], w.shape[1]), dims=(1,)))

    return layer


def sines(x):
    for _ in range(16):
        x = ops.sin(x) + 0.5 * x
    return x


X, W, B = (128, 60), (60, 70), (70,)


@pytest.mark.parametrize(
    ("make", "shapes", "expected"),
    [
        # All of a chain is computed again in the one loop of the backward.
        (sines, [X], []),
        # Softmax from the logits and two numbers per row, not from a matrix of probabilities.
        (lambda x, w: w * softmax(x), [X, X], ["reduce_max f64[128]", "reduce_sum f64[128]"]),
        # Layer norm: the mean and the variance of each row; the normalised row follows.
        (layer_norm, [X, (60,)], ["mul f64[128]", "add f64[128]"]),
        # tanh' is a function of tanh: to store it, not the product, takes the same room and saves a tanh.
        (dense(ops.tanh), [X, W, B], ["tanh f64[128,70]"]),
        (dense(lambda x: ops.maximum(x, x.like(0.0))), [X, W, B], ["add f64[128,70]"]),
        # The largest and the sum of so few elements are found again sooner than handed over.
        (lambda x, w: w * softmax(x), [(1, 2), (1, 2)], []),
        # The squared distance is three additions, in whatever loop it is needed.
        (lambda x: ops.exp(ops.reduce_sum(x * x, axes=(2,))), [(90, 90, 3)], []),
        # A truth value is an eighth of what it was compared from.
        (
            lambda x, w, b: b * ops.select(ops.lt(ops.sin(ops.exp(product(x, w))), b), b, 2.0 * b),
            [X, W, (128, 70)],
            ["lt bool[128,70]"],
        ),
        # Two transcendental functions cost more than to store what they give, one does not.
        (lambda x: ops.exp(ops.sin(x)), [X], ["exp f64[128,60]"]),
        (lambda x: ops.exp(x), [X], []),
    ],
)
def test_what_is_stored(make, shapes, expected):
    assert residuals_of(make, *shapes) == expected


def test_what_is_a_result_anyway_is_read_rather_than_computed():
    builder = Builder("f", [TensorType("f64", (100,))])
    (x,) = builder.params
    y = ops.tanh(x)
    f = builder.finish([total(y), y])
    _, backward = split(f, [0], 1)
    assert "tanh" not in [instr.primitive.name for instr in backward.body]
    assert len(backward.params) == 2


def test_the_choice_is_the_same_for_narrow_numbers():
    assert residuals_of(layer_norm, X, (60,), dtype="f32") == ["mul f32[128]", "add f32[128]"]


def test_of_several_results_only_what_is_needed_is_stored_and_nothing_runs_twice():
    builder = Builder("f", [TensorType("f64", (9, 9))] * 2)
    first, second = both_of(*builder.params)
    f = builder.finish([total(first * first), total(second)])
    forward, backward = split(f, [0, 1], 1)
    assert forward.results[2:] == (*f.params, first.value)
    assert [instr.primitive.name for instr in backward.body].count("call") == 1  # its own pullback


def test_a_chain_of_thousands():
    assert residuals_of(lambda x: [x := ops.tanh(0.9 * x) for _ in range(1_000)][-1], (50,)) == []

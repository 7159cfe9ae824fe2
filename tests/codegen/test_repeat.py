"""Loop nests that repeat become functions: which do, and that the results stay."""

from __future__ import annotations

import re

import numpy as np
import pytest
from compiled import assert_matches, compile_function, run
from models import build, joint, total
from plain import run_plainly
from random_program import clamp

from tapejit.codegen.emit import compile_source
from tapejit.codegen.skeleton import skeleton_of
from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.signature import signature_of
from tapejit.ir.types import TensorType


def product(w, h):
    return ops.dot_general(w, h, contract=((1,), (0,)), batch=((), ()))


def row(x, t: int):
    return ops.reshape(ops.slice_(x, start=(t, 0), stop=(t + 1, x.shape[1]), step=(1, 1)), shape=x.shape[1:])


def recurrent(w, x):
    """A recurrent network: what it adds differs from step to step in its place."""
    h = row(x, 0)
    for t in range(1, x.shape[0]):
        h = ops.tanh(product(w, h) + row(x, t))
    return total(h * h)


def power_iteration(w, x):
    """A number leaves a step's nest and is read in the next one; a constant differs from step to step."""
    h = row(x, 0)
    for t in range(1, x.shape[0]):
        g = product(w, h)
        h = g / ops.broadcast(ops.sqrt(total(g * g)) + 0.25 * t, shape=g.shape, dims=())
    return total(h * row(x, 1))


def pivoted(w, x):
    """An integer and a truth value leave."""
    h = row(x, 0)
    for _ in range(1, x.shape[0]):
        g = product(w, h)
        largest = ops.broadcast(ops.reduce_max(g, axes=(0,)), shape=g.shape, dims=())
        positive = ops.gt(total(g), g.like(0.0) if g.shape == () else total(g) * 0.0)
        h = ops.select(ops.broadcast(positive, shape=g.shape, dims=()), g / largest, g - largest)
    return total(h)


STEPS = {"recurrent": recurrent, "power iteration": power_iteration, "pivoted": pivoted}


def steps(name: str, count: int, n: int, dtype: str = "f64") -> Function:
    return joint(build("f", STEPS[name], ("w", (n, n)), ("x", (count, n)), dtype=dtype))


def arguments(function: Function) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [
        (random.normal(size=v.type.shape) / v.type.shape[-1] ** 0.5).astype(v.type.numpy_dtype)
        for v in function.params
    ]


def source(function: Function) -> str:
    return compile_source(function, signature_of(function))


@pytest.mark.parametrize("name", STEPS)
def test_loops_are_as_many_for_any_number_of_steps(name):
    shorter, longer = (source(steps(name, count, 16)) for count in (30, 60))
    assert longer.count("for ") <= shorter.count("for ") + 2  # a nest stores a limited number of rows
    assert "def repeat" in shorter


def test_a_few_repetitions_stay_as_they_are():
    assert "def " not in source(steps("recurrent", 3, 16)).removeprefix("def ")


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize(("n", "dtype"), [(8, "f64"), (40, "f64"), (17, "f32")])
def test_results_stay(name, n, dtype):
    function = steps(name, 24, n, dtype)
    assert "def repeat" in source(function)
    assert_matches(function, *arguments(function), ulps=2000)


def test_repeated_loops_have_the_bits_of_written_out_ones(monkeypatch):
    function = steps("recurrent", 24, 19)
    called = run(function, *arguments(function))
    monkeypatch.setattr("tapejit.codegen.program.MANY_LOOPS", 10**9)
    assert "def repeat" not in source(function)
    for found, expected in zip(called, run(function, *arguments(function)), strict=True):
        assert found.tobytes() == expected.tobytes()


def test_no_function_is_inlined():
    program = compile_function(steps("recurrent", 24, 16))
    calls = re.findall(r"call .*@tapejit\.repeat", program.llvm())
    assert len(calls) > 20


def test_memory_does_not_hold_every_steps_part_of_a_gradient():
    """What all steps add to the gradient of `w` is added up step by step."""
    sizes = [int(re.search(r"borrow\((\d+)\)", source(steps("recurrent", n, 64)))[1]) for n in (20, 80)]
    assert sizes[1] - sizes[0] < 60 * 4096  # one of these parts is eight times as large


def waves(x, y):
    """Steps on arrays so large that their nests run in blocks; constants and places differ."""
    n = x.shape[0]
    for t in range(1, 13):
        left = ops.slice_(x, start=(0,), stop=(n - 1,), step=(1,))
        right = ops.slice_(x, start=(1,), stop=(n,), step=(1,))
        inner = ops.sin(left * (0.25 * t)) + right * ops.slice_(y, start=(t,), stop=(n - 1 + t,), step=(1,))
        x = ops.concat(inner, ops.slice_(x, start=(0,), stop=(1,), step=(1,)), axis=0)
    return total(x * x)


def test_blocks_that_repeat_are_one_function():
    function = joint(build("f", waves, ("x", (60_000,)), ("y", (60_020,))))
    text = source(function)
    launches = re.findall(r"parallel\(\w+, (\w+), ", text)
    assert len(launches) > 2 * len(set(launches))
    assert set(launches) == set(re.findall(r"def (nest\w*)\(", text))
    assert_matches(function, *arguments(function), ulps=2000)


class RandomSteps:
    """The same random statements over and over, of whole numbers: no order of summation can matter."""

    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.body = [self.statement() for _ in range(self.random.integers(2, 6))]

    def statement(self):
        kind = self.random.integers(8)
        k, c = (int(v) for v in self.random.integers(1, 4, 2))
        into = ("h", "g")[self.random.integers(2)]

        def run(state: dict, t: int) -> None:
            h, g, m, s, x = (state[name] for name in ("h", "g", "m", "s", "x"))
            n = h.shape[0]
            spread = ops.broadcast(s, shape=(n,), dims=())
            results = (
                lambda: product(m, h),
                lambda: ops.reverse(g, axes=(0,)) + row(x, t),
                lambda: ops.concat(
                    ops.slice_(h, start=(k,), stop=(n,), step=(1,)),
                    ops.slice_(g, start=(0,), stop=(k,), step=(1,)),
                    axis=0,
                ),
                lambda: ops.minimum(h, spread) - g,
                lambda: ops.select(ops.lt(h, g), h, spread),
                lambda: h * c + t,
                lambda: None,
                lambda: None,
            )
            value = results[kind]()
            if value is not None:
                state[into] = clamp(value)
            elif kind == 6:
                state["s"] = clamp(ops.reduce_sum(h, axes=(0,)))
            else:
                outer = ops.dot_general(h, g, contract=((), ()), batch=((), ()))
                state["m"] = clamp(m + outer)

        return run

    def function(self, count: int, n: int) -> Function:
        b = Builder("steps", [("x", TensorType("i64", (count, n))), ("m", TensorType("i64", (n, n)))])
        x, m = b.params
        state = {"x": x, "m": m, "h": row(x, 0), "g": row(x, 1), "s": ops.reduce_sum(row(x, 0), axes=(0,))}
        for t in range(count):
            for statement in self.body:
                statement(state, t)
        return b.finish([state[name] for name in ("h", "g", "m", "s")])


@pytest.mark.parametrize("seed", range(40))
def test_random_steps(seed):
    function = RandomSteps(seed).function(16, 6)
    args = [np.random.default_rng(seed).integers(-5, 6, v.type.shape) for v in function.params]
    for found, expected in zip(run_plainly(function, *args), interpret(function, *args), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_most_random_steps_have_functions():
    found = ["def repeat" in source(RandomSteps(seed).function(16, 6)) for seed in range(40)]
    assert sum(found) >= 15


ALIKE = [
    (["t1 = x[i + 8]"], ["t7 = y[i + 16]"]),
    (["t1 = t2 * f64(0.5)"], ["a = b * f64(-1e-05)"]),
    (["for i in range(8):", "    t1 = tanh(t2)"], ["for j in range(8):", "    t3 = tanh(t4)"]),
]
DIFFERENT = [
    (["t1 = t2 + t2"], ["t1 = t2 + t3"]),
    (["for i in range(8):"], ["for i in range(9):"]),
    (["t1 = x[i * 8 + j]"], ["t1 = x[i * 9 + j]"]),
    (["t1 = power(t2, 2)"], ["t1 = power(t2, 3)"]),
    (["t1 = tanh(t2)"], ["t1 = sin(t2)"]),
    (["t1 = f64(0)"], ["t1 = f64(0.5)"]),
    (["t1 = t2.real"], ["t1 = t2.imag"]),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_alike(one, other):
    assert skeleton_of(one).key == skeleton_of(other).key


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one, other):
    assert skeleton_of(one).key != skeleton_of(other).key


def test_a_skeleton_is_filled():
    skeleton = skeleton_of(["t1 = x[i + 8] * f64(0.5)"])
    assert skeleton.names == ("t1", "x", "i")
    assert skeleton.filled(["shift", "2.5"]) == "t1 = x[i + shift] * f64(2.5)"

"""Loops and their adjoints, compiled: small bodies of every kind, long runs, and Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from compiled import assert_close, compile_function, run

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.control import cond
from tapejit.ir.interpreter import interpret
from tapejit.ir.loop import while_
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.region import region_of
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.transforms.batch import batch
from tapejit.ir.transforms.tangent import tangent
from tapejit.ir.types import TensorType, type_of
from tapejit.ir.verifier import verify

SEED = np.random.default_rng(11)
VECTOR, OTHER = SEED.standard_normal(5), SEED.standard_normal(5)
MATRIX, LARGE = 0.5 * SEED.standard_normal((5, 5)), 0.2 * SEED.standard_normal((12, 12))


def total(x):
    return ops.reduce_sum(x, axes=tuple(range(len(x.shape))))


def spread(s, like):
    return ops.broadcast(s, shape=like.shape, dims=())


def times(w, x):
    return ops.dot_general(w, x, contract=((1,), (0,)), batch=((), ()))


def halved_or_not(x, n):
    sides = (region_of("half", [x], lambda x: [x * 0.5]), region_of("less", [x], lambda x: [x - 1.0]))
    return [*cond.several(ops.gt(total(x), total(x).like(0.0)), x, regions=sides), n + n.like(2)]


def inner_loop(x, w):
    """As many steps inside as the first element says."""
    n = x.builder.full(TensorType("i64"), 0)
    inside = (x, n, w)
    few = region_of(
        "few",
        inside,
        lambda x, n, w: [ops.logical_and(ops.lt(n, n.like(20)), ops.lt(total(x * x), total(x).like(6.0)))],
    )
    step = region_of("step", inside, lambda x, n, w: [x + 0.3 * ops.sin(x * w), n + n.like(1)])
    y, n = while_.several(*inside, carry=2, regions=(few, step))
    return [y * spread(1.0 / (1.0 + ops.cast(n, dtype="f64")), y)]


# name: (carried, constants, one step)
BODIES = {
    "scalar": ([np.array(0.3)], [np.array(1.2)], lambda x, w: [ops.sin(x) * w]),
    "scalars": ([np.array(0.3), np.array(0.9)], [], lambda x, y: [y, x * ops.cos(y)]),
    "vector": ([VECTOR], [OTHER], lambda x, w: [ops.sin(x) * w + x]),
    "exchange": ([VECTOR, OTHER], [], lambda x, y: [y, ops.sin(x) * y]),
    "three round": ([VECTOR, OTHER, VECTOR * OTHER], [], lambda x, y, z: [y, z, x * 0.9]),
    "unchanged": ([VECTOR, OTHER], [], lambda x, y: [x * y, y]),
    "small product": ([VECTOR], [MATRIX], lambda x, w: [ops.tanh(times(w, x))]),
    "product": ([LARGE], [LARGE], lambda x, w: [ops.tanh(times(w, x))]),
    "norm": ([VECTOR], [], lambda x: [x / spread(ops.sqrt(total(x * x) + 1.0), x)]),
    "accumulated": ([VECTOR, np.array(0.0)], [OTHER], lambda x, s, w: [x * w, s + total(x)]),
    "counted": (
        [VECTOR, np.array(3)],
        [],
        lambda x, n: [x * spread(ops.cast(n, dtype="f64"), x) * 0.1, n + n.like(1)],
    ),
    "flagged": (
        [VECTOR, np.array(True)],
        [OTHER],
        lambda x, ok, w: [ops.select(spread(ok, x), x * w, ops.sin(x)), ops.lt(total(x), total(x).like(0.5))],
    ),
    "flags": (
        [VECTOR, VECTOR > 0],
        [],
        lambda x, up: [ops.select(up, x * 1.1, x - 0.1), ops.gt(x, x.like(0.3))],
    ),
    "single": ([VECTOR.astype(np.float32)], [OTHER.astype(np.float32)], lambda x, w: [ops.sin(x) * w]),
    "narrow": ([np.array(3, np.int32), VECTOR], [], lambda k, x: [k * k.like(3) - k.like(7), x * 0.5]),
    "one element": (
        [VECTOR[:1]],
        [np.array([[0.7]])],
        lambda x, w: [ops.reshape(w, shape=(1,)) * ops.sin(x)],
    ),
    "no element": ([VECTOR[:0], np.array(1.0)], [], lambda x, s: [x * 2.0, s * 0.5 + total(x)]),
    "branch": ([VECTOR, np.array(1)], [], halved_or_not),
    "loop": ([VECTOR], [OTHER], inner_loop),
}


def loop(name):
    """At most so many steps of a body as the first parameter says, as long as no carried value is NaN."""
    carried, consts, step = BODIES[name]
    builder = Builder("loop", [("steps", TensorType("i64"))])
    state = [builder.param(type_of(x), f"x{k}") for k, x in enumerate(carried)]
    fixed = [builder.param(type_of(x), f"w{k}") for k, x in enumerate(consts)]
    operands = (*builder.params[:1], *state, *fixed)
    few = region_of("few", operands, lambda n, *xs: [goes_on(n, xs[: len(carried)])])
    body = region_of("body", operands, lambda n, *xs: [n - n.like(1), *step(*xs)])
    found = while_.several(*operands, carry=1 + len(state), regions=(few, body))
    return verify(builder.finish(found))


def goes_on(n, xs):
    going = ops.gt(n, n.like(0))
    for x in xs:
        if x.is_float:
            going = ops.logical_and(going, ops.eq(total(x), total(x)))
    return going


def arguments(function, name, steps):
    """The operands of the loop, and a direction for each further float."""
    given = [np.array(steps), *BODIES[name][0], *BODIES[name][1]]
    rng, further = np.random.default_rng(5), (v.type for v in function.params[len(given) :])
    more = [rng.standard_normal(t.shape).astype(t.numpy_dtype) for t in further]
    return [np.ascontiguousarray(x) if np.ndim(x) else x for x in (*given, *more)]


def assert_compiled_is_interpreted(function, *several, ulps=64):
    """For each list of arguments."""
    program = compile_function(function)
    for args in several:
        outs = [np.full(v.type.shape, 7, v.type.numpy_dtype) for v in function.results]
        program.checked(*args, *outs)
        for found, expected in zip(outs, interpret(function, *args), strict=True):
            assert_close(found, expected, ulps)


@pytest.mark.parametrize("name", BODIES)
def test_a_loop_and_its_derivatives(name):
    """In one program, the values, tangents and adjoints; for no, one and twenty steps."""
    f = loop(name)
    pushed, pulled = tangent(f), adjoint(f)
    together = Builder("together", [v.type for v in pushed.params])
    cts = [together.param(v.type) for v in pulled.params[len(f.params) :]]
    pushes = together.inline(pushed, together.params[: len(pushed.params)])
    pulls = together.inline(pulled, [*together.params[: len(f.params)], *cts])
    function = verify(canonicalise(together.finish([*pushes, *pulls])))
    assert_compiled_is_interpreted(function, *(arguments(function, name, steps) for steps in (0, 1, 20)))


@pytest.mark.parametrize("name", ["vector", "small product", pytest.param("loop", marks=pytest.mark.slow)])
def test_a_second_derivative(name):
    function = canonicalise(adjoint(adjoint(loop(name))))
    assert_compiled_is_interpreted(function, arguments(function, name, 3), ulps=256)


def test_a_stack_of_adjoints():
    """Lanes that end one after another."""
    function = canonicalise(batch(adjoint(loop("vector")), 4))
    args = [np.stack([x] * 4) for x in arguments(adjoint(loop("vector")), "vector", 3)]
    args[0][:] = 3, 0, 5, 1
    assert_compiled_is_interpreted(function, args)


def doubling(limit):
    """b doubles while its norm is small: the tutorial's loop, as value and gradient."""
    builder = Builder("doubling", [("a", TensorType("f64", (3,)))])
    (a,) = builder.params
    small = region_of("small", [a], lambda b: [ops.lt(ops.sqrt(total(b * b)), total(b).like(limit))])
    double = region_of("double", [a], lambda b: [b * 2.0])
    (b,) = while_.several(a * 2.0, carry=1, regions=(small, double))
    return canonicalise(adjoint(builder.finish([total(b)]), unit_seed=True))


@pytest.mark.parametrize("start", [[1.0, 2.0, 2.0], [np.nan, 1.0, 1.0], [1e4, 0.0, 0.0], [np.inf, 0.0, 0.0]])
def test_the_tutorial_s_loop(start):
    function = doubling(1000.0)
    a = np.array(start)
    for found, expected in zip(run(function, a), interpret(function, a), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_long_loop():
    """More steps than any first guess of memory."""
    builder = Builder("long", [("x", TensorType("f64", (3,))), ("n", TensorType("i64"))])
    x, n = builder.params
    few = region_of("few", [x, n], lambda x, n: [ops.gt(n, n.like(0))])
    step = region_of("step", [x, n], lambda x, n: [x - 1e-5 * ops.sin(x), n - n.like(1)])
    y, _ = while_.several(x, n, carry=2, regions=(few, step))
    function = canonicalise(adjoint(builder.finish([total(y)]), unit_seed=True))
    program, steps = compile_function(function), 200_000
    out, x_bar = np.zeros(()), np.zeros(3)
    program.checked(VECTOR[:3], np.array(steps), out, x_bar)
    h, few_steps = 1e-6, np.array(1000)
    ahead, behind = (interpret(function, VECTOR[:3] + s * h, few_steps)[0] for s in (1, -1))
    program.checked(VECTOR[:3], few_steps, out, x_bar)
    np.testing.assert_allclose(x_bar.sum(), (ahead - behind) / (2 * h), rtol=1e-7)


def test_a_scalar_loop_has_no_memory():
    assert "empty" not in compile_function(canonicalise(loop("scalar"))).source


def test_the_way_back_of_a_linear_loop_keeps_nothing():
    source = compile_function(doubling(1000.0)).source
    assert "steps" not in source


def test_memory_is_made_outside_of_loops():
    lines = compile_function(canonicalise(adjoint(loop("loop")))).source.splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("    while"))
    made = [line.split()[0] for line in lines[first:] if "empty(" in line and line.startswith("        ")]
    assert all("wider" in name for name in made)


ENDLESS = """
import signal, sys
sys.path.insert(0, {here!r})
from test_compiled_loops import *

def raise_timeout(number, frame):
    raise TimeoutError("enough")

signal.signal(signal.SIGALRM, raise_timeout)
function = {function}
program = compile_function(function)
args, outs = ([np.zeros(v.type.shape, v.type.numpy_dtype) for v in some] for some in (
    function.params, function.results))
print("ready", flush=True)
try:
    program.call(*args, *outs)
except BaseException as error:
    print(type(error).__name__, flush=True)
"""


def in_a_loop():
    """An endless loop of scalars in a loop."""
    builder = Builder("outer", [("x", TensorType("f64"))])
    always = region_of("always", builder.params, lambda x: [ops.eq(x, x)])
    step = region_of("step", builder.params, lambda x: [x + 1.0])
    outer = region_of("outer", builder.params, lambda x: while_.several(x, carry=1, regions=(always, step)))
    return builder.finish(while_.several(*builder.params, carry=1, regions=(always, outer)))


def large():
    """An endless loop of products that take long."""
    builder = Builder("large", [("x", TensorType("f64", (400, 400)))])
    always = region_of("always", builder.params, lambda x: [ops.reduce_all(ops.eq(x, x), axes=(0, 1))])
    step = region_of("step", builder.params, lambda x: [times(x, x)])
    return builder.finish(while_.several(*builder.params, carry=1, regions=(always, step)))


@pytest.mark.parametrize(
    ("function", "number", "raised"),
    [
        ("doubling(1000.0)", signal.SIGINT, "KeyboardInterrupt"),
        ("in_a_loop()", signal.SIGINT, "KeyboardInterrupt"),
        ("large()", signal.SIGINT, "KeyboardInterrupt"),
        ("doubling(1000.0)", signal.SIGALRM, "TimeoutError"),
    ],
)
def test_a_signal_ends_an_endless_loop(function, number, raised):
    """With what its handler raises."""
    code = ENDLESS.format(here=str(Path(__file__).parent), function=function)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.2)
            process.send_signal(number)
            assert process.communicate(timeout=30)[0] == f"{raised}\n"
        finally:
            process.kill()


@pytest.mark.parametrize("name", ["ticks", "check_signals", "step", "room", "empty", "gemm"])
def test_the_user_s_names_do_not_collide(name):
    builder = Builder("f", [(name, TensorType("f64", (12, 12)))])
    (x,) = builder.params
    small = region_of("small", [x], lambda x: [ops.lt(total(x * x), total(x).like(1e6))])
    step = region_of("product", [x], lambda x: [times(x, x)])
    function = builder.finish(while_.several(x, carry=1, regions=(small, step)))
    gradient = canonicalise(adjoint(function))
    args = [LARGE * 4.0, LARGE]
    for found, expected in zip(run(gradient, *args), interpret(gradient, *args), strict=True):
        assert_close(found, expected, ulps=4096)

"""Loops on array values: learnt as native loops where Python provably repeats, right in any case."""

import numpy as np
import pytest
from differences import central_difference

import tapejit as tj


def doubling(a):
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    return b.sum() if b.sum() > 0 else (100 * b).sum()


def do_while(x):
    while True:
        x = x * 0.7
        if (x * x).sum() < 0.01:
            return (x + 1.0).prod()


def newton(x):
    target, y = x[0] ** 2 + 1.0, x[0] * 0 + 3.0
    while np.abs(y * y - target) > 1e-9:
        y = 0.5 * (y + target / y)
    return y * x[1] + x[2]


def two_variables(x):
    a, b = x[0] * x[0] + 1.0, x[1] * x[1] + 9.0
    while b - a > 0.5:
        a, b = a + 0.3 * x[2] * x[2] + 0.1, b * 0.97
    return a * b


def compound_test(x):
    y = x * x
    while y.sum() < 50 and np.max(y) < 20:
        y = y * 1.5 + 1.0
    return (y * x).sum()


def nested(x):
    y = x * x
    while y.sum() < 30:
        z = y
        while z.max() < 3:
            z = z * 1.3 + 0.2
        y = y + z
    return (y * y).sum()


def counted(x):
    count = 0
    while (x * x).sum() > 0.1:
        x = x * 0.8
        count += 1
    return x.sum() * count


def with_previous(x):
    previous, current = x * 0 + 1.0, x * x + 1.0
    while np.abs(current - previous).max() > 1e-3:
        previous, current = current, 0.5 * current + 0.1
    return (previous * x).sum()


def growing_list(x):
    seen = []
    while (x * x).sum() > 0.2:
        x = x * 0.8
        seen.append(x)
    return sum((v * v).sum() for v in seen) if seen else x.sum()


def inside_for(x):
    y = x
    for _ in range(3):
        while y.sum() < 2:
            y = y * y + 0.5
        y = y * 0.3
    return (y * x).sum()


def repeated_for(x):
    y = x
    for _ in (None, None, None, None, None, None):
        if y.sum() < 1e6:
            y = y * 1.25
    return y.sum()


def invariant_array(x):
    weights = np.array([1.0, 2.0, 0.5])
    y = x
    while (y * y).sum() < 100:
        y = y + weights * (x * x + 0.5)
    return (y * weights).sum()


def mapped(x):
    y = x

    def step(_):
        nonlocal y
        if y.sum() < 1e9:
            y = y * 1.25

    list(map(step, [None] * 7))
    return (y * x).sum()


def key_function(x):
    y = x * x

    def key(_):
        nonlocal y
        if y.sum() < 1e9:
            y = y * 1.5
        return 0

    max([1, 1, 1, 1, 1, 1], key=key)
    return (y * x).sum()


def helper_function(x):
    def improve(y):
        return y * 1.5 if y.sum() < 30 else y

    y = x * x + 0.1
    while y.max() < 50:
        y = improve(y) + 0.25
    return (y * x).sum()


def renamed_map(x, each=map):
    y = x

    def step(_):
        nonlocal y
        if y.sum() < 1e9:
            y = y * 1.25

    list(each(step, [None] * 7))
    return (y * x).sum()


def counting_closure(x):
    n = 0

    def make():
        count = 0

        def more():
            nonlocal count
            count += 1
            return count < 7

        return more

    more, y = make(), x + n
    while more():
        if (y * y).sum() < 1e9:
            y = y * 1.25
    return (y * x).sum()


def counting_default(x):
    def more(seen=[]):  # noqa: B006
        seen.append(None)
        return len(seen) < 7

    y = x
    while more():
        if (y * y).sum() < 1e9:
            y = y * 1.25
    return (y * x).sum()


def counting_method(x):
    take, y = ([None] * 7).pop, x
    try:
        while True:
            take()
            if (y * y).sum() < 1e9:
                y = y * 1.25
    except Exception:
        return (y * x).sum()


def branch_inside(x):
    y = x * x + 0.5
    while y.sum() < 200:
        y = y * 1.3 if y[0] > y[1] else y + y[::-1] * 0.4
    return (y * x).sum()


def two_exits(x):
    y = x * x + 0.3
    while True:
        y = y * 1.2
        if y.sum() > 60:
            return (y * x).sum()
        y = y + 0.1 * x
        if y.max() > 30:
            return y.prod() * 0.01


def nested_branches(x):
    a, b = x[0] * x[0] + 1.0, x[1] * x[1] + 1.5
    while a * b < 500.0:
        if a > b:
            b = b * 1.5 if b < 4.0 else b + 3.0
        else:
            a, b = a + 1.0, b * 1.1
    return a * x[2] + b


def collisions(x):
    position, velocity = x[0] * 0.1, x[1] + 3.0
    energy = velocity * velocity
    while energy > 0.05:
        position, velocity = position + 0.3 * velocity, velocity * 0.97
        if position > 1.0:
            position, velocity = 2.0 - position, -0.8 * velocity
        elif position < -1.0:
            position, velocity = -2.0 - position, -0.8 * velocity
        energy = velocity * velocity
    return position * x[2] + velocity


def with_continue(x):
    y, z = x * x + 0.5, x * 0.1
    while y.sum() < 100:
        y = y * 1.3
        if y[0] > 2 * y[1]:
            continue
        z = z + 0.01 * y
    return (y * x).sum() + z.sum()


FUNCTIONS = [
    branch_inside,
    two_exits,
    nested_branches,
    collisions,
    with_continue,
    doubling,
    do_while,
    newton,
    two_variables,
    compound_test,
    nested,
    counted,
    with_previous,
    growing_list,
    inside_for,
    repeated_for,
    invariant_array,
    mapped,
    key_function,
    helper_function,
    renamed_map,
    counting_closure,
    counting_default,
    counting_method,
]
CLOSED = [doubling, do_while, newton, two_variables, compound_test, invariant_array]
OPEN = [
    counted,
    growing_list,
    repeated_for,
    mapped,
    key_function,
    renamed_map,
    counting_closure,
    counting_default,
    counting_method,
]


def scales(rng):
    """Inputs whose loops take few, many, and no rounds."""
    return [rng.standard_normal(3) * s for s in (1.0, 1e-3, 3.0, 0.1, 30.0, 1.0, 1e-2, 1.0, 0.3, 5.0)]


def check(function, decorated, x):
    value, gradient = decorated(x)
    np.testing.assert_allclose(value, function(x), rtol=1e-12)
    numerical = central_difference(function, x, 1e-6 * max(1e-3, np.abs(x).max()))
    size = max(1.0, np.abs(numerical).max())
    np.testing.assert_allclose(gradient, numerical, rtol=1e-4, atol=1e-4 * size)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_any_number_of_rounds_in_any_order(function):
    rng = np.random.default_rng(0)
    decorated = tj.value_and_grad(function)
    for x in scales(rng) * 2:
        check(function, decorated, x)


@pytest.mark.parametrize("function", [doubling, compound_test, two_variables], ids=lambda f: f.__name__)
def test_native_loops(function):
    rng = np.random.default_rng(1)
    decorated = tj.value_and_grad(function)
    for x in scales(rng):
        check(function, decorated, x)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("function", CLOSED, ids=lambda f: f.__name__)
def test_a_learnt_loop_takes_any_trip_count_without_a_trace(function):
    decorated = tj.value_and_grad(function)
    x = np.array([0.5, 0.9, 1.1])
    for scale in np.linspace(0.4, 1.5, 12):  # every way out of the loop, each often enough to be learnt
        for _ in range(2):
            decorated(x * scale)
    traces = decorated.memory.traces
    assert "while" in [i.primitive.name for i in decorated.memory.latest_path().body]
    for scale in np.linspace(0.41, 1.49, 12):
        check(function, decorated, x * scale)
    assert decorated.memory.traces == traces


TURNING = [branch_inside, nested_branches, collisions, with_continue]


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("function", TURNING, ids=lambda f: f.__name__)
def test_rounds_that_go_different_ways_are_one_loop(function):
    decorated = tj.value_and_grad(function)
    rng = np.random.default_rng(3)
    for x in rng.standard_normal((40, 3)):
        decorated(x)
    traces = decorated.memory.traces
    assert traces <= 16
    for x in rng.standard_normal((40, 3)):
        check(function, decorated, x)
    assert decorated.memory.traces <= traces + 1


@pytest.mark.parametrize("function", [branch_inside], ids=lambda f: f.__name__)
def test_rounds_that_go_different_ways_run_natively(function):
    decorated = tj.value_and_grad(function)
    for x in np.random.default_rng(3).standard_normal((5, 3)):
        check(function, decorated, x)
    assert "while" in [i.primitive.name for i in decorated.memory.latest_path().body]


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("function", OPEN, ids=lambda f: f.__name__)
def test_a_loop_that_python_counts_is_not_closed(function):
    decorated = tj.value_and_grad(function)
    decorated(np.full(3, 0.9))
    assert "while" not in [i.primitive.name for i in decorated.memory.latest_path().body]


def test_a_thousand_rounds_compile_nothing_new():
    decorated = tj.value_and_grad(doubling)
    a = np.array([1.0, 3.0, 0.5])
    decorated(a)
    decorated(a)
    before = tj.cache_info().compiled
    value, gradient = decorated(a * 1e-300)
    assert tj.cache_info().compiled == before
    np.testing.assert_allclose(gradient, np.full(3, value / (a * 1e-300).sum()), rtol=1e-12)


IN_A_NAMESPACE = """
y = x * 2.0
while y.sum() < 100.0:
    y = y * 2.0
"""


def _executed(x):
    names = {"x": x}
    exec(IN_A_NAMESPACE, names)
    return names["y"]


def _in_a_class(x):
    class Names:
        y = x * 2.0
        while y.sum() < 100.0:
            y = y * 2.0

    return Names.y


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("function", [_executed, _in_a_class], ids=["exec", "class"])
def test_a_loop_outside_of_functions_keeps_its_names(function):
    """What a frame of a module or a class calls its locals is the namespace itself."""
    decorated = tj.jit(function)
    for _ in range(2):
        np.testing.assert_array_equal(decorated(np.ones(3)), np.full(3, 64.0))

"""Side effects of a decorated function happen when it is traced; what it reads is guarded all the same."""

import dataclasses
import functools
import logging

import numpy as np
import pytest

import tapejit as tj

pytestmark = pytest.mark.usefixtures("interpreted")
CALLS = []
COUNTS = {"calls": 0}
TOTAL = 0
LOG = logging.getLogger("test_effects")
X = np.array([1.0, 2.0])


class Model:
    scale = 2.0

    def __init__(self):
        self.offset, self.calls, self.last = 1.0, 0, None

    @property
    def computed(self):
        return self.offset * 2

    def shifted(self, x):
        return x + self.offset

    def __call__(self, x):
        return x * self.scale + self.offset


def appended(x):
    CALLS.append(1)
    return x * 2.0


def printed(x):
    print("called with", x.shape)  # noqa: T201
    return x * 2.0


def counted_in_a_dict(x):
    COUNTS["calls"] += 1
    return x * 2.0


def counted_in_a_global(x):
    global TOTAL
    TOTAL += 1
    return x * 2.0


def logged(x):
    LOG.debug("called")
    return x * 2.0


@pytest.mark.parametrize(
    "function", [appended, printed, counted_in_a_dict, counted_in_a_global, logged], ids=lambda f: f.__name__
)
def test_effects_do_not_keep_the_python_running(function):
    decorated = tj.jit(function)
    for _ in range(3):
        np.testing.assert_array_equal(decorated(X), X * 2)
    assert decorated.memory.traces == 1
    assert decorated.memory.why_python is None


def test_how_often_effects_happen(capsys):
    CALLS.clear()
    appends, prints = tj.grad(lambda x: appended(x).sum()), tj.jit(printed)
    for _ in range(3):
        appends(X)
        prints(X)
    assert CALLS == [1]
    assert capsys.readouterr().out == "called with (2,)\n"


def test_a_counting_closure():
    runs = 0

    def f(x):
        nonlocal runs
        runs += 1
        return x.sum() if x[0] > 0 else x.prod()

    decorated = tj.value_and_grad(f)
    for x in (X, -X, X, -X, 2 * X):
        decorated(x)
    assert runs == 2


def test_a_counting_method():
    class Counting(Model):
        @tj.jit
        def apply(self, x):
            self.calls += 1
            self.last = x.shape
            return self.shifted(x) * self.scale

    model = Counting()
    for _ in range(3):
        np.testing.assert_array_equal(model.apply(X), (X + 1) * 2)
    assert (model.calls, model.last) == (1, (2,))
    model.offset = 5.0
    np.testing.assert_array_equal(model.apply(X), (X + 5) * 2)
    Counting.scale = 3.0
    np.testing.assert_array_equal(model.apply(X), (X + 5) * 3)
    model.scale = 4.0
    np.testing.assert_array_equal(model.apply(X), (X + 5) * 4)
    assert Counting.apply.memory.why_python is None


def test_two_objects_of_a_class():
    class Scaled(Model):
        @tj.grad
        def slope(self, x):
            return x * self.offset

    first, second = Scaled(), Scaled()
    second.offset = 7.0
    apply = tj.grad(Scaled.slope.__traced__, argnums=1)
    for _ in range(2):
        assert (apply(first, 1.0), apply(second, 1.0)) == (1.0, 7.0)
    assert apply.memory.traces == 2


def test_an_object_that_is_called_and_its_methods():
    model = Model()
    called, method = tj.jit(lambda x: model(x)), tj.jit(lambda x: model.shifted(x) * model.scale)
    partial = functools.partial(np.multiply, 3.0)
    for offset in (1.0, 4.0, 1.0):
        model.offset = offset
        for _ in range(2):
            np.testing.assert_array_equal(called(X), X * 2 + offset)
            np.testing.assert_array_equal(method(X), (X + offset) * 2)
    assert called.memory.why_python is method.memory.why_python is None
    np.testing.assert_array_equal(tj.jit(lambda x: partial(x))(X), 3 * X)


def test_a_replaced_method(monkeypatch):
    model = Model()
    f = tj.jit(lambda x: model.shifted(x))
    for _ in range(2):
        np.testing.assert_array_equal(f(X), X + 1)
    monkeypatch.setattr(Model, "shifted", lambda self, x: x * 10)
    np.testing.assert_array_equal(f(X), X * 10)


def test_a_property_runs_its_python():
    model = Model()
    f = tj.jit(lambda x: x * model.computed)
    for offset in (1.0, 3.0):
        model.offset = offset
        np.testing.assert_array_equal(f(X), X * 2 * offset)


def test_an_object_handed_to_a_helper():
    model = Model()

    def helper(m, x):
        return x * m.offset

    f = tj.jit(lambda x: helper(model, x))
    for offset in (1.0, 3.0, 2.0):
        model.offset = offset
        np.testing.assert_array_equal(f(X), X * offset)


def test_objects_in_a_list():
    models = [Model(), Model()]

    def f(x):
        for m in models:
            x = m(x)
        return x

    decorated = tj.jit(f)
    for offset in (1.0, 3.0, 2.0):
        models[1].offset = offset
        np.testing.assert_array_equal(decorated(X), f(X))


def test_containers_that_are_read():
    settings, weights, names = {"scale": 2.0, "order": (1, 2)}, [1.0, np.array([3.0, 4.0])], {"bias"}

    def f(x):
        for w in weights:
            x = x * w
        return x * settings["scale"] + len(settings) + ("bias" in names) + settings.get("more", 0.0)

    decorated = tj.jit(f)

    def check():
        before = decorated.memory.traces
        for _ in range(2):
            np.testing.assert_array_equal(decorated(X), f(X))
        assert decorated.memory.traces == before + 1

    check()
    settings["scale"] = 5.0
    check()
    settings["more"] = 1.0
    check()
    weights.append(2.0)
    check()
    weights[1][0] = -1.0
    check()
    names.clear()
    check()


@pytest.mark.parametrize("kind", ["list", "dict", "attribute", "nested", "alias"])
def test_what_is_read_and_written_runs_its_python(kind):
    seen, counts, model, nested = [], {"n": 0}, Model(), [[0.0]]

    def listed(x):
        seen.append(1)
        return x * len(seen)

    def counted(x):
        counts["n"] += 1
        return x * counts["n"]

    def attribute(x):
        model.calls += 1
        return x * model.calls

    def in_nested(x):
        for inner in nested:
            inner[0] += 1.0
        return x * nested[0][0]

    def alias(x):
        other = seen
        other.append(1)
        return x * len(other)

    functions = {"list": listed, "dict": counted, "attribute": attribute, "nested": in_nested, "alias": alias}
    decorated = tj.jit(functions[kind])
    for k in range(1, 5):
        np.testing.assert_array_equal(decorated(X), X * k)


def test_functions_as_arguments():
    factor = 2.0

    def scaled(x):
        return x * factor

    apply = tj.jit(lambda g, x: g(x))
    for _ in range(2):
        np.testing.assert_array_equal(apply(np.sin, X), np.sin(X))
        np.testing.assert_array_equal(apply(scaled, X), X * 2)
    assert apply.memory.traces == 2
    factor = 3.0
    np.testing.assert_array_equal(apply(scaled, X), X * 3)


def test_an_object_as_an_argument():
    @dataclasses.dataclass
    class Point:
        weight: float

    f = tj.jit(lambda p, x: x * p.weight)
    point = Point(2.0)
    for weight in (2.0, 3.0, 3.0):
        point.weight = weight
        np.testing.assert_array_equal(f(point, X), X * weight)
    assert f.memory.traces == 2
    np.testing.assert_array_equal(f(Point(5.0), X), X * 5)


def test_an_import_inside():
    def f(x):
        import math

        return x * math.pi

    decorated = tj.jit(f)
    for _ in range(2):
        np.testing.assert_array_equal(decorated(X), X * np.pi)
    assert decorated.memory.traces == 1

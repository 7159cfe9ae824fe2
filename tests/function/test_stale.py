"""Attacks on the cache of decorated functions: what a function reads besides its arguments changes."""

import enum
import functools
import math
import types
from collections import namedtuple

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import ConversionError

pytestmark = pytest.mark.usefixtures("interpreted")

RATE = 2.0
TABLE = np.array([1.0, 2.0, 3.0])
SETTINGS = {"scale": 2.0}
module = types.ModuleType("module")
module.factor = lambda x: x * 2.0


class Config:
    power = 2.0


CONFIG = Config()


def helper(x):
    return x * 2.0


def twice(f, x):
    """Trace, then replay; both agree."""
    first, second = f(x), f(x)
    np.testing.assert_array_equal(first, second)
    return second


def test_a_rebound_global(monkeypatch):
    f = tj.jit(lambda x: x * RATE)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
    monkeypatch.setitem(globals(), "RATE", 3.0)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [3, 3])


def test_an_array_mutated_in_place():
    f = tj.jit(lambda x: x * TABLE + TABLE.max())
    np.testing.assert_array_equal(twice(f, np.ones(3)), [4, 5, 6])
    TABLE[0] = 10.0
    try:
        np.testing.assert_array_equal(twice(f, np.ones(3)), [20, 12, 13])
    finally:
        TABLE[0] = 1.0


def test_a_large_array_mutated_in_place():
    table = np.zeros(10_000)
    f = tj.jit(lambda x: (x * table).sum())
    assert twice(f, np.ones(10_000)) == 0
    table[-1] = 5.0
    assert twice(f, np.ones(10_000)) == 5


def test_a_mutated_dict(monkeypatch):
    f = tj.jit(lambda x: x * SETTINGS["scale"])
    np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
    monkeypatch.setitem(SETTINGS, "scale", 5.0)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [5, 5])


def test_a_closure_cell():
    def make():
        scale = 2.0

        def set_scale(value):
            nonlocal scale
            scale = value

        return tj.jit(lambda x: x * scale), set_scale

    f, set_scale = make()
    np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
    set_scale(7.0)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [7, 7])


def test_a_replaced_callee(monkeypatch):
    f = tj.jit(lambda x: helper(x))
    np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
    monkeypatch.setitem(globals(), "helper", lambda x: x * 9.0)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [9, 9])


def test_a_replaced_module_attribute(monkeypatch):
    f = tj.jit(lambda x: module.factor(x))
    np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
    monkeypatch.setattr(module, "factor", lambda x: x * 4.0)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [4, 4])


def test_a_changed_global_of_a_callee(monkeypatch):
    def inner(x):
        return x * RATE

    f = tj.jit(lambda x: inner(x) + 1.0)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [3, 3])
    monkeypatch.setitem(globals(), "RATE", 5.0)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [6, 6])


def test_an_attribute_of_an_object(monkeypatch):
    f = tj.jit(lambda x: x * CONFIG.power)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
    monkeypatch.setattr(CONFIG, "power", 3.0)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [3, 3])


def test_an_attribute_of_self():
    class Model:
        def __init__(self):
            self.scale = 2.0

        @tj.jit
        def apply(self, x):
            return x * self.scale

    model = Model()
    np.testing.assert_array_equal(model.apply(np.ones(2)), [2, 2])
    np.testing.assert_array_equal(model.apply(np.ones(2)), [2, 2])
    model.scale = 6.0
    np.testing.assert_array_equal(model.apply(np.ones(2)), [6, 6])


def test_a_default_argument():
    def f(x, scale=2.0):
        return x * scale

    g = tj.jit(f)
    np.testing.assert_array_equal(twice(g, np.ones(2)), [2, 2])
    f.__defaults__ = (3.0,)
    np.testing.assert_array_equal(twice(g, np.ones(2)), [3, 3])


def test_true_is_not_one_and_one_is_not_one_point_zero():
    f = tj.jit(lambda x, n: (x * n, np.ones(2, int) * n))
    for n in (1, True, 1.0, 1, True, 1.0):
        _, found = f(np.ones(2), n)
        assert found.dtype == (np.ones(2, int) * n).dtype


def test_minus_zero_is_not_zero():
    f = tj.jit(lambda x, z: x / z)
    for z in (0.0, -0.0, 0.0, -0.0):
        np.testing.assert_array_equal(f(np.ones(2), z), np.full(2, np.copysign(np.inf, z)))


def test_an_array_for_a_scalar_and_a_view_for_a_copy():
    f = tj.grad(lambda x, y: (x * y).sum())
    x = np.arange(6.0)
    np.testing.assert_array_equal(f(x[::2], 2.0), np.full(3, 2.0))
    np.testing.assert_array_equal(f(x[::2], np.array(2.0)), np.full(3, 2.0))
    np.testing.assert_array_equal(f(x[:3], x[::2]), x[::2])
    np.testing.assert_array_equal(f(x[:3], x[::2].copy()), x[::2])
    np.testing.assert_array_equal(f(x[::-1], x), x)


def test_aliased_arguments():
    f = tj.grad(lambda x, y: (x * y * y).sum(), argnums=(0, 1))
    x = np.arange(1.0, 4.0)
    for _ in range(2):
        gx, gy = f(x, x)
        np.testing.assert_array_equal(gx, x * x)
        np.testing.assert_array_equal(gy, 2 * x * x)


def test_results_do_not_share_memory_between_calls():
    f = tj.value_and_grad(lambda x: (x * x).sum())
    x = np.ones(3)
    first = f(x)[1]
    second = f(x)[1]
    third = f(x)[1]
    first[:] = 7.0
    np.testing.assert_array_equal(second, [2, 2, 2])
    second[:] = 8.0
    np.testing.assert_array_equal(third, [2, 2, 2])


def test_a_result_that_is_an_argument_is_a_copy():
    f = tj.jit(lambda x: x)
    x = np.ones(3)
    for _ in range(2):
        y = f(x)
        y[0] = 5.0
        assert x[0] == 1.0


def test_random_numbers_are_drawn_anew():
    f = tj.jit(lambda x: x + np.random.normal())
    assert len({float(f(np.zeros(1))[0]) for _ in range(5)}) == 5
    assert f.memory.why_python


def test_keywords_are_checked_like_other_arguments():
    f = tj.jit(lambda x, scale=1.0, **more: x * scale + sum(more.values()))
    x = np.ones(2)
    for _ in range(2):
        np.testing.assert_array_equal(f(x), [1, 1])
        np.testing.assert_array_equal(f(x, scale=2.0), [2, 2])
        np.testing.assert_array_equal(f(x, scale=3.0), [3, 3])
        np.testing.assert_array_equal(f(x, 2.0, a=x), [3, 3])
        np.testing.assert_array_equal(f(x, 2.0, a=2 * x), [4, 4])
        np.testing.assert_array_equal(f(x, 2.0, b=x, a=2 * x), [5, 5])
    g = tj.jit(lambda x, d=None, **more: x * (1.0 if d is None else 2.0) + len(more))
    for _ in range(2):
        np.testing.assert_array_equal(g(x, {"a": x}), [2, 2])
        np.testing.assert_array_equal(g(x, a=x), [2, 2])
        np.testing.assert_array_equal(g(x), [1, 1])
    assert f.memory.why_python is None


@pytest.mark.usefixtures("interpreted")
def test_an_array_written_in_place_after_python_saw_it():
    @tj.jit
    def f(x):
        y = x * 2.0
        if y.sum() > 0:
            y += 1.0
        return y

    for scale in (1.0, 2.0, 3.0, -1.0, 4.0):
        x = np.array([scale, 2 * scale])
        np.testing.assert_array_equal(f(x), x * 2 + (scale > 0))


@pytest.mark.usefixtures("interpreted")
def test_a_test_inside_a_nested_derivative():
    slope = tj.grad(lambda x: (x**2).sum() if x.sum() > 0 else (x**3).sum())
    f = tj.jit(lambda x: slope(x))
    for scale in (1.0, 2.0, -1.0, 3.0):
        x = np.array([scale, 2 * scale])
        np.testing.assert_array_equal(f(x), 2 * x if scale > 0 else 3 * x**2)


def attributed(x):
    return x * attributed.scale


def test_an_attribute_of_a_function():
    attributed.scale = 2.0
    for f in (tj.jit(lambda x: x * attributed.scale), tj.jit(attributed)):
        attributed.scale = 2.0
        np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
        attributed.scale = 5.0
        np.testing.assert_array_equal(twice(f, np.ones(2)), [5, 5])


def test_a_keyword_default():
    def scaled(x, *, by=2.0):
        return x * by

    f = tj.jit(scaled)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
    scaled.__kwdefaults__["by"] = 5.0
    np.testing.assert_array_equal(twice(f, np.ones(2)), [5, 5])


def test_a_file(tmp_path):
    path = str(tmp_path / "factor.npy")
    np.save(path, 2.0)
    f = tj.jit(lambda x: x * np.load(path))
    np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
    np.save(path, 5.0)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [5, 5])


def test_a_builtin_that_a_global_hides(monkeypatch):
    f = tj.jit(lambda x: x * max(2.0, 1.0))
    np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
    monkeypatch.setitem(globals(), "max", lambda a, b: 5.0)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [5, 5])


def test_a_function_that_calls_itself_numpys(monkeypatch):
    @functools.wraps(np.mean)
    def mean(x):
        return x * RATE

    f = tj.jit(lambda x: mean(x))
    np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
    monkeypatch.setitem(globals(), "RATE", 5.0)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [5, 5])


def test_a_mutable_object_of_numpys():
    polynomial = np.polynomial.Polynomial([2.0])
    f = tj.jit(lambda x: x * polynomial(0.0))
    np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
    polynomial.coef[0] = 5.0
    np.testing.assert_array_equal(twice(f, np.ones(2)), [5, 5])


def test_a_captured_array_that_the_function_writes():
    state = np.zeros(1)

    def count(x):
        state[0] += 1
        return x * state[0]

    f = tj.jit(count)
    for k in range(1, 5):
        np.testing.assert_array_equal(f(np.ones(2)), [k, k])


def test_a_captured_variable_that_the_function_assigns():
    calls = 0

    def count(x):
        nonlocal calls
        calls += 1
        return x * calls

    f = tj.jit(count)
    for k in range(1, 5):
        np.testing.assert_array_equal(f(np.ones(2)), [k, k])


def test_a_result_that_left_through_python_is_no_silent_zero():
    with pytest.raises(ConversionError, match=r"left for Python at test_stale\.py:\d+"):
        tj.grad(lambda x: math.sin(x))(1.0)
    with pytest.raises(ConversionError, match="use NumPy's functions"):
        tj.grad(lambda x: np.sum(np.ones(2)) * float(x))(1.0)
    assert tj.grad(lambda x: 3.0)(1.0) == 0.0


def horner(p):
    total = 0.0
    for value in p.values():
        total = total * 2.0 + value
    return total


def horner_of_keywords(**p):
    return horner(p)


@pytest.mark.parametrize(
    ("plain", "call"),
    [(horner, lambda f, p: f(p)), (horner_of_keywords, lambda f, p: f(**p))],
    ids=["dict", "keywords"],
)
def test_the_order_of_a_dict(plain, call):
    f, derivative = tj.jit(plain), tj.grad(lambda p: np.sum(horner(p)))
    for keys in 4 * [["b", "a"]] + 4 * [["a", "b"]] + [["b", "a"]]:
        p = {key: np.array([float(ord(key))]) for key in keys}
        np.testing.assert_array_equal(call(f, p), horner(p))
        found = derivative(p)
        assert list(found) == keys
        assert [x.item() for x in found.values()] == [2.0, 1.0]


class Scale(float):
    """A number with an attribute and a method."""

    def __new__(cls, number, offset=0.0):
        made = super().__new__(cls, number)
        made.offset = offset
        return made

    def shifted(self, x):
        return x * self + RATE


class Settings(namedtuple("Settings", ["slope", "sizes"])):
    """A named tuple with a method and an attribute."""

    extra = 1.0

    def apply(self, x):
        return x * self.slope + RATE


class Half(float):
    """A number with an operator of its own."""

    def __add__(self, other):
        return RATE + other


class Order(enum.IntEnum):
    """A number with a method."""

    FIRST = 1

    def rate(self):
        return RATE * self


SCALE, OURS, HALF = Scale(2.0), Settings(2.0, {"n": 1.0}), Half(0.5)


@pytest.mark.parametrize(
    ("function", "change"),
    [
        (lambda x: x * SCALE.offset, lambda patch: patch.setattr(SCALE, "offset", 5.0)),
        (lambda x: SCALE.shifted(x), lambda patch: patch.setitem(globals(), "RATE", 5.0)),
        (lambda x: OURS.apply(x), lambda patch: patch.setitem(globals(), "RATE", 5.0)),
        (lambda x: x * OURS.extra, lambda patch: patch.setattr(Settings, "extra", 5.0)),
        (lambda x: x * OURS.sizes["n"], lambda patch: patch.setitem(OURS.sizes, "n", 5.0)),
        (lambda x: x * (HALF + 1.0), lambda patch: patch.setitem(globals(), "RATE", 5.0)),
        (lambda x: x * Order.FIRST.rate(), lambda patch: patch.setitem(globals(), "RATE", 5.0)),
        (lambda x, order=Order.FIRST: x * order.rate(), lambda patch: patch.setitem(globals(), "RATE", 5.0)),
    ],
    ids=["attribute", "method", "method of a tuple", "of its class", "field", "operator", "enum", "default"],
)
def test_what_users_derive_from_numbers_and_tuples(function, change, monkeypatch):
    f = tj.jit(function)
    before = twice(f, np.ones(2))
    np.testing.assert_array_equal(before, function(np.ones(2)))
    change(monkeypatch)
    np.testing.assert_array_equal(twice(f, np.ones(2)), function(np.ones(2)))
    assert not np.array_equal(before, function(np.ones(2)))


def test_fields_of_a_named_tuple_keep_no_python_running():
    f = tj.jit(lambda x: x * OURS.slope)
    twice(f, np.ones(2))
    assert f.memory.why_python is None


def test_an_enum_member_as_an_argument(monkeypatch):
    f = tj.jit(lambda x, order: x * order.rate())
    np.testing.assert_array_equal([f(np.ones(1), Order.FIRST) for _ in range(2)], [[2], [2]])
    monkeypatch.setitem(globals(), "RATE", 3.0)
    np.testing.assert_array_equal([f(np.ones(1), Order.FIRST) for _ in range(2)], [[3], [3]])


class Doubled:
    """An object that is called."""

    def __call__(self, x):
        return x * 2.0


class Inherited(Doubled):
    """One whose class says nothing new."""


@pytest.mark.parametrize("kind", [Doubled, Inherited])
def test_a_replaced_call(kind, monkeypatch):
    layer = kind()
    f = tj.jit(lambda x: layer(x))
    np.testing.assert_array_equal(twice(f, np.ones(2)), [2, 2])
    assert f.memory.why_python is None
    monkeypatch.setattr(kind, "__call__", lambda self, x: x * 3.0)
    np.testing.assert_array_equal(twice(f, np.ones(2)), [3, 3])


def test_arrays_that_say_more_than_their_contents():
    records, objects = np.zeros(1, [("p", "f8")]), np.empty(1, object)
    record, objects[0] = records[0], [1.0]
    masked, tagged = np.ma.array([1.0, 2.0]), np.ones(2).view(Tagged)
    tagged.tag = 1.0
    f = tj.jit(lambda x: x + record["p"] + objects[0][0] + masked.sum() + tagged.tag)
    given = tj.jit(lambda x, r: x + r["p"])
    assert [twice(f, np.zeros(1)), given(np.zeros(1), record), given(np.zeros(1), record)] == [5.0, 0.0, 0.0]
    record["p"] = objects[0][0] = masked[1] = tagged.tag = 10.0
    assert [twice(f, np.zeros(1)), given(np.zeros(1), record)] == [41.0, 10.0]


class Tagged(np.ndarray):
    """An array with an attribute."""


def test_zeros_of_numpys_types_by_their_signs():
    f = tj.jit(lambda x, zero: x / zero)
    for kind in (np.float32, np.float64):
        found = [f(np.ones(1), kind(zero))[0] for zero in (0.0, -0.0, 0.0, -0.0)]
        assert found == [np.inf, -np.inf, np.inf, -np.inf]


def test_an_object_that_has_no_hash():
    buffer = memoryview(np.ones(1))
    f = tj.jit(lambda x: x * buffer[0])
    assert twice(f, np.ones(1)) == 1.0
    buffer[0] = 2.0
    assert twice(f, np.ones(1)) == 2.0

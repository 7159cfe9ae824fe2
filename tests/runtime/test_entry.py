"""Entries: builtin functions that check arguments, allocate, run a program and pack its results."""

import ctypes
import gc
import sys
import threading
import weakref

import numpy as np
import pytest

from tapejit.engine import Engine
from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.types import TensorType
from tapejit.runtime.c_api import CApi
from tapejit.runtime.condition import Asked, Bound, Defined, Enclosed, Unbound
from tapejit.runtime.entry_plan import (
    Argument,
    Constant,
    EntryPlan,
    GivenArray,
    GivenConstant,
    GivenFloat,
    GivenTree,
    Packed,
    plan_of_all,
)
from tapejit.runtime.program import ENTRY_AFTER

F64, MISSED = TensorType("f64"), object()
ROW, TABLE = TensorType("f64", (4,)), TensorType("f32", (2, 3))


def executable(build, *types, by_value=frozenset()):
    """The compiled program of `build(*variables)`, which returns the results."""
    builder = Builder("f", types)
    made = Engine("compile").program(builder.finish(build(*builder.params)), by_value, frozenset())
    made.compile()
    return made


def sine():
    return executable(lambda x: [ops.sin(x), ops.reduce_sum(x, axes=(0,))], ROW)


def entry(program, given, sources=None, layout=(0, 1), conditions=(), guarded=False):
    given = list(given)
    sources = [Argument(k) for k in range(len(given))] if sources is None else sources
    return program.entry(EntryPlan(given, conditions, sources, guarded, collected(layout), MISSED))


def collected(layout):
    """Nested dicts, lists and tuples of numbers of results, as the runtime says it."""
    if isinstance(layout, int):
        return layout
    keys = tuple(layout) if isinstance(layout, dict) else tuple(range(len(layout)))
    return Packed(type(layout), keys, tuple(collected(layout[key]) for key in keys))


def test_this_process_has_the_expected_layout():
    assert CApi.found() is not None


def test_an_array_and_a_number_come_out():
    x = np.arange(4.0)
    sines, total = entry(sine(), [GivenArray(ROW)])(x)
    np.testing.assert_allclose(sines, np.sin(x), rtol=1e-15)
    assert type(sines) is np.ndarray
    assert sines.flags.owndata
    assert type(total) is np.float64
    assert total == 6.0


@pytest.mark.parametrize(
    "layout",
    [0, 1, (1,), (1, 0), ((0, 1), (1, 0)), (), [1, [0]], {"b": 0, "a": (1, 0)}, {}, []],
    ids=lambda layout: str(layout).replace(" ", ""),
)
def test_results_are_packed_as_asked(layout):
    x = np.arange(4.0)
    plain = entry(sine(), [GivenArray(ROW)])(x)
    expected = packed(layout, plain)
    found = entry(sine(), [GivenArray(ROW)], layout=layout)(x)
    assert repr(found) == repr(expected)


def packed(layout, values):
    if isinstance(layout, dict):
        return {key: packed(item, values) for key, item in layout.items()}
    return values[layout] if isinstance(layout, int) else type(layout)(packed(x, values) for x in layout)


class Sub(np.ndarray):
    """An array that is not exactly an array."""


@pytest.mark.parametrize(
    "args",
    [
        (),
        (np.arange(4.0), 1),
        (np.arange(5.0),),
        (np.arange(4.0).reshape(1, 4),),
        (np.arange(8.0)[::2],),
        (np.arange(4),),
        (np.arange(4, dtype="f4"),),
        (np.arange(4.0).astype(">f8"),),
        (np.arange(4.0).view(Sub),),
        (np.frombuffer(b"\0" * 33, "u1")[1:].view("f8"),),
        ([0.0, 1.0, 2.0, 3.0],),
        (None,),
        (1.0,),
    ],
    ids=repr,
)
def test_other_arguments_miss(args):
    assert entry(sine(), [GivenArray(ROW)])(*args) is MISSED


TREE = GivenTree(
    dict,
    ("w", 3),
    (GivenArray(ROW), GivenTree(list, (0, 1), (GivenFloat(), GivenConstant(None)))),
    ("w", 3),
)


def test_trees_are_taken_apart():
    program = executable(
        lambda x, y: [x * ops.broadcast(y, shape=(4,), dims=())], ROW, F64, by_value=frozenset([1])
    )
    run = entry(program, [GivenFloat(), TREE], [Argument(1), Argument(2)], layout=0)
    x = np.arange(4.0)
    np.testing.assert_array_equal(run(1.0, {"w": x, 3: [2.0, None]}), 2 * x)
    wrong = [
        {3: [2.0, None], "w": x},  # Python would see the order
        {"w": x, 3: [2.0, None], "v": x},
        {"w": x, 4: [2.0, None]},
        {"w": x, 3: (2.0, None)},
        {"w": x, 3: [2.0]},
        {"w": x, 3: [2.0, 0]},
        {"w": x, 3: [2, None]},
        {"w": x[1:], 3: [2.0, None]},
        {"w": x},
        dict.fromkeys(["w"], x) | {3: {0: 2.0, 1: None}},
        [x, [2.0, None]],
        type("Sub", (dict,), {})({"w": x, 3: [2.0, None]}),
        None,
    ]
    assert all(run(1.0, tree) is MISSED for tree in wrong)
    count = sys.getrefcount(x)
    for _ in range(100):
        run(1.0, {"w": x, 3: [2.0, None]})
    assert sys.getrefcount(x) == count


def test_a_dict_in_another_order_than_its_leaves():
    tree = GivenTree(dict, ("first", "second"), (GivenFloat(), GivenFloat()), ("second", "first"))
    program = executable(lambda x, y: [x - y], F64, F64, by_value=frozenset([0, 1]))
    run = entry(program, [tree], [Argument(0), Argument(1)], layout=0)
    equal = "".join(("fir", "st"))  # another object than the key
    assert run({"second": 1.0, "first": 3.0}) == run({"second": 1.0, equal: 3.0}) == 2.0
    assert run({"first": 3.0, "second": 1.0}) is MISSED
    assert run({Unequal(): 1.0, "first": 3.0}) is MISSED


class Unequal:
    """A key that cannot be compared."""

    def __eq__(self, other):
        raise ValueError(other)

    def __hash__(self):
        return 1


def test_a_read_only_array_fits():
    x = np.arange(4.0)
    x.flags.writeable = False
    assert entry(sine(), [GivenArray(ROW)])(x)[1] == 6.0


def test_numbers_by_value_and_as_arrays():
    program = executable(lambda x, y: [x - y], F64, F64, by_value=frozenset([1]))
    run = entry(program, [GivenFloat(), GivenFloat()], layout=0)
    assert run(3.0, 1.0) == 2.0
    assert run(np.float64(3.0), 5.0) == -2.0
    assert run(3, 1.0) is MISSED
    assert run(3.0, True) is MISSED
    assert run(np.float32(3.0), 1.0) is MISSED


def test_a_float_for_a_parameter_of_f32():
    number = TensorType("f32")
    program = executable(lambda x: [x + x], number, by_value=frozenset([0]))
    found = entry(program, [GivenFloat()], layout=0)(0.1)
    assert type(found) is np.float32
    assert found == np.float32(0.1) * 2


def test_constants_of_the_trace():
    weights = np.arange(6, dtype="f4").reshape(3, 2).T
    program = executable(
        lambda x, w, s: [x * w * ops.broadcast(s, shape=(2, 3), dims=())], TABLE, TABLE, TensorType("f32")
    )
    run = entry(program, [GivenArray(TABLE)], [Argument(0), Constant(weights), Constant(2.0)], layout=0)
    x = np.ones((2, 3), "f4")
    np.testing.assert_array_equal(run(x), weights * 2)


def test_an_argument_that_must_be_this_object():
    key = "a name"
    run = entry(sine(), [GivenConstant(key), GivenArray(ROW)], [Argument(1)], layout=1)
    assert run(key, np.arange(4.0)) == 6.0
    assert run("another", np.arange(4.0)) is MISSED


def test_a_guard_that_fails_misses():
    program = executable(
        lambda x: [ops.gt(x, x.like(0.0)), ops.sqrt(x), ops.broadcast(x, shape=(4,), dims=())],
        F64,
        by_value=frozenset([0]),
    )
    run = entry(program, [GivenFloat()], guarded=True)
    root, row = run(4.0)
    assert root == 2.0
    assert row.tolist() == [4.0] * 4
    assert run(-4.0) is MISSED


def enclosing(value):
    def function(default=(1,)):
        return value, default

    return function


def test_conditions_are_asked_at_every_call():
    function, space, answer = enclosing(1), {"rate": None}, [True]
    (cell,) = function.__closure__
    conditions = [
        Bound(space, "rate", None),
        Unbound(space, "float"),
        Enclosed(cell, cell.cell_contents),
        Defined(function, function.__code__, function.__defaults__),
        Asked(lambda: answer[0]),
    ]
    run = entry(sine(), [GivenArray(ROW)], layout=1, conditions=conditions)
    x = np.arange(4.0)

    def agree(expected):
        assert all(c.holds() for c in conditions) is expected
        assert run(x) == 6.0 if expected else run(x) is MISSED

    agree(True)
    space["rate"] = 0.1
    agree(False)
    del space["rate"]
    agree(False)
    space["rate"] = None
    agree(True)
    space["float"] = int
    agree(False)
    del space["float"]
    cell.cell_contents = 2
    agree(False)
    del cell.cell_contents
    agree(False)
    cell.cell_contents = 1
    function.__defaults__ = None
    agree(False)
    function.__defaults__ = conditions[3].defaults
    function.__code__ = enclosing(3).__code__.replace(co_name="other")
    agree(False)
    function.__code__ = conditions[3].code
    agree(True)
    answer[0] = False
    agree(False)


def test_a_question_that_raises_is_a_no():
    run = entry(sine(), [GivenArray(ROW)], conditions=[Asked(lambda: 1 / 0)])
    assert run(np.arange(4.0)) is MISSED


def test_references_are_given_back():
    program, x = sine(), np.arange(4.0)
    run = entry(program, [GivenArray(ROW)], layout=(0, 0))
    before = sys.getrefcount(x), sys.getrefcount(MISSED), sys.getrefcount(x.dtype)
    for _ in range(1000):
        first, second = run(x)
        assert first is second
        run(None)
    freed = weakref.ref(first)
    assert sys.getrefcount(first) == 3
    del first, second
    assert freed() is None
    after = sys.getrefcount(x), sys.getrefcount(MISSED), sys.getrefcount(x.dtype)
    assert max(abs(a - b) for a, b in zip(after, before, strict=True)) < 5


def test_an_entry_keeps_alive_what_it_uses_and_no_longer():
    class Space(dict):
        pass

    space = Space(rate=1.0)
    freed = weakref.ref(space)
    run = entry(sine(), [GivenArray(ROW)], layout=1, conditions=[Bound(space, "rate", space["rate"])])
    del space
    gc.collect()
    assert run(np.arange(4.0)) == 6.0
    del run
    gc.collect()
    assert freed() is None


def test_runs_are_counted():
    program = sine()
    run = entry(program, [GivenArray(ROW)])
    run(np.arange(4.0)), run(None), run(np.arange(4.0))
    assert program.entry_runs == 2


def test_large_programs_have_no_entry():
    """They make arrays whose memory is kept, or take so long that nothing else matters."""
    wide, endless = TensorType("f64", (1 << 17,)), TensorType("bool", (1 << 23,))
    assert entry(executable(lambda x: [x + x], wide), [GivenArray(wide)], layout=0) is None
    assert entry(executable(first, wide), [GivenArray(wide)], layout=0) is not None
    assert entry(executable(first, endless), [GivenArray(endless)], layout=0) is None


def first(x):
    return [ops.slice_(x, start=(0,), stop=(1,), step=(1,))]


def test_threads_may_call_one_entry():
    wide = TensorType("f64", (3000,))  # large enough to release the GIL
    run = entry(executable(lambda x: [ops.sin(x)], wide), [GivenArray(wide)], layout=0)
    inputs = [np.full(3000, float(k)) for k in range(4)]
    wrong = []

    def work(x):
        right = [np.allclose(run(x), np.sin(x), rtol=1e-14) for _ in range(300)]
        wrong.extend([x[0]] * right.count(False))

    threads = [threading.Thread(target=work, args=(x,)) for x in inputs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_tally_is_a_word_of_memory():
    assert ctypes.sizeof(Engine("compile")._cache.tally()) == 8


# -- Entries that take what a program takes ------------------------------------------------------------------


def scaled(dtype="f64"):
    """`(x * c, sum(x * c))` of a row and a number that is passed by value."""
    number = TensorType(dtype)

    def build(x, c):
        y = ops.mul(x, ops.broadcast(c, shape=x.shape, dims=()))
        return [y, ops.reduce_sum(y, axes=(0,))]

    return executable(build, ROW.with_dtype(dtype), number, by_value=frozenset([1]))


def entry_of_all(program):
    return program.entry(plan_of_all(program.signature, MISSED))


@pytest.mark.parametrize("number", [3.0, 3, -3])
def test_all_results_are_new_arrays(number):
    x = np.arange(4.0)
    found = entry_of_all(scaled())(x, number)
    assert type(found) is list
    for result, expected in zip(found, (x * number, np.sum(x * number)), strict=True):
        assert type(result) is np.ndarray
        assert result.flags.owndata
        assert result.shape == np.shape(expected)
        np.testing.assert_array_equal(result, expected)


def test_an_integer_program_takes_integers_only():
    call, x = entry_of_all(scaled("i64")), np.arange(4)
    np.testing.assert_array_equal(call(x, 5)[0], x * 5)
    np.testing.assert_array_equal(call(x, -(2**63))[0], x * -(2**63))
    assert call(x, 5.0) is MISSED
    assert call(x, 2**63) is MISSED


@pytest.mark.parametrize("number", [True, np.float64(2.0), 2j, None, "2", 10**400])
def test_what_is_no_python_number_or_too_large_is_missed(number):
    assert entry_of_all(scaled())(np.arange(4.0), number) is MISSED


def test_complex_numbers_have_no_such_entry():
    assert plan_of_all(scaled("c128").signature, MISSED) is None


def test_a_program_that_computes_often_is_given_an_entry():
    program, x = scaled(), np.arange(4.0)
    for _ in range(2 * ENTRY_AFTER):
        product, total = program.compute([x, 2.0])
        np.testing.assert_array_equal(product, 2 * x)
        assert total == 12.0
    assert program.entry_runs == ENTRY_AFTER
    strided = np.arange(8.0)[::2]  # nothing an entry takes
    np.testing.assert_array_equal(
        program.compute([np.ascontiguousarray(strided), np.float64(2)])[0], 2 * strided
    )
    assert program.entry_runs == ENTRY_AFTER

"""Arrays of a decorated function that are stored outside: an error when they are used, and one warning."""

import gc
import threading
import warnings

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import EscapedArrayError, EscapedArrayWarning

pytestmark = pytest.mark.usefixtures("interpreted")
X = np.array([1.0, 2.0])
SEEN = []
LAST = None


class Holder:
    value = None


def bind_global(x):
    global LAST
    LAST = x * 2.0
    return x.sum()


def appends(x):
    y = x * 2.0
    SEEN.append(y)
    if y.sum() > 0:
        y = y + 1.0
    return y.sum()


LINE = appends.__code__.co_firstlineno + 1


@pytest.fixture(params=[tj.jit, tj.grad, tj.value_and_grad], ids=["jit", "grad", "value_and_grad"])
def escaped(request):
    SEEN.clear()
    decorated = request.param(appends)
    with pytest.warns(EscapedArrayWarning, match=rf"stored an array made at test_escaped\.py:{LINE}"):
        decorated(X)
    return SEEN[0]


@pytest.mark.parametrize(
    "use",
    [
        lambda y: y + 1.0,
        lambda y: np.sin(y),
        lambda y: float(y[0]),
        lambda y: y.asnumpy(),
        repr,
        lambda y: bool(y.sum() > 0),
        lambda y: tj.jit(lambda x: x * y)(X),
        lambda y: tj.grad(lambda x: (x * y).sum())(X),
        lambda y: y.sum().backward(),
    ],
)
def test_using_it_is_an_error_that_names_the_line(escaped, use):
    with pytest.raises(
        EscapedArrayError, match=rf"made at test_escaped\.py:{LINE}, inside appends .*return it"
    ):
        use(escaped)


def test_it_is_an_error_inside_a_record(escaped):
    x = tj.array(X)
    x.attach_grad()
    with tj.record(), pytest.raises(EscapedArrayError):
        x * escaped


def test_the_warning_comes_once():
    decorated = tj.jit(appends)
    with pytest.warns(EscapedArrayWarning):
        decorated(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decorated(-X)
        decorated(np.ones(5))


def test_a_global_an_attribute_and_an_argument():
    holder = Holder()

    def attribute(x):
        holder.value = x + 1.0
        return x.sum()

    def argument(x):
        SEEN.append(x)
        return x.sum()

    for function, get, made in (
        (bind_global, lambda: LAST, r"test_escaped\.py:\d+"),
        (attribute, lambda: holder.value, r"test_escaped\.py:\d+"),
        (argument, lambda: SEEN[-1], "the argument x"),
    ):
        with pytest.warns(EscapedArrayWarning):
            assert tj.jit(function)(X) == 3.0
        with pytest.raises(EscapedArrayError, match=made):
            get() * 2.0


def test_what_does_not_escape():
    def closures(x):
        def recursive(v, depth):
            return v if depth == 0 else recursive(v * 0.5, depth - 1)

        held = [x * k for k in range(3)]
        if recursive(x, 2).sum() > 0:
            held = held[1:]
        return sum(h.sum() for h in held), {"held": held[0]}

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (value, aux), gradient = tj.value_and_grad(closures, has_aux=True)(X)
        result = tj.jit(lambda x: x)(tj.array(X)) + 1.0
    np.testing.assert_array_equal(aux["held"], X)
    np.testing.assert_array_equal(result, X + 1)
    assert (value, gradient.tolist()) == (9.0, [3.0, 3.0])


def test_a_stale_array_read_by_the_next_trace():
    holder = Holder()

    @tj.jit
    def f(x):
        before = holder.value
        holder.value = x * 2.0
        return x if before is None else x + before

    with pytest.warns(EscapedArrayWarning):
        f(X)
    with pytest.raises(EscapedArrayError):
        f(X)


def test_arrays_of_a_record_stay_usable():
    kept = []
    x = tj.array(X)
    x.attach_grad()
    with tj.record():
        kept.append(x * 2.0)
        y = kept[0].sum()
    y.backward()
    np.testing.assert_array_equal(kept[0], X * 2)


def test_garbage_is_no_escape_while_another_thread_collects_garbage():
    """`gc.collect()` does nothing then, so that what only garbage holds seems to be held."""
    caught = []

    @tj.jit
    def leaves_garbage(x):
        y = x * 2.0
        circle = [y]
        circle.append(circle)
        return y + 1.0

    def call():
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            leaves_garbage(np.ones(3))
        caught.extend(found)

    class Finalised:
        def __init__(self):
            self.circle = self

        def __del__(self):  # runs in the middle of a collection
            thread = threading.Thread(target=call)
            thread.start()
            thread.join()

    gc.collect()
    Finalised()
    gc.collect()
    assert leaves_garbage.memory.traces == 1
    assert caught == []

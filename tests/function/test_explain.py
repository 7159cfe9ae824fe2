"""`explain()` and TAPEJIT_LOG=trace: for each run of the Python, the reason in one line."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import RetraceWarning

pytestmark = pytest.mark.usefixtures("interpreted")

RATE = 2.0


def branchy(x):
    if x.sum() > 0:
        return (x * x).sum()
    return x.sum() * RATE


def test_each_trace_has_its_reason(monkeypatch):
    f = tj.grad(branchy)
    f(np.ones(3))
    f(np.ones(3))
    f(-np.ones(3))
    f(np.ones((2, 2)))
    text = f.explain()
    line = branchy.__code__.co_firstlineno + 1
    assert "traced 3 times" in text
    assert "trace 1: first call" in text
    assert f"trace 2: `if` at test_explain.py:{line} was True, now False" in text
    assert "trace 3: argument x: f64[3] → f64[2,2]" in text
    assert f"taken 1 times; `if` at test_explain.py:{line}: True" in text
    monkeypatch.setitem(globals(), "RATE", 3.0)
    f(np.ones(3))
    assert "trace 4: global `RATE` rebound" in f.explain()


def test_why_the_python_always_runs():
    config = {"scale": 2.0}

    @tj.jit
    def f(x):
        alias = config
        return x * alias["scale"]

    f(np.ones(2))
    assert "the Python runs at such calls: config is a dict from outside" in f.explain()


def test_the_log(monkeypatch, capsys):
    monkeypatch.setenv("TAPEJIT_LOG", "trace")
    f = tj.jit(branchy)
    f(np.ones(3))
    f(np.ones(4))
    err = capsys.readouterr().err.splitlines()
    assert err[0].endswith("trace 1: first call")
    assert err[1].endswith("trace 2: argument x: f64[3] → f64[4]")


def test_too_many_paths_warn_once_and_stay_right():
    def f(x):
        total = x.sum()
        for i in range(5):
            if x[i] > 0:
                total = total * 1.5
        return total

    decorated = tj.value_and_grad(f)
    decorated.memory.max_paths = 3
    rng = np.random.default_rng(0)

    def call_on_many_paths():
        for _ in range(60):
            x = rng.standard_normal(5)
            value, gradient = decorated(x)
            scale = 1.5 ** (x > 0).sum()
            np.testing.assert_allclose(value, x.sum() * scale)
            np.testing.assert_allclose(gradient, np.full(5, scale))

    with pytest.warns(RetraceWarning, match=r"more than 3 different paths .*test_explain\.py:\d+") as caught:
        call_on_many_paths()
    assert len(caught) == 1
    assert decorated.memory.paths <= 3

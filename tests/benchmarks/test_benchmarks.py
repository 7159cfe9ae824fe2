"""The benchmarks run, and what they time is right; no figure is looked at."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(script: str, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "TAPEJIT_TIER": "auto"}
    command = [sys.executable, BENCHMARKS / script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory):
    """The smallest size of everything, once."""
    folder = tmp_path_factory.mktemp("bench")
    done = run("run.py", "--quick", "--no-peers", "--seconds", "0.005", "--out", str(folder))
    return done, folder


def test_kernels_and_tapejit_agree_on_every_workload(quick_run):
    done, folder = quick_run
    assert done.returncode == 0, done.stdout + done.stderr
    cases = json.loads((folder / "benchmarks.json").read_text())["cases"]
    assert len(cases) == 10
    for case in cases:
        assert case["failures"] == {}
        assert set(case["medians"]) == {"limit", "tapejit"}


def test_table_and_picture(quick_run):
    done, folder = quick_run
    assert "Value and gradient, median time per call" in done.stdout
    assert "short chain" in done.stdout
    assert (folder / "benchmarks.png").read_bytes().startswith(b"\x89PNG")


def test_a_wrong_gradient_is_not_timed(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from race.heat import heat
    from workloads.workload import Case, Workload

    class Quarrel:
        def __init__(self, name, gradient):
            self.name, self.gradient = name, gradient

        def expresses(self, case):
            return True

        def build(self, case):
            return lambda: (1.0, (self.gradient * case.inputs[0],))

    workload = Workload("w", lambda x: x, lambda x: x, lambda rng, n: (rng.random(n),), ((3,),))
    contestants = [
        Quarrel("limit", 2.0),
        Quarrel("right", 2.0),
        Quarrel("wrong", 2.0 + 1e-8),
        Quarrel("nan", np.nan),
    ]
    record = heat(Case(workload, (3,)), contestants, 0.001)
    assert list(record.entries) == ["limit", "right"]
    assert "gradient 0 differs from the reference's" in record.failures["wrong"]
    assert "nan" in record.failures


def test_a_contestant_of_another_environment_is_timed_there(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from contestants.elsewhere import Elsewhere
    from contestants.tapejit import Tapejit
    from race.clock import page_faults, timed
    from workloads.rosenbrock import ROSENBROCK

    monkeypatch.setenv("OTHER_PYTHON", sys.executable)
    contestant = Elsewhere(Tapejit, "OTHER_PYTHON")(1)
    case = next(ROSENBROCK.cases())
    call = contestant.build(case)
    value, (gradient,) = call()
    expected, (expected_gradient,) = ROSENBROCK.limit(*case.inputs)
    np.testing.assert_allclose(value, expected)
    np.testing.assert_allclose(gradient, expected_gradient)
    assert 0 < timed(call, 10) < 1
    assert page_faults(call) < 100
    assert set(contestant.versions) == {"tapejit", "numba"}
    with pytest.raises(RuntimeError, match="KeyError: 'nothing'"):
        contestant.ask("expresses", "nothing", (1,))
    contestant.close()


def test_an_environment_without_the_library_is_absent(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from contestants import entered
    from contestants.elsewhere import Elsewhere
    from contestants.pytensor import PyTensor

    for python in ("/no/such/python", sys.executable):  # the second has no PyTensor
        monkeypatch.setenv("OTHER_PYTHON", python)
        present, absent = entered([Elsewhere(PyTensor, "OTHER_PYTHON")], 1)
        assert present == []
        assert list(absent) == ["PyTensor"]


def test_no_such_workload_says_what_there_is():
    done = run("run.py", "--only", "nothing like it", "--no-peers")
    assert done.returncode == 2
    assert "Gaussian mixture" in done.stderr


@pytest.mark.slow
def test_overheads():
    done = run("overhead.py", "--no-peers", "--seconds", "0.005")
    assert done.returncode == 0, done.stderr
    assert "Numba is not imported" in done.stdout


@pytest.mark.slow
def test_control_flow():
    done = run("control_flow.py", "--no-peers", "--seconds", "0.005")
    assert done.returncode == 0, done.stderr
    assert "3 elements, 1005 rounds" in done.stdout
    assert "wrong" not in done.stdout


@pytest.mark.slow
def test_scaling():
    done = run("scaling.py", "--only", "rosenbrock", "--seconds", "0.005")
    assert done.returncode == 0, done.stderr
    assert "Rosenbrock, 1,000,000" in done.stdout
    assert "copy, 80 MB" in done.stdout


@pytest.mark.slow
def test_updates():
    done = run("updates.py", "--quick", "--no-peers", "--seconds", "0.005")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Adam, 1,000 parameters" in done.stdout
    assert "tapejit, donated" in done.stdout
    assert "wrong" not in done.stdout


@pytest.mark.slow
def test_programs(tmp_path):
    done = run("programs.py", "--quick", "--no-peers", "--seconds", "0.005", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    cases = json.loads((tmp_path / "programs.json").read_text())["cases"]
    assert len(cases) == 10
    assert all(set(case["medians"]) == {"tapejit"} for case in cases)


def test_names_in_comprehensions_are_replaced(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from workloads.namespace import written_for

    scope = {"two": 2}
    exec("def inner(x): return two * x\ndef outer(n): return sum(inner(i) for i in range(n))", scope)
    assert written_for(scope["outer"], {"two": 3})(3) == 9


@pytest.mark.slow
def test_peak_memory_of_a_step():
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the system does not tell the peak of a process")
    done = run("memory.py", "--no-peers", "--only", "rosenbrock")
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = (line for line in done.stdout.splitlines() if "Rosenbrock" in line)
    limit, ours = map(float, row.split("│")[3:5])
    assert 7.0 < limit < 10.0  # the gradient: 8 MB
    assert 7.0 < ours < 2 * limit + 1.1


def test_memory_beyond_the_promise_is_a_failure(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from memory import NOISE, allowed

    assert allowed({"limit": 10**8, "PyTorch": 10**8}) == 2 * 10**8 + NOISE
    assert allowed({"limit": 10**8, "PyTorch": 2 * 10**8}) == pytest.approx(2.4 * 10**8 + NOISE)
    assert allowed({"limit": None, "tapejit": 10**8}) is None


def test_elementary_functions_of_all_libraries_agree(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import numpy as np
    from elementary.library import NAMES, numpy, operands, tapejit

    for name in NAMES:
        arrays = operands(name, "f8", 5)
        np.testing.assert_allclose(tapejit(name, *arrays)(), numpy(name, *arrays)(), rtol=1e-12)


def test_vector_math_prints_a_row():
    done = run("vector_math.py", "--only", "exp", "--seconds", "0.01", "--no-peers")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"exp +│ +-?\d+\.\d\d │", done.stdout)


def test_instructions_are_counted_step_by_step(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from counting.stepping import Stepping

    count = Stepping().count
    try:
        few, many = count(lambda: sum(range(50))), count(lambda: sum(range(150)))
    except PermissionError:
        pytest.skip("the system allows no ptrace")
    assert 5 * 100 < many - few < 200 * 100
    assert count(lambda: sum(range(50))) == pytest.approx(few, rel=0.01)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
def test_instructions_are_counted_by_callgrind():
    done = run("vector_math.py", "--only", "exp", "--instructions")
    assert done.returncode == 0, done.stdout + done.stderr
    tapejit, scipy, libm = (float(x) for x in re.findall(r"\d+\.\d\d", done.stdout)[:3])
    assert 1 < tapejit < min(scipy, libm)
    assert libm < 200


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
def test_instructions_of_a_call():
    done = run("call_path.py")
    assert done.returncode == 0, done.stdout + done.stderr
    counts = dict(re.findall(r"│ (.*?) +│ +([\d,]+) │", done.stdout))
    assert int(counts["Rosenbrock of 2, tapejit"].replace(",", "")) > 100

"""Programs that another process compiled."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
import numpy as np
import tapejit as tj

def softmax(x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    return np.sum(p * p * np.log(p))

def product(x):
    return np.sum(np.tanh(x @ x.T) ** 2)

def halving(x):
    while np.sum(x * x) > 0.01:
        x = x * 0.5
    return np.sum(x)

def inverse(x):
    return np.sum(np.linalg.inv(x.T @ x + np.eye(x.shape[1])))

def turned(x):
    for _ in range(40):
        x = np.sin(x) * 1.1 + np.cos(x * 1e20)
    return np.sum(x)

def rotated(x):
    return np.sum(np.abs(x * np.exp(1j * x)) ** 2)

def gradients(names, sizes):
    for name in names:
        function = tj.value_and_grad(globals()[name])
        for size in sizes:
            value, gradient = function(np.sin(np.arange(5.0 * size)).reshape(size, 5))
            yield [float(value), *gradient.ravel().tolist()]

names, sizes = json.loads(sys.argv[1]), json.loads(sys.argv[2])
found = list(gradients(names, sizes))
print(json.dumps([found, tj.cache_info().compiled, "numba" in sys.modules]))
"""
NAMES = ["softmax", "product", "halving"]


@pytest.fixture
def run(tmp_path):
    """Run the script in a process of its own; its results, and how many programs it compiled."""

    def start(names, sizes=(7,), **settings):
        environment = {
            **os.environ,
            "TAPEJIT_DISK_CACHE": "1",
            "TAPEJIT_CACHE_DIR": str(tmp_path),
            **settings,
        }
        command = [sys.executable, "-c", SCRIPT, json.dumps(names), json.dumps(sizes)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    return start


def finished(process):
    return printed(process)[:2]


def printed(process):
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return json.loads(out)


def test_a_second_process_does_not_import_numba(run):
    names = ["softmax", "turned"]
    first, compiled, _ = printed(run(names))
    assert compiled == 2
    assert printed(run(names)) == [first, 0, False]


def test_a_second_process_compiles_nothing_and_finds_the_same_bits(run, tmp_path):
    first, compiled = finished(run(NAMES))
    assert compiled == len(NAMES)
    assert len(list(tmp_path.glob("*.bin"))) == len(list(tmp_path.glob("*.py"))) == len(NAMES)
    # In another order, so that programs of one process meet those of another under the same numbers.
    second, compiled = finished(run(NAMES[::-1]))
    assert compiled == 0
    assert second[::-1] == first


def test_a_program_of_complex_numbers_is_restored(run):
    """Numba's functions for these have environments, the program has none."""
    first, compiled = finished(run(["rotated"]))
    assert compiled >= 1
    assert finished(run(["rotated"])) == [first, 0]


def test_a_product_by_blas_is_restored(run):
    first, compiled = finished(run(["product"], [40]))
    assert compiled == 1
    second, compiled = finished(run(["product"], [40]))
    assert compiled == 0
    assert second == first


@pytest.mark.slow
def test_programs_of_several_processes_side_by_side(run):
    alone = {name: finished(run([name]))[0] for name in ("softmax", "product")}
    together, compiled = finished(run(["product", "softmax"]))
    assert compiled == 0
    assert together == [*alone["product"], *alone["softmax"]]


def test_sizes_at_run_time_are_restored(run):
    first, compiled = finished(run(["softmax"], [7, 8, 9, 10]))
    assert compiled == 2
    second, compiled = finished(run(["softmax"], [7, 8, 9, 10]))
    assert (second, compiled) == (first, 0)
    third, compiled = finished(run(["softmax"], [7, 11, 10]))
    assert third[2] == first[3]
    assert compiled == 0


@pytest.mark.slow
def test_a_damaged_entry_is_compiled_again(run, tmp_path):
    first, _ = finished(run(["product"]))
    (entry,) = tmp_path.glob("*.bin")
    entry.write_bytes(entry.read_bytes()[:-100])
    assert finished(run(["product"])) == [first, 1]
    assert finished(run(["product"])) == [first, 0]


def test_off(run, tmp_path):
    assert finished(run(["product"], TAPEJIT_DISK_CACHE="0"))[1] == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_processes_at_once(run):
    processes = [run(NAMES) for _ in range(4)]
    results = [finished(process)[0] for process in processes]
    assert results == results[:1] * 4
    assert finished(run(NAMES)) == [results[0], 0]


@pytest.mark.slow
def test_routines_of_linear_algebra_are_restored(run):
    first, compiled = finished(run(["inverse", "softmax"]))
    assert compiled == 2
    assert finished(run(["softmax", "inverse"])) == [first[::-1], 0]


@pytest.mark.slow
def test_large_nests_on_threads_are_restored(run):
    first, compiled = finished(run(["softmax"], [60_000]))
    assert compiled == 1
    assert finished(run(["softmax"], [60_000], TAPEJIT_NUM_THREADS="1")) == [first, 0]


@pytest.mark.slow
def test_another_numba_setting_is_another_program(run, tmp_path):
    finished(run(["product"]))
    assert finished(run(["product"], NUMBA_LOOP_VECTORIZE="0"))[1] == 1
    assert len(list(tmp_path.glob("*.bin"))) == 2


@pytest.mark.slow
def test_functions_that_programs_share_are_restored(run, tmp_path):
    first, compiled = finished(run(["turned"]))
    assert compiled == 1
    assert [first, 0] == finished(run(["turned"]))
    sources = {path.read_text() for path in tmp_path.glob("*.py")}
    shared = {source for source in sources if source.startswith("# ")}
    names = ("sin_cos", "huge_sin", "huge_cos")  # both are needed of each angle
    assert shared == {f"# tapejit_shared_f64_{name}\n" for name in names}

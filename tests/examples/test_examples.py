"""Every example runs, and says what it should."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

SAYS = {
    "tutorial.py": [
        "dy/dx = [ 0.  4.  8. 12.]",
        "fitted [ 1.  -2.   0.5] and 3.000",
        "<NDArray 2x2 @cpu(0)>",
    ],
    "control_flow.py": ["d / a: True", "root of 9.0: 3.000000000000, slope 0.166666666667", "at 2: 48.0"],
    "newton_cg.py": ["minimum: True", "trust-exact, hess", "entries of the Hessian: 58 of 400"],
    "implicit_ridge.py": ["slope at the optimum", "equal to the closed form: True"],
    "scipy_optimize.py": ["Rosenbrock, 100 dimensions", "compiled=3"],
}


def run(name: str, *args: str) -> str:
    command = [sys.executable, EXAMPLES / name, *args]
    environment = {**os.environ, "TAPEJIT_TIER": "auto"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_no_example_is_forgotten():
    assert {path.name for path in EXAMPLES.glob("*.py")} == {*SAYS, "digits.py", "hamiltonian_monte_carlo.py"}


@pytest.mark.parametrize("name", SAYS)
def test_example(name):
    said = run(name)
    for line in SAYS[name]:
        assert line in said


def test_the_samples_have_the_moments_of_the_density(tmp_path):
    said = run("hamiltonian_monte_carlo.py", str(tmp_path), "--samples", "150")
    mean, deviation = (re.findall(r"[+-]?\d+\.\d+", line) for line in said.splitlines()[1:3])
    np.testing.assert_allclose([float(x) for x in mean[:2]], [float(x) for x in mean[2:]], atol=0.3)
    np.testing.assert_allclose([float(x) for x in deviation[:2]], [float(x) for x in deviation[2:]], atol=0.3)
    assert (tmp_path / "hamiltonian_monte_carlo.png").read_bytes().startswith(b"\x89PNG")


def test_digits_reaches_its_accuracy_and_writes_its_files(tmp_path):
    said = run("digits.py", str(tmp_path), "--epochs", "10")
    rows = [line.split("│")[1:-1] for line in said.splitlines() if line.startswith("│")]
    accuracy = [float(row[1].strip().rstrip("%")) for row in rows]
    compiled = [int(row[3]) for row in rows]
    assert min(accuracy) >= 95.0
    assert compiled == [2, 1]  # full batches and the last, shorter one; the whole data
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "stages.html").read_text()
    assert page.count("func @record(%a0: f64[64,64]") == 1
    assert page.count("func @record.adjoint(") == 1
    assert page.count("def program(") == 2

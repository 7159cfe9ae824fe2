"""The programs of examples/programs: values as in NumPy, gradients as differences say, recorded ones too."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tapejit as tj
from tapejit.engine import DECORATED, ENGINE

PROGRAMS = Path(__file__).parents[2] / "examples" / "programs"
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py") if path.stem != "report")


def load(name):
    spec = importlib.util.spec_from_file_location(f"programs_{name}", PROGRAMS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(program, seed):
    """The parameters, and the rest of the arguments."""
    arguments = program.draw(np.random.default_rng(seed), *program.SIZES[0])
    return arguments[: program.DIFFERENTIATED], arguments[program.DIFFERENTIATED :]


def differences(objective, parameters, data, which, step=1e-5):
    """The gradient by one parameter, entry by entry."""
    x = parameters[which]
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        ends = []
        for move in (step, -step):
            moved = x.copy()
            moved[index] += move
            ends.append(objective(*parameters[:which], moved, *parameters[which + 1 :], *data))
        gradient[index] = (ends[0] - ends[1]) / (2.0 * step)
    return gradient


@pytest.fixture
def interpreted(monkeypatch):
    set_tier(monkeypatch, "interpret")


def set_tier(monkeypatch, tier):
    for engine in (ENGINE, DECORATED):
        monkeypatch.setattr(engine, "tier", tier)


def test_there_are_ten():
    assert len(NAMES) == 10


@pytest.mark.parametrize("name", NAMES)
def test_value_and_gradients(name, interpreted):
    program = load(name)
    parameters, data = drawn(program, seed=3)
    places = tuple(range(program.DIFFERENTIATED))
    value, gradients = tj.value_and_grad(program.objective, argnums=places)(*parameters, *data)
    np.testing.assert_allclose(value, program.objective(*parameters, *data), rtol=1e-12)
    for which, gradient in enumerate(gradients):
        expected = differences(program.objective, parameters, data, which)
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_recorded_gradients_are_the_decorated_ones(name, interpreted):
    program = load(name)
    parameters, data = drawn(program, seed=4)
    variables = [tj.array(x) for x in parameters]
    for variable in variables:
        variable.attach_grad()
    with tj.record():
        value = program.objective(*variables, *data)
    value.backward()
    places = tuple(range(program.DIFFERENTIATED))
    expected, gradients = tj.value_and_grad(program.objective, argnums=places)(*parameters, *data)
    np.testing.assert_allclose(np.asarray(value), expected, rtol=1e-12)
    for variable, gradient in zip(variables, gradients, strict=True):
        np.testing.assert_allclose(np.asarray(variable.grad), gradient, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_function_with_other_numbers(name, interpreted):
    """Other symbols, other masks, other knots: nothing of the first call is left in the second."""
    program = load(name)
    differentiated = tj.value_and_grad(program.objective)
    for seed in range(3):
        parameters, data = drawn(program, seed)
        value, gradient = differentiated(*parameters, *data)
        np.testing.assert_allclose(value, program.objective(*parameters, *data), rtol=1e-12)
        expected = differences(program.objective, parameters, data, 0)
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-8)


def test_a_program_runs_alone():
    environment = {**os.environ, "TAPEJIT_TIER": "interpret"}
    command = [sys.executable, PROGRAMS / "soft_k_means.py"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert "as without tapejit: True" in said
    assert "central differences agree" in said


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_compiled_as_interpreted(name, monkeypatch):
    program = load(name)
    parameters, data = drawn(program, seed=5)
    places = tuple(range(program.DIFFERENTIATED))
    results = []
    for tier in ("interpret", "compile"):
        set_tier(monkeypatch, tier)
        value, gradients = tj.value_and_grad(program.objective, argnums=places)(*parameters, *data)
        results.append([value, *gradients])
    for found, expected in zip(*reversed(results), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)

"""The command line, called in this process: status, standard output, standard error."""

import sys
from typing import NamedTuple

import pytest

from tapejit.cli import main
from tapejit.engine import DECORATED


class Finished(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def tapejit(monkeypatch, tmp_path, capsys):
    """Run the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(DECORATED, "tier", DECORATED.tier)
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def run(*args: str) -> Finished:
        with pytest.raises(SystemExit) as ended:
            main(args)
        return Finished(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def model(tmp_path):
    """A file of functions, in the folder where the command line runs."""
    path = tmp_path / "model.py"
    path.write_text("""\
import numpy as np
import tapejit as tj
from neighbour import FACTOR

print("loading")


@tj.value_and_grad
def loss(x, rate=0.5):
    return np.sum(np.sin(x) * rate * FACTOR)


def plain(x, scale=1.0):
    return np.sqrt(np.sum(x * x)) * scale


def mismatched(x):
    y = x * 2
    return y + np.ones(7)


def divides(x):
    return np.sum(x) / (1 // 0)


def ignores(x):
    return 3.0


def branches(x):
    return np.sum(x) if np.max(x) > 2.0 else np.sum(x * x)


class Layer:
    @staticmethod
    def apply(x):
        return x * 2


CONSTANT = 3


@tj.value_and_grad
def rows(x):
    return np.sum(np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True) * x)
""")
    (tmp_path / "neighbour.py").write_text("FACTOR = 2.0\n")
    return path

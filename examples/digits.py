"""Train classifiers of handwritten digits twice: imperatively by mini-batches, and decorated with L-BFGS.

    python examples/digits.py [OUTPUT_FOLDER] [--epochs N]

The data comes with scikit-learn. The folder receives the loss curves as a picture and a page that
shows what became of the training step: its traced IR, its adjoint IR and the emitted source.
"""

from __future__ import annotations

import argparse
import html
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import scipy.optimize
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import tapejit as tj

matplotlib.use("Agg")

CLASSES = 10
BATCH = 64
RATE, MOMENTUM, DECAY = 0.1, 0.9, 0.995
PENALTY = 1e-3
PAGE_STAGES = {
    "trace": "Traced IR",
    "adjoint": "Adjoint IR",
    "schedule": "Schedule",
    "source": "Emitted source",
}


@dataclass
class Result:
    """How one of the trainings went."""

    name: str
    accuracy: float
    seconds: float
    compiled: int
    hits: int
    losses: list[float] = field(repr=False)
    stages: dict[str, str] = field(repr=False)


@dataclass
class Digits:
    """Images as rows of 64 numbers in [0, 1], and labels as rows with one 1."""

    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_digits: np.ndarray


def load() -> Digits:
    images, digits = load_digits(return_X_y=True)
    images = images / 16.0
    train, test, train_digits, test_digits = train_test_split(
        images, digits, test_size=0.25, random_state=0, stratify=digits
    )
    return Digits(train, np.eye(CLASSES)[train_digits], test, test_digits)


def cross_entropy(scores, labels):
    """The mean negative log-likelihood of `labels` under the softmax of `scores`."""
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(shifted), axis=1)) - np.sum(shifted * labels, axis=1))


# -- Imperative: arrays with attach_grad(), record(), backward(), updates in place -------------------------


class MLP:
    """Two layers, and the momentum of each parameter."""

    def __init__(self, rng: np.random.Generator, sizes: tuple[int, ...] = (64, 64, CLASSES)):
        self.weights = [tj.array(rng.normal(0, (2 / m) ** 0.5, (m, n))) for m, n in pairwise(sizes)]
        self.biases = [tj.zeros(n) for n in sizes[1:]]
        self.parameters = [*self.weights, *self.biases]
        self.speeds = [tj.zeros(p.shape) for p in self.parameters]
        for p in self.parameters:
            p.attach_grad()

    def __call__(self, x):
        (w1, w2), (b1, b2) = self.weights, self.biases
        return np.maximum(x @ w1 + b1, 0.0) @ w2 + b2

    def step(self, images: np.ndarray, labels: np.ndarray, rate: float):
        """One step of gradient descent; the loss before it, and the record."""
        with tj.record() as recording:
            loss = cross_entropy(self(tj.array(images)), labels)
        loss.backward()
        for p, speed in zip(self.parameters, self.speeds, strict=True):
            speed *= MOMENTUM
            speed += p.grad
            p -= rate * speed
        return loss.item(), recording


def train_imperatively(data: Digits, epochs: int) -> Result:
    rng = np.random.default_rng(1)
    model, rate, losses = MLP(rng), RATE, []
    before, start = tj.cache_info(), time.perf_counter()
    recording = None
    for _ in track(range(epochs), "MLP, mini-batches"):
        order = rng.permutation(len(data.images))
        for first in range(0, len(order), BATCH):
            chosen = order[first : first + BATCH]  # the last batch is shorter: one more program
            loss, recorded = model.step(data.images[chosen], data.labels[chosen], rate)
            recording = recording or recorded
            losses.append(loss)
            rate *= DECAY  # a number, not part of the program: nothing is recompiled
    seconds, after = time.perf_counter() - start, tj.cache_info()
    print(f"learning rate from {RATE} down to {rate:.4f}; batches of {BATCH}, the last of {len(chosen)}")
    found = model(tj.array(data.test_images)).asnumpy().argmax(axis=1)
    return Result(
        "MLP, SGD",
        float(np.mean(found == data.test_digits)),
        seconds,
        after.compiled - before.compiled,
        after.hits - before.hits,
        losses,
        {stage: recording.stage(stage) for stage in PAGE_STAGES},
    )


# -- Decorated: a NumPy function, its gradient for SciPy's optimiser ---------------------------------------


@tj.value_and_grad
def softmax_regression(flat, images, labels):
    weights = flat[:-CLASSES].reshape(64, CLASSES)
    scores = images @ weights + flat[-CLASSES:]
    return cross_entropy(scores, labels) + PENALTY * np.sum(weights * weights)


def train_decorated(data: Digits) -> Result:
    losses: list[float] = []

    def objective(flat):
        value, gradient = softmax_regression(flat, data.images, data.labels)
        losses.append(float(value))
        return value, gradient

    before, start = tj.cache_info(), time.perf_counter()
    flat = scipy.optimize.minimize(objective, np.zeros(65 * CLASSES), jac=True, method="L-BFGS-B").x
    seconds, after = time.perf_counter() - start, tj.cache_info()
    scores = data.test_images @ flat[:-CLASSES].reshape(64, CLASSES) + flat[-CLASSES:]
    return Result(
        "softmax, L-BFGS",
        float(np.mean(scores.argmax(axis=1) == data.test_digits)),
        seconds,
        after.compiled - before.compiled,
        after.hits - before.hits,
        losses,
        {stage: softmax_regression.stage(stage) for stage in PAGE_STAGES},
    )


# -- What is shown -----------------------------------------------------------------------------------------


def print_table(results: list[Result]) -> None:
    table = Table("training", "accuracy", "seconds", "compiled", "cache hits")
    for r in results:
        table.add_row(r.name, f"{r.accuracy:.2%}", f"{r.seconds:.2f}", str(r.compiled), str(r.hits))
    Console().print(table)


def draw_losses(results: list[Result], path: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(results), figsize=(10, 4), layout="constrained")
    for r, ax in zip(results, axes, strict=True):
        ax.semilogy(r.losses)
        ax.set(title=r.name, xlabel="step", ylabel="loss")
    figure.savefig(path)
    pyplot.close(figure)


def write_page(results: list[Result], path: Path) -> None:
    parts = ["<!DOCTYPE html><meta charset='utf-8'><title>tapejit: two training steps</title>"]
    for r in results:
        parts.append(f"<h1>{html.escape(r.name)}</h1>")
        for stage, title in PAGE_STAGES.items():
            parts.append(f"<h2>{title}</h2><pre>{html.escape(r.stages[stage])}</pre>")
    path.write_text("\n".join(parts), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", nargs="?", type=Path, default=Path("demo-output"))
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    data = load()
    results = [train_imperatively(data, options.epochs), train_decorated(data)]
    print_table(results)
    draw_losses(results, options.output / "loss.png")
    write_page(results, options.output / "stages.html")
    print(f"wrote {options.output / 'loss.png'} and {options.output / 'stages.html'}")


if __name__ == "__main__":
    main()

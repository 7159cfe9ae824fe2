"""Softmax cross-entropy of logits: row reductions that share their rows with what consumes them."""

from __future__ import annotations

import numpy as np

from workloads.native import exp, kernel, log, maximum, plus
from workloads.workload import Workload

BLOCK = 2_048  # elements that stay in the first-level cache


def log_sum_exp(z):
    """Of each row."""
    top = np.max(z, axis=1, keepdims=True)
    return np.log(np.sum(np.exp(z - top), axis=1)) + top[:, 0]


def pick(z, labels):
    """From each row, the element its label says."""
    return np.sum(np.where(labels[:, None] == np.arange(z.shape[1]), z, 0.0), axis=1)


def cross_entropy(z, labels):
    return np.mean(log_sum_exp(z) - pick(z, labels))


def draw(rng, n, classes):
    return 3.0 * rng.normal(size=(n, classes)), rng.integers(classes, size=n)


@kernel
def cross_entropy_rows(z, labels, gradient):
    """The sum of the rows' losses; `gradient` gets its derivative divided by the number of rows."""
    rows, classes = z.shape
    step = max(1, BLOCK // classes)
    tops = np.empty(step, z.dtype)
    loss = 0.0
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        _exponentials(z[start:stop], tops, gradient[start:stop])
        for i in range(start, stop):
            row = gradient[i]
            total = _normalise(row, rows)
            loss += log(total) + tops[i - start] - z[i, labels[i]]
            row[labels[i]] -= 1.0 / rows
    return loss


@kernel
def _exponentials(z, tops, out):
    """Rows of a block, less their largest elements, exponentiated as one row: no remainders of short rows."""
    for i in range(z.shape[0]):
        row = z[i]
        top = row[0]
        for j in range(row.size):
            top = maximum(top, row[j])
        tops[i] = top
        for j in range(row.size):
            out[i, j] = row[j] - top
    flat = out.reshape(out.size)
    for k in range(flat.size):
        flat[k] = exp(flat[k])


@kernel
def _normalise(row, rows):
    total = row.dtype.type(0)
    for j in range(row.size):
        total = plus(total, row[j])
    scale = row.dtype.type(1 / (total * rows))
    for j in range(row.size):
        row[j] *= scale
    return total


def limit(z, labels):
    gradient = np.empty_like(z)
    return cross_entropy_rows(z, labels, gradient) / len(z), (gradient,)


SOFTMAX = Workload(
    "softmax cross-entropy",
    cross_entropy,
    limit,
    draw,
    sizes=((64, 10), (512, 100), (4_096, 1_000)),
)

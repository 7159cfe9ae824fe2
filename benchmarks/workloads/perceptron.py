"""Three layers on mini-batches in float32: matrix products with short elementwise stretches between."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from workloads.native import kernel
from workloads.softmax import cross_entropy, cross_entropy_rows
from workloads.workload import Workload

LAYERS = (784, 256, 256, 10)


def relu(x):
    return np.maximum(x, 0.0)


def perceptron_loss(w1, b1, w2, b2, w3, b3, x, labels):
    h1 = relu(x @ w1 + b1)
    h2 = relu(h1 @ w2 + b2)
    return cross_entropy(h2 @ w3 + b3, labels)


def draw(rng, batch):
    parameters = []
    for inner, outer in pairwise(LAYERS):
        parameters.append((rng.normal(size=(inner, outer)) / np.sqrt(inner)).astype(np.float32))
        parameters.append((0.1 * rng.normal(size=outer)).astype(np.float32))
    x = rng.random((batch, LAYERS[0]), dtype=np.float32)
    return (*parameters, x, rng.integers(LAYERS[-1], size=batch))


@kernel
def _add_bias(h, bias):
    for i in range(h.shape[0]):
        for j in range(h.shape[1]):
            h[i, j] += bias[j]


@kernel
def _add_bias_relu(h, bias):
    for i in range(h.shape[0]):
        for j in range(h.shape[1]):
            v = h[i, j] + bias[j]
            h[i, j] = v if v > 0 else np.float32(0)


@kernel
def _sum_columns(d, d_bias):
    for j in range(d_bias.size):
        d_bias[j] = 0
    for i in range(d.shape[0]):
        for j in range(d.shape[1]):
            d_bias[j] += d[i, j]


@kernel
def _mask_and_sum(d, h, d_bias):
    """What passes the rectifier, in place, and its columns' sums."""
    for j in range(d_bias.size):
        d_bias[j] = 0
    for i in range(d.shape[0]):
        for j in range(d.shape[1]):
            v = d[i, j] if h[i, j] > 0 else np.float32(0)
            d[i, j] = v
            d_bias[j] += v


@kernel
def _perceptron(w1, b1, w2, b2, w3, b3, x, labels, d_w1, d_b1, d_w2, d_b2, d_w3, d_b3, z, d_z):
    h1 = np.dot(x, w1)
    _add_bias_relu(h1, b1)
    h2 = np.dot(h1, w2)
    _add_bias_relu(h2, b2)
    np.dot(h2, w3, z)
    _add_bias(z, b3)
    loss = cross_entropy_rows(z, labels, d_z)
    np.dot(h2.T, d_z, d_w3)
    _sum_columns(d_z, d_b3)
    d_h2 = np.dot(d_z, w3.T)
    _mask_and_sum(d_h2, h2, d_b2)
    np.dot(h1.T, d_h2, d_w2)
    d_h1 = np.dot(d_h2, w2.T)
    _mask_and_sum(d_h1, h1, d_b1)
    np.dot(x.T, d_h1, d_w1)
    return loss / x.shape[0]


def limit(*inputs):
    parameters, (x, _) = inputs[:6], inputs[6:]
    gradients = tuple(np.empty_like(p) for p in parameters)
    logits = np.empty((len(x), LAYERS[-1]), x.dtype)
    return _perceptron(*inputs, *gradients, logits, np.empty_like(logits)), gradients


PERCEPTRON = Workload(
    "3-layer MLP, f32",
    perceptron_loss,
    limit,
    draw,
    sizes=((32,), (128,), (512,)),
    differentiated=6,
)

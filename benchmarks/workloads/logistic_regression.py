"""Logistic regression: a matrix with one vector, twice; the limit reads the matrix once."""

from __future__ import annotations

import numpy as np

from workloads.native import exp, kernel, log1p, maximum, plus
from workloads.workload import Workload

BLOCK = 32  # rows that stay in cache between the product with them and the product with their transpose


def softplus(x):
    return np.logaddexp(x, 0.0)


def logistic_loss(weights, bias, features, signs):
    return np.mean(softplus(-signs * (features @ weights + bias)))


def draw(rng, n, width):
    signs = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    return 0.1 * rng.normal(size=width), np.array(0.2), rng.normal(size=(n, width)), signs


@kernel
def _scores(weights, bias, features, start, score):
    for i in range(score.size):
        row = features[start + i]
        total = 0.0
        for j in range(row.size):
            total = plus(total, row[j] * weights[j])
        score[i] = total + bias


@kernel
def _losses(signs, start, score):
    """The sum of the losses; scores become the derivatives by them."""
    total = 0.0
    for i in range(score.size):
        margin = signs[start + i] * score[i]
        e = exp(-abs(margin))
        total = plus(total, log1p(e) + maximum(-margin, 0.0))
        weight = (1.0 if margin < 0.0 else e) / (1.0 + e)
        score[i] = -signs[start + i] * weight
    return total


@kernel
def _gather(features, start, score, d_weights):
    total = 0.0
    for i in range(score.size):
        row, weight = features[start + i], score[i]
        total += weight
        for j in range(row.size):
            d_weights[j] += weight * row[j]
    return total


@kernel
def _logistic(weights, bias, features, signs, d_weights):
    n = features.shape[0]
    row = np.empty(BLOCK)
    loss = d_bias = 0.0
    for start in range(0, n, BLOCK):
        score = row[: min(BLOCK, n - start)]
        _scores(weights, bias, features, start, score)
        loss += _losses(signs, start, score)
        d_bias += _gather(features, start, score, d_weights)
    for j in range(d_weights.size):
        d_weights[j] /= n
    return loss / n, d_bias / n


def limit(weights, bias, features, signs):
    d_weights = np.zeros_like(weights)
    loss, d_bias = _logistic(weights, bias.item(), features, signs, d_weights)
    return loss, (d_weights, d_bias)


LOGISTIC_REGRESSION = Workload(
    "logistic regression",
    logistic_loss,
    limit,
    draw,
    sizes=((1_000, 10), (10_000, 50), (100_000, 100)),
    differentiated=2,
)

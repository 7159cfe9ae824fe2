"""The log-likelihood of a Gaussian mixture with diagonal covariances: products of three index ranges."""

from __future__ import annotations

import numpy as np

from workloads.native import exp, kernel, log, maximum, plus
from workloads.softmax import log_sum_exp
from workloads.workload import Workload

LOG_TWO_PI = float(np.log(2.0 * np.pi))
BLOCK = 128  # points whose densities under all components stay in cache


def log_likelihood(weights, means, log_scales, points):
    """`weights` are logits [K]; `means` and `log_scales` [K, D]; `points` [N, D]."""
    offsets = (points[:, None, :] - means[None, :, :]) * np.exp(-log_scales)[None, :, :]
    squares = np.sum(offsets * offsets, axis=2)
    densities = weights - 0.5 * squares - np.sum(log_scales, axis=1)
    constant = log_sum_exp(weights[None, :]) + 0.5 * LOG_TWO_PI * points.shape[1]
    return np.mean(log_sum_exp(densities) - constant)


def draw(rng, n, components, width):
    means = rng.normal(size=(components, width))
    log_scales = 0.3 * rng.normal(size=(components, width))
    return rng.normal(size=components), means, log_scales, 1.5 * rng.normal(size=(n, width))


@kernel
def _density(x, mean, log_scale, weight, out):
    """Of points [D, P] under one component; points are neighbours in a vector, whatever K and D."""
    for p in range(out.size):
        out[p] = weight
    for d in range(mean.size):
        row, m, s = x[d], mean[d], exp(-log_scale[d])
        for p in range(out.size):
            t = (row[p] - m) * s
            out[p] -= log_scale[d] + 0.5 * t * t


@kernel
def _share(densities, top, total):
    """Of the components [K, P] in each point, in place, but for the factor left in `total`.

    The result is the sum of the log-sum-exps.
    """
    for p in range(top.size):
        top[p] = densities[0, p]
        total[p] = 0.0
    for k in range(1, len(densities)):
        for p in range(top.size):
            top[p] = maximum(top[p], densities[k, p])
    for k in range(len(densities)):
        for p in range(top.size):
            densities[k, p] = exp(densities[k, p] - top[p])
            total[p] += densities[k, p]
    likelihood = 0.0
    for p in range(top.size):
        likelihood = plus(likelihood, log(total[p]) + top[p])
        total[p] = 1.0 / total[p]
    return likelihood


@kernel
def _collect(x, mean, log_scale, share, inverse, d_mean, d_log_scale):
    """Adds one component's derivatives, those by the weight returned."""
    d_weight = 0.0
    for p in range(share.size):
        share[p] *= inverse[p]
        d_weight = plus(d_weight, share[p])
    for d in range(mean.size):
        row, m, s = x[d], mean[d], exp(-log_scale[d])
        first = second = 0.0
        for p in range(share.size):
            t = (row[p] - m) * s
            weighted = share[p] * t
            first, second = plus(first, weighted), plus(second, weighted * t)
        d_mean[d] += first * s
        d_log_scale[d] += second - d_weight
    return d_weight


@kernel
def _block(weights, means, log_scales, x, densities, top, total, d_weights, d_means, d_scales):
    """Adds a block of top.size points to the derivatives and returns its likelihood."""
    for k in range(weights.size):
        _density(x, means[k], log_scales[k], weights[k], densities[k, : top.size])
    likelihood = _share(densities, top, total)
    for k in range(weights.size):
        share = densities[k, : top.size]
        d_weights[k] += _collect(x, means[k], log_scales[k], share, total, d_means[k], d_scales[k])
    return likelihood


@kernel
def _normalise(weights, n, d_weights):
    """The weights' log-sum-exp; `d_weights` starts with its derivative for n points."""
    top, total = weights[0], 0.0
    for k in range(1, weights.size):
        top = maximum(top, weights[k])
    for k in range(weights.size):
        d_weights[k] = exp(weights[k] - top)
        total += d_weights[k]
    for k in range(weights.size):
        d_weights[k] *= -n / total
    return log(total) + top


@kernel
def _mixture(weights, means, log_scales, points, d_weights, d_means, d_scales):
    n, width = points.shape
    x, densities = np.empty((width, BLOCK)), np.empty((weights.size, BLOCK))
    top, total = np.empty(BLOCK), np.empty(BLOCK)
    likelihood = -n * (_normalise(weights, n, d_weights) + 0.5 * LOG_TWO_PI * width)
    for start in range(0, n, BLOCK):
        count = min(BLOCK, n - start)
        for p in range(count):
            for d in range(width):
                x[d, p] = points[start + p, d]
        likelihood += _block(
            weights,
            means,
            log_scales,
            x,
            densities,
            top[:count],
            total[:count],
            d_weights,
            d_means,
            d_scales,
        )
    return likelihood / n


def limit(weights, means, log_scales, points):
    gradients = np.zeros_like(weights), np.zeros_like(means), np.zeros_like(log_scales)
    value = _mixture(weights, means, log_scales, points, *gradients)
    for gradient in gradients:
        gradient /= len(points)
    return value, gradients


GAUSSIAN_MIXTURE = Workload(
    "Gaussian mixture",
    log_likelihood,
    limit,
    draw,
    sizes=((100, 5, 2), (1_000, 10, 8), (10_000, 32, 16)),
    differentiated=3,
)

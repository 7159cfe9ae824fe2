"""Layer norm and GELU in float32: two row reductions forward, two backward, an error function between."""

from __future__ import annotations

import numpy as np
from scipy import special

from workloads.native import erf, exp, kernel, plus, rsqrt
from workloads.workload import Workload

EPSILON = 1e-5
ROOT_HALF = 0.5**0.5
ROOT_HALF_F32 = np.float32(ROOT_HALF)
NORMAL_PEAK_F32 = np.float32((2.0 * np.pi) ** -0.5)
HALF_F32, ONE_F32, TWO_F32, ZERO_F32 = (np.float32(c) for c in (0.5, 1.0, 2.0, 0.0))


def layer_norm(x, gamma, beta):
    centred = x - np.mean(x, axis=1, keepdims=True)
    variance = np.mean(centred * centred, axis=1, keepdims=True)
    return centred / np.sqrt(variance + EPSILON) * gamma + beta


def gelu(x):
    return 0.5 * x * (1.0 + special.erf(ROOT_HALF * x))


def mean_square(x, gamma, beta):
    y = gelu(layer_norm(x, gamma, beta))
    return np.mean(y * y)


def draw(rng, rows, width):
    arrays = rng.normal(size=(rows, width)), rng.normal(1.0, 0.2, width), rng.normal(size=width)
    return tuple(a.astype(np.float32) for a in arrays)


@kernel
def _standardise(row, out):
    """`out` is the row with mean 0 and variance 1; the result is what it was divided by, inverted."""
    width = np.float32(row.size)
    total = ZERO_F32
    for j in range(row.size):
        total = plus(total, row[j])
    mean, square = total / width, ZERO_F32
    for j in range(row.size):
        centred = row[j] - mean
        out[j] = centred
        square = plus(square, centred * centred)
    scale = rsqrt(square / width + np.float32(EPSILON))
    for j in range(row.size):
        out[j] *= scale
    return scale


@kernel
def _activate(standard, gamma, beta, head, d_gamma, d_beta, d_standard):
    """The row's sum of squares after GELU, and all derivatives but the row's; two sums for that one."""
    value, total, product = ZERO_F32, ZERO_F32, ZERO_F32
    for j in range(standard.size):
        u = standard[j] * gamma[j] + beta[j]
        phi = HALF_F32 + HALF_F32 * erf(u * ROOT_HALF_F32)
        y = u * phi
        slope = phi + u * NORMAL_PEAK_F32 * exp(-HALF_F32 * u * u)
        d_u = head * y * slope
        d_beta[j] += d_u
        d_gamma[j] += d_u * standard[j]
        d = d_u * gamma[j]
        d_standard[j] = d
        value, total, product = plus(value, y * y), plus(total, d), plus(product, d * standard[j])
    return value, total, product


@kernel
def _layer_norm(x, gamma, beta, d_x, d_gamma, d_beta, standard):
    rows, width = x.shape
    head = TWO_F32 / np.float32(x.size)
    value = 0.0
    for i in range(rows):
        d_row = d_x[i]
        scale = _standardise(x[i], standard)
        square, total, product = _activate(standard, gamma, beta, head, d_gamma, d_beta, d_row)
        value += square
        mean, slope = total / np.float32(width), product / np.float32(width)
        for j in range(width):
            d_row[j] = scale * (d_row[j] - mean - standard[j] * slope)
    return value / x.size


def limit(x, gamma, beta):
    gradients = np.empty_like(x), np.zeros_like(gamma), np.zeros_like(beta)
    return _layer_norm(x, gamma, beta, *gradients, np.empty_like(gamma)), gradients


LAYER_NORM = Workload(
    "layer norm + GELU, f32",
    mean_square,
    limit,
    draw,
    sizes=((32, 64), (128, 256), (512, 1_024)),
    differentiated=3,
)

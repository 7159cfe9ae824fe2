"""The marginal likelihood of a Gaussian process: a kernel matrix, its Cholesky factor, a solve.

Rasmussen and Williams, Gaussian Processes for Machine Learning, algorithm 2.1; one length scale per input.
"""

import numpy as np

SIZES = ((20, 2), (200, 3))
DIFFERENTIATED = 3
VALUE_DEPENDENT = False


def objective(log_lengths, log_amplitude, log_noise, points, values):
    n = len(points)
    scaled = points * np.exp(-log_lengths)
    squares = np.sum(scaled**2, axis=1)
    distances = squares[:, None] + squares[None, :] - 2.0 * scaled @ scaled.T
    covariance = np.exp(2.0 * log_amplitude - 0.5 * distances) + np.exp(2.0 * log_noise) * np.eye(n)
    lower = np.linalg.cholesky(covariance)
    white = np.linalg.solve(lower, values)
    return 0.5 * np.dot(white, white) + np.sum(np.log(np.diag(lower))) + 0.5 * n * np.log(2.0 * np.pi)


def draw(rng, n, width):
    points = rng.uniform(-2.0, 2.0, (n, width))
    values = np.sin(points).sum(axis=1) + 0.1 * rng.normal(size=n)
    return 0.1 * rng.normal(size=width), np.array(0.1), np.array(-1.0), points, values


if __name__ == "__main__":
    from report import report

    report(objective, draw, SIZES[0], DIFFERENTIATED)

"""A natural cubic spline fitted to noisy points: a tridiagonal system, `searchsorted`, gathers.

The parameters are the heights at the knots and the weight of the penalty, the squared curvature's integral.
"""

import numpy as np

SIZES = ((30, 6), (2_000, 40))
DIFFERENTIATED = 2
VALUE_DEPENDENT = False


def curvatures(knots, heights):
    """Second derivatives at the knots; the outer two are zero."""
    gaps = np.diff(knots)
    slopes = np.diff(heights) / gaps
    middle = np.diag((gaps[:-1] + gaps[1:]) / 3.0)
    inner = gaps[1:-1] / 6.0
    system = middle + np.diag(inner, 1) + np.diag(inner, -1)
    return np.concatenate([np.zeros(1), np.linalg.solve(system, np.diff(slopes)), np.zeros(1)])


def objective(heights, log_penalty, knots, x, y):
    bends = curvatures(knots, heights)
    left = np.clip(np.searchsorted(knots, x) - 1, 0, len(knots) - 2)
    gap = knots[left + 1] - knots[left]
    a, b = (knots[left + 1] - x) / gap, (x - knots[left]) / gap
    fit = a * heights[left] + b * heights[left + 1]
    fit = fit + ((a**3 - a) * bends[left] + (b**3 - b) * bends[left + 1]) * gap**2 / 6.0
    pairs = bends[:-1] ** 2 + bends[:-1] * bends[1:] + bends[1:] ** 2
    roughness = np.sum(np.diff(knots) * pairs) / 3.0
    return np.mean((fit - y) ** 2) + np.exp(log_penalty) * roughness


def draw(rng, n, knots):
    places = np.sort(rng.uniform(0.0, 1.0, knots - 2) + np.arange(1, knots - 1))
    places = np.concatenate([[0.0], places, [float(knots)]])
    x = rng.uniform(0.0, float(knots), n)
    return np.sin(places), np.array(-3.0), places, x, np.sin(x) + 0.1 * rng.normal(size=n)


if __name__ == "__main__":
    from report import report

    report(objective, draw, SIZES[0], DIFFERENTIATED)

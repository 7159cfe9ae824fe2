"""Linear regression with missing values and outliers: boolean masks select what counts and how.

Huber's loss, one sum over the small residuals and one over the large. How many there are of each depends on
the parameters, so a compiler that wants all shapes beforehand refuses this program.
"""

import numpy as np

SIZES = ((30, 3), (20_000, 10))
DIFFERENTIATED = 2
VALUE_DEPENDENT = True

WIDTH = 0.5


def objective(weights, bias, features, targets):
    known = ~np.isnan(targets)
    residuals = targets[known] - features[known] @ weights - bias
    magnitudes = np.abs(residuals)
    small = magnitudes <= WIDTH
    inner = 0.5 * np.sum(residuals[small] ** 2)
    outer = WIDTH * np.sum(magnitudes[~small] - 0.5 * WIDTH)
    return (inner + outer) / np.sum(known) + 1e-3 * np.sum(weights**2)


def draw(rng, n, width):
    weights, features = rng.normal(size=width), rng.normal(size=(n, width))
    targets = features @ weights + 0.1 * rng.standard_t(2.0, n)
    targets[rng.random(n) < 0.1] = np.nan
    return weights + 0.2 * rng.normal(size=width), np.array(0.1), features, targets


if __name__ == "__main__":
    from report import report

    report(objective, draw, SIZES[0], DIFFERENTIATED)

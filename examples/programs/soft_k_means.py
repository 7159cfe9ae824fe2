"""k-means with soft assignment: each point's distances, weighted by their softmax."""

import numpy as np

SIZES = ((20, 3, 2), (5_000, 16, 4))
DIFFERENTIATED = 2
VALUE_DEPENDENT = False


def objective(centres, log_stiffness, points):
    offsets = points[:, np.newaxis, :] - centres[np.newaxis, :, :]
    squares = (offsets**2).sum(axis=-1)
    scores = -np.exp(log_stiffness) * squares
    scores = scores - scores.max(axis=1, keepdims=True)
    shares = np.exp(scores)
    shares = shares / shares.sum(axis=1, keepdims=True)
    return (shares * squares).sum(axis=1).mean()


def draw(rng, n, clusters, width):
    middles = rng.normal(size=(clusters, width))
    points = 2.0 * middles[rng.integers(0, clusters, n)] + 0.3 * rng.normal(size=(n, width))
    return middles, np.array(0.2), points


if __name__ == "__main__":
    from report import report

    report(objective, draw, SIZES[0], DIFFERENTIATED)

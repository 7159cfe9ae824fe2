"""A 2-d convolution by slicing: one shifted window of the images per entry of the filters.

A bias, a rectifier by `np.maximum`, the mean over each picture, a linear layer, the squared error.
"""

import numpy as np

SIZES = ((2, 6, 2), (16, 32, 8))
DIFFERENTIATED = 3
VALUE_DEPENDENT = False


def convolve(images, filters):
    rows, columns = filters.shape[1:]
    height, width = images.shape[1] - rows + 1, images.shape[2] - columns + 1
    out = 0.0
    for i in range(rows):
        for j in range(columns):
            window = images[:, i : i + height, j : j + width]
            out = out + window[:, None] * filters[None, :, i, j, None, None]
    return out


def objective(filters, bias, readout, images, targets):
    features = np.maximum(convolve(images, filters) + bias[:, None, None], 0.0)
    return np.mean((features.mean(axis=(2, 3)) @ readout - targets) ** 2)


def draw(rng, n, side, channels):
    parameters = rng.normal(size=(channels, 3, 3)), rng.normal(size=channels), rng.normal(size=channels)
    return *parameters, rng.normal(size=(n, side, side)), rng.normal(size=n)


if __name__ == "__main__":
    from report import report

    report(objective, draw, SIZES[0], DIFFERENTIATED)

"""A long short-term memory in plain NumPy: gates by slices, a Python loop over time.

Hochreiter and Schmidhuber 1997, with forget gates; the loss is the error of predicting the next input.
"""

import numpy as np

SIZES = ((4, 3, 2, 5), (8, 32, 16, 64))
DIFFERENTIATED = 3
VALUE_DEPENDENT = False


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def step(weights, bias, x, hidden, cell):
    width = hidden.shape[1]
    gates = np.concatenate([x, hidden], axis=1) @ weights + bias
    keep, write, read = (sigmoid(gates[:, i * width : (i + 1) * width]) for i in range(3))
    cell = keep * cell + write * np.tanh(gates[:, 3 * width :])
    return read * np.tanh(cell), cell


def objective(weights, bias, readout, sequence):
    batch, width = sequence.shape[1], readout.shape[0]
    hidden, cell = np.zeros((batch, width)), np.zeros((batch, width))
    loss = 0.0
    for t in range(len(sequence) - 1):
        hidden, cell = step(weights, bias, sequence[t], hidden, cell)
        loss = loss + np.mean((hidden @ readout - sequence[t + 1]) ** 2)
    return loss / (len(sequence) - 1)


def draw(rng, steps, batch, inputs, width):
    weights = rng.normal(size=(inputs + width, 4 * width)) / np.sqrt(inputs + width)
    readout = rng.normal(size=(width, inputs)) / np.sqrt(width)
    return weights, 0.1 * rng.normal(size=4 * width), readout, rng.normal(size=(steps, batch, inputs))


if __name__ == "__main__":
    from report import report

    report(objective, draw, SIZES[0], DIFFERENTIATED)

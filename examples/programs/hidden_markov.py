"""The likelihood of symbols under a hidden Markov model: the forward algorithm, in logarithms.

Parameters are logits; each row of probabilities is normalised by its log-sum-exp.
"""

import numpy as np

SIZES = ((4, 3, 4), (12, 16, 8))
DIFFERENTIATED = 3
VALUE_DEPENDENT = False


def logsumexp(z, axis):
    top = np.max(z, axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.sum(np.exp(z - top), axis=axis))


def normalised(logits):
    return logits - logsumexp(logits, -1)[..., None]


def objective(initial, transition, emission, symbols):
    steps, emitted = normalised(transition), normalised(emission)
    forward = normalised(initial) + emitted[:, symbols[0]]
    for symbol in symbols[1:]:
        forward = logsumexp(forward[:, None] + steps, 0) + emitted[:, symbol]
    return -logsumexp(forward, 0)


def draw(rng, n, states, alphabet):
    logits = rng.normal(size=states), rng.normal(size=(states, states)), rng.normal(size=(states, alphabet))
    return *logits, rng.integers(0, alphabet, n)


if __name__ == "__main__":
    from report import report

    report(objective, draw, SIZES[0], DIFFERENTIATED)

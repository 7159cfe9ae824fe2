"""The mean-field free energy of an Ising model on a torus: neighbours by `roll`, an entropy per site."""

import numpy as np

SIZES = ((6,), (256,))
DIFFERENTIATED = 3
VALUE_DEPENDENT = False


def objective(local, coupling, field, temperature):
    spins = np.tanh(local)
    neighbours = np.roll(spins, 1, axis=0) + np.roll(spins, 1, axis=1)
    energy = -coupling * np.sum(spins * neighbours) - field * np.sum(spins)
    up, down = 0.5 * (1.0 + spins), 0.5 * (1.0 - spins)
    entropy = -np.sum(up * np.log(up) + down * np.log(down))
    return (energy - temperature * entropy) / spins.size


def draw(rng, side):
    return rng.normal(size=(side, side)), np.array(1.0), np.array(0.2), np.array(2.0)


if __name__ == "__main__":
    from report import report

    report(objective, draw, SIZES[0], DIFFERENTIATED)

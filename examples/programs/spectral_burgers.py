"""Burgers' equation by a spectral method: derivatives by FFT, an explicit step, viscosity integrated exactly.

The objective is the distance from the states observed after each step.
"""

import numpy as np

SIZES = ((16, 2), (1_024, 8))
DIFFERENTIATED = 2
VALUE_DEPENDENT = False

STEP = 1e-3


def objective(initial, log_viscosity, observed):
    n = len(initial)
    waves = np.fft.fftfreq(n, 1.0 / n)
    damping = np.exp(-STEP * np.exp(log_viscosity) * waves**2)
    dealiased = np.abs(waves) < n / 3
    spectrum, distance = np.fft.fft(initial), 0.0
    for state in observed:
        u = np.real(np.fft.ifft(spectrum))
        advection = 0.5j * waves * np.fft.fft(u**2) * dealiased
        spectrum = damping * (spectrum - STEP * advection)
        distance = distance + np.mean((np.real(np.fft.ifft(spectrum)) - state) ** 2)
    return distance


def draw(rng, n, steps):
    x = 2.0 * np.pi * np.arange(n) / n
    initial = np.sin(x) + 0.3 * np.cos(2.0 * x + rng.uniform())
    return initial, np.array(-2.0), np.sin(x - STEP * np.arange(1, steps + 1)[:, None])


if __name__ == "__main__":
    from report import report

    report(objective, draw, SIZES[0], DIFFERENTIATED)

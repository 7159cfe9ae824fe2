"""The likelihood of noisy positions under a Kalman filter: a Python loop over small matrices.

The state is position and velocity in the plane; innovations are scored by their predicted covariance.
"""

import numpy as np

SIZES = ((3,), (5,))
DIFFERENTIATED = 2
VALUE_DEPENDENT = False

STEP = 0.1
TRANSITION = np.eye(4) + STEP * np.eye(4, k=2)
OBSERVATION = np.eye(2, 4)
NOISE_SHAPE = np.block(
    [[STEP**3 / 3 * np.eye(2), STEP**2 / 2 * np.eye(2)], [STEP**2 / 2 * np.eye(2), STEP * np.eye(2)]]
)


def objective(log_process, log_observation, positions):
    process = np.exp(2.0 * log_process) * NOISE_SHAPE
    observation = np.exp(2.0 * log_observation) * np.eye(2)
    mean, covariance = np.zeros(4), np.eye(4)
    total = 0.0
    for position in positions:
        mean = TRANSITION @ mean
        covariance = TRANSITION @ covariance @ TRANSITION.T + process
        innovation = position - OBSERVATION @ mean
        spread = OBSERVATION @ covariance @ OBSERVATION.T + observation
        gain = np.linalg.solve(spread, OBSERVATION @ covariance).T
        total = total + innovation @ np.linalg.solve(spread, innovation) + np.linalg.slogdet(spread)[1]
        mean = mean + gain @ innovation
        covariance = covariance - gain @ OBSERVATION @ covariance
    return 0.5 * total


def draw(rng, n):
    path = np.cumsum(np.cumsum(0.1 * rng.normal(size=(n, 2)), axis=0), axis=0)
    return np.array(-0.3), np.array(-1.2), path + 0.3 * rng.normal(size=(n, 2))


if __name__ == "__main__":
    from report import report

    report(objective, draw, SIZES[0], DIFFERENTIATED)

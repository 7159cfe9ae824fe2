"""The likelihood of a Kalman filter, in other people's style: a loop of small solves and determinants."""

import numpy as np
import pytest

import tapejit as tj

RANDOM = np.random.default_rng(11)
TRANSITION = np.array([[1.0, 0.1], [0.0, 0.9]])
MEASURED = np.cumsum(RANDOM.standard_normal((8, 2)), axis=0)


def log_likelihood(transition, log_noise):
    process, measurement = np.exp(log_noise[0]) * np.eye(2), np.exp(log_noise[1]) * np.eye(2)
    mean, covariance, total = np.zeros(2), np.eye(2), 0.0
    for y in MEASURED:
        mean, covariance = transition @ mean, transition @ covariance @ transition.T + process
        innovation, spread = y - mean, covariance + measurement
        _, logdet = np.linalg.slogdet(spread)
        total = total - 0.5 * (
            logdet + innovation @ np.linalg.solve(spread, innovation) + 2 * np.log(2 * np.pi)
        )
        gain = np.linalg.solve(spread, covariance).T
        mean, covariance = mean + gain @ innovation, covariance - gain @ covariance
    return total


def jointly(transition, log_noise):
    """All measurements as one Gaussian vector: the same number without a filter."""
    process, measurement = np.exp(log_noise)
    states, powers = len(MEASURED), [np.eye(2)]
    for _ in range(states):
        powers.append(transition @ powers[-1])
    blocks = np.zeros((states, 2, states, 2))
    for i in range(states):
        for j in range(states):
            block = powers[i + 1] @ powers[j + 1].T
            for k in range(min(i, j) + 1):
                block = block + process * powers[i - k] @ powers[j - k].T
            blocks[i, :, j] = block + (i == j) * measurement * np.eye(2)
    spread, y = blocks.reshape(2 * states, 2 * states), MEASURED.ravel()
    quadratic = y @ np.linalg.solve(spread, y)
    return -0.5 * (np.linalg.slogdet(spread)[1] + quadratic + len(y) * np.log(2 * np.pi))


NOISE = np.array([-1.0, -0.5])


def test_the_filter_is_the_joint_density():
    found = tj.jit(log_likelihood)(TRANSITION, NOISE)
    np.testing.assert_allclose(found, jointly(TRANSITION, NOISE), rtol=1e-12)


@pytest.mark.slow
def test_compiled_gradients(compile_from_now_on):
    compile_from_now_on()
    check_gradients()


def test_gradients():
    check_gradients()


def check_gradients():
    for _ in range(2):
        transition_bar, noise_bar = tj.grad(log_likelihood, (0, 1))(TRANSITION, NOISE)
    for k, step in enumerate(1e-6 * np.eye(4).reshape(4, 2, 2)):
        slope = (jointly(TRANSITION + step, NOISE) - jointly(TRANSITION - step, NOISE)) / 2e-6
        np.testing.assert_allclose(transition_bar.ravel()[k], slope, rtol=1e-6, atol=1e-7)
    for k, step in enumerate(1e-6 * np.eye(2)):
        slope = (jointly(TRANSITION, NOISE + step) - jointly(TRANSITION, NOISE - step)) / 2e-6
        np.testing.assert_allclose(noise_bar[k], slope, rtol=1e-6)

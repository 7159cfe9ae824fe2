"""Choose the penalty of a ridge regression by gradient descent on held-out data.

The weights come from SciPy's optimiser, of which no derivative is taken: at its minimum the implicit function
theorem gives that of the weights by the penalty. The closed form is computed beside it.

python examples/implicit_ridge.py
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

import tapejit as tj

RNG = np.random.default_rng(1)
TRUTH = np.where(np.arange(12) < 3, 2.0, 0.0)
X, HELD_OUT_X = RNG.normal(size=(24, 12)), RNG.normal(size=(200, 12))
Y = X @ TRUTH + 2.0 * RNG.normal(size=24)
HELD_OUT_Y = HELD_OUT_X @ TRUTH + 2.0 * RNG.normal(size=200)


def objective(weights, log_penalty):
    return np.sum((X @ weights - Y) ** 2) + np.exp(log_penalty) * np.sum(weights**2)


def solver(log_penalty):
    """Any Python may find the minimum; it sees NumPy arrays."""
    slope = tj.value_and_grad(objective)
    found = minimize(lambda w: slope(w, log_penalty), np.zeros(12), jac=True, tol=1e-12)
    return found.x


ridge = tj.implicit.minimizer(objective, solver)


@tj.value_and_grad
def held_out_loss(log_penalty):
    return np.mean((HELD_OUT_X @ ridge(log_penalty) - HELD_OUT_Y) ** 2)


def closed_form(log_penalty):
    """The derivative by hand: the normal equations, differentiated by the penalty."""
    penalty = np.exp(log_penalty)
    normal = X.T @ X + penalty * np.eye(12)
    weights = np.linalg.solve(normal, X.T @ Y)
    moved = -np.linalg.solve(normal, penalty * weights)
    return np.mean(2 * (HELD_OUT_X @ weights - HELD_OUT_Y) * (HELD_OUT_X @ moved))


def main() -> None:
    log_penalty = 0.0
    for step in range(40):
        loss, slope = held_out_loss(log_penalty)
        if step % 10 == 0:
            print(f"penalty {np.exp(log_penalty):6.3f}: held-out loss {loss:.4f}, slope {slope:+.4f}")
        log_penalty -= 0.2 * float(slope)
    loss, slope = held_out_loss(log_penalty)
    print(f"penalty {np.exp(log_penalty):6.3f}: held-out loss {loss:.4f}")
    agrees = np.isclose(held_out_loss(0.5)[1], closed_form(0.5), rtol=1e-5)
    print(f"slope at the optimum {abs(slope):.0e}; equal to the closed form: {agrees}")


if __name__ == "__main__":
    main()

"""Exact gradients for SciPy's optimisers: `jac=True` takes what `@tj.value_and_grad` returns.

python examples/scipy_optimize.py
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import OptimizeResult, minimize

import tapejit as tj


@tj.value_and_grad
def rosenbrock(x):
    """Rosenbrock's valley; its minimum is 0 at (1, ..., 1)."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


@tj.value_and_grad
def chain_energy(heights, length):
    """Height of a chain that hangs between two posts one apart, with links like stiff springs."""
    ends = np.zeros(1)
    drops = np.diff(np.concatenate([ends, heights, ends]))
    count = drops.size
    stretch = count * np.sqrt(drops**2 + 1.0 / count**2) - length
    return np.mean(heights) + 10.0 * np.mean(stretch**2)


@tj.value_and_grad
def huber_line(parameters, x, y):
    """A straight line through data with outliers: quadratic near it, linear far from it."""
    residual = parameters[0] * x + parameters[1] - y
    size = np.abs(residual)
    return np.sum(np.where(size < 1.0, 0.5 * residual**2, size - 0.5))


def report(name: str, found: OptimizeResult) -> None:
    print(f"{name}: {found.fun:.3e} after {found.nit} iterations, {found.nfev} values and gradients")


def valley() -> None:
    found = minimize(rosenbrock, np.zeros(100), jac=True, method="L-BFGS-B", options={"maxfun": 10_000})
    report("Rosenbrock, 100 dimensions", found)
    print(f"  largest distance from the minimum: {np.max(np.abs(found.x - 1)):.1e}")


def chain() -> None:
    found = minimize(chain_energy, np.zeros(31), args=(2.0,), jac=True, method="L-BFGS-B")
    report("hanging chain", found)
    lopsided = np.max(np.abs(found.x - found.x[::-1]))
    print(f"  it hangs {-found.x.min():.3f} deep; left and right differ by {lopsided:.0e}")


def line() -> None:
    rng = np.random.default_rng(0)
    x = np.linspace(0, 10, 50)
    y = 2.0 * x - 1.0 + rng.normal(0, 0.1, 50)
    y[::10] += 30.0
    found = minimize(huber_line, np.zeros(2), args=(x, y), jac=True)
    report("line through outliers", found)
    print(f"  slope and intercept {found.x.round(2)}; by least squares {np.polyfit(x, y, 1).round(2)}")


def main() -> None:
    valley()
    chain()
    line()
    print(tj.cache_info())


if __name__ == "__main__":
    main()

"""Second derivatives for SciPy: Newton-CG with products of the Hessian, trust-exact with the Hessian itself.

python examples/newton_cg.py [dimensions]
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.optimize import OptimizeResult, minimize

import tapejit as tj


def rosenbrock(x):
    """Rosenbrock's valley; its minimum is 0 at (1, ..., 1)."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def product(x, direction):
    """The Hessian times a direction, which never becomes a matrix."""
    return tj.hvp(rosenbrock, x, direction)


def report(name: str, found: OptimizeResult) -> None:
    away = np.max(np.abs(found.x - 1.0))
    print(f"{name}: {found.nit} iterations, at most {away:.0e} from the minimum: {away < 1e-5}")


def main(dimensions: int) -> None:
    start = np.zeros(dimensions)
    value_and_gradient = tj.value_and_grad(rosenbrock)
    options = {"maxiter": 2000}
    report(
        "Newton-CG, hessp",
        minimize(
            value_and_gradient, start, jac=True, hessp=product, method="Newton-CG", tol=1e-10, options=options
        ),
    )
    report(
        "trust-exact, hess",
        minimize(
            value_and_gradient, start, jac=True, hess=tj.hessian(rosenbrock), method="trust-exact", tol=1e-10
        ),
    )
    sparse = tj.hessian(rosenbrock, sparse=True)
    report(
        "trust-constr, sparse hess",
        minimize(value_and_gradient, start, jac=True, hess=sparse, method="trust-constr", options=options),
    )
    print(f"entries of the Hessian: {sparse(start).nnz} of {dimensions**2}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)

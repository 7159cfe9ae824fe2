"""Gradients through Python's own `if`, `while`, `for` and recursion: what ran is what is differentiated.

python examples/control_flow.py
"""

from __future__ import annotations

import numpy as np

import tapejit as tj


def double_until_long(a):
    """A loop whose number of rounds, and a branch whose side, depend on the data."""
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    return b if np.sum(b) > 0 else 100 * b


def imperative() -> None:
    a = tj.array(np.random.default_rng(0).normal(size=3))
    a.attach_grad()
    with tj.record():
        d = double_until_long(a)
    d.backward()
    print("piecewise linear, so the gradient is d / a:", bool(np.allclose(a.grad, d / a)))


@tj.value_and_grad
def babylonian_root(x):
    """The square root by Newton's method, iterated until it stops moving."""
    guess = x
    while abs(guess * guess - x) > 1e-12:
        guess = (guess + x / guess) / 2
    return guess


def decorated() -> None:
    for x in (2.0, 9.0):
        value, slope = babylonian_root(x)
        print(f"root of {x}: {value:.12f}, slope {slope:.12f}, exact slope {0.5 / x**0.5:.12f}")


@tj.grad
def horner(x, coefficients):
    """A polynomial; the loop is over a Python list, so it unrolls into straight-line code."""
    total = 0.0
    for c in coefficients:
        total = total * x + c
    return total


def power(x, n):
    """x to the n by recursion on Python's integer n."""
    return x if n == 1 else power(x * x, n // 2) * (x if n % 2 else 1.0)


def main() -> None:
    imperative()
    decorated()
    print("slope of 2x² + 3x + 4 at 5:", horner(5.0, [2.0, 3.0, 4.0]))
    print("slope of x¹⁰ at 1.5:", tj.grad(power)(1.5, 10), "=", 10 * 1.5**9)
    print("gradient of the gradient of x⁴ at 2:", tj.grad(tj.grad(lambda x: x**4))(2.0))


if __name__ == "__main__":
    main()

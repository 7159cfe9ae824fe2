"""What each program beside this file prints when it is run: its value, gradients, and that they are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tapejit as tj


def report(
    objective: Callable[..., Any], draw: Callable[..., Any], size: tuple[int, ...], count: int
) -> None:
    """Differentiate by the first `count` arguments, compiled, and compare with central differences."""
    arguments = draw(np.random.default_rng(0), *size)
    parameters, data = arguments[:count], arguments[count:]
    value, gradients = tj.value_and_grad(objective, argnums=tuple(range(count)))(*arguments)
    agrees = np.isclose(value, objective(*arguments), rtol=1e-12)
    print(f"value {float(value):.6f}, as without tapejit: {agrees}")
    for place, gradient in enumerate(gradients):
        print(
            f"gradient by argument {place}: shape {np.shape(gradient)}, norm {np.linalg.norm(gradient):.6f}"
        )
    tj.check_grads(lambda *varied: objective(*varied, *data), parameters, modes=["rev"])
    print("central differences agree")

"""Rules by which optimisers update parameters, and libraries that follow them without further memory.

A rule stands here twice in NumPy's words: in place, and returning what is new. Each contestant makes a step:
a function of no arguments that goes on from where it was, and gives the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np

RATE, KEPT, KEPT_SQUARES, SMALL = 0.01, 0.9, 0.999, 1e-8


def momentum(w, m, g):
    """Stochastic gradient descent with momentum, in place."""
    m *= KEPT
    m += g
    w -= RATE * m


def new_momentum(w, m, g):
    m = KEPT * m + g
    return w - RATE * m, m


def adam(w, m, v, g, rate, scale):
    """Adam (Kingma and Ba, 2015) in place; `rate` and `scale` are `corrections` of the step."""
    m *= KEPT
    m += (1.0 - KEPT) * g
    v *= KEPT_SQUARES
    v += (1.0 - KEPT_SQUARES) * g * g
    w -= rate * m / (v**0.5 * scale + SMALL)


def new_adam(w, m, v, g, rate, scale):
    m = KEPT * m + (1.0 - KEPT) * g
    v = KEPT_SQUARES * v + (1.0 - KEPT_SQUARES) * g * g
    return w - rate * m / (v**0.5 * scale + SMALL), m, v


def corrections(step: int) -> tuple[float, float]:
    """For moments that began at zero."""
    return RATE / (1.0 - KEPT**step), (1.0 - KEPT_SQUARES**step) ** -0.5


def none(step: int) -> tuple[()]:
    return ()


class Rule(NamedTuple):
    """`arrays` of parameters and state, then the gradient, then `numbers` of a step."""

    name: str
    arrays: int
    in_place: Callable[..., None]
    new: Callable[..., tuple[Any, ...]]
    numbers: Callable[[int], tuple[float, ...]]

    def drawn(self, size: int) -> tuple[list[np.ndarray], np.ndarray]:
        """Parameters and state where a training begins, and a gradient."""
        random = np.random.default_rng(size)
        w, g = random.standard_normal((2, size), np.float32)
        return [w.copy(), *np.zeros((self.arrays - 1, size), np.float32)], g.copy()


RULES = (Rule("momentum", 2, momentum, new_momentum, none), Rule("Adam", 3, adam, new_adam, corrections))
Step = Callable[[], Any]


def writing(function: Callable[..., Any], rule: Rule, size: int) -> Step:
    """The step of a function that writes to its arguments."""
    state, g = rule.drawn(size)
    steps = count(1)

    def step() -> Any:
        function(*state, g, *rule.numbers(next(steps)))
        return state[0]

    return step


def returning(function: Callable[..., Any], rule: Rule, state: Sequence[Any], g: Any) -> Step:
    """The step of a function that returns parameters and state anew."""
    steps = count(1)

    def step() -> Any:
        nonlocal state
        state = function(*state, g, *rule.numbers(next(steps)))
        return state[0]

    return step


def contestants(rule: Rule, size: int, peers: bool) -> Iterator[tuple[str, Step]]:
    """By name, the hand-written loop first."""
    import tapejit as tj

    yield "hand-written", writing(by_hand(rule), rule, size)
    yield "tapejit", writing(tj.jit(rule.in_place), rule, size)
    donated = tj.jit(rule.new, donate_argnums=tuple(range(rule.arrays)))
    yield "tapejit, donated", returning(donated, rule, *rule.drawn(size))
    yield "tapejit, new", returning(tj.jit(rule.new), rule, *rule.drawn(size))
    yield "NumPy", writing(rule.in_place, rule, size)
    if peers:
        yield from libraries(rule, size)


def libraries(rule: Rule, size: int) -> Iterator[tuple[str, Step]]:
    """Those that are installed."""
    for name, made in (("JAX, donated", jax_step), ("PyTorch, fused", torch_step)):
        try:
            yield name, made(rule, size)
        except ImportError:
            continue


def jax_step(rule: Rule, size: int) -> Step:
    import jax

    state, g = rule.drawn(size)
    function = jax.jit(rule.new, donate_argnums=tuple(range(rule.arrays)))
    step = returning(function, rule, [jax.numpy.array(x) for x in state], jax.numpy.array(g))
    return lambda: step().block_until_ready()


def torch_step(rule: Rule, size: int) -> Step:
    import torch

    (w, *_), g = rule.drawn(size)
    parameter = torch.nn.Parameter(torch.from_numpy(w))
    parameter.grad = torch.from_numpy(g)
    made = {
        "momentum": lambda: torch.optim.SGD([parameter], RATE, momentum=KEPT, fused=True),
        "Adam": lambda: torch.optim.Adam([parameter], RATE, (KEPT, KEPT_SQUARES), SMALL, fused=True),
    }
    optimiser = made[rule.name]()

    def step() -> Any:
        optimiser.step()
        return w

    return step


def by_hand(rule: Rule) -> Callable[..., None]:
    """A loop that Numba compiles, as an expert writes it."""
    import numba

    f32 = np.float32
    kept, rate, squares, small = f32(KEPT), f32(RATE), f32(KEPT_SQUARES), f32(SMALL)
    rest, rest_of_squares = f32(1.0 - KEPT), f32(1.0 - KEPT_SQUARES)

    def momentum(w, m, g):
        for i in range(w.size):
            m[i] = kept * m[i] + g[i]
            w[i] -= rate * m[i]

    def adam(w, m, v, g, rate, scale):
        for i in range(w.size):
            m[i] = kept * m[i] + rest * g[i]
            v[i] = squares * v[i] + rest_of_squares * g[i] * g[i]
            w[i] -= f32(rate) * m[i] / (np.sqrt(v[i]) * f32(scale) + small)

    return numba.njit(fastmath={"contract"}, error_model="numpy")(
        {"momentum": momentum, "Adam": adam}[rule.name]
    )

"""One figure of compile_time.py: `first_call.py LIBRARY GRAPH` prints the seconds of a first call."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy

PROGRAMS = Path(__file__).parents[1] / "examples" / "programs"
Differentiated = Callable[[Callable[..., Any], tuple[int, ...]], Callable[..., Any]]


def main(library: str, graph: str) -> None:
    """Compile something small, then time the graph."""
    name, size = graph.split(":")
    np, differentiated = LIBRARIES[library]()
    small = numpy.linspace(0.1, 1.0, 10)
    differentiated(lambda x: np.sum(np.sin(x) * x), (0,))(small)
    function, arguments, argnums = GRAPHS[name](name, int(size), np)
    begin = time.perf_counter()
    differentiated(function, argnums)(*arguments)
    print(time.perf_counter() - begin)


def tapejit() -> tuple[Any, Differentiated]:
    """NumPy, and how tapejit differentiates what is written with it."""
    import tapejit as tj

    return numpy, lambda function, argnums: tj.value_and_grad(function, argnums=argnums)


def jax() -> tuple[Any, Differentiated]:
    """JAX's NumPy, and its compiled derivative, waited for."""
    import jax

    jax.config.update("jax_enable_x64", True)

    def differentiated(function: Callable[..., Any], argnums: tuple[int, ...]) -> Callable[..., Any]:
        compiled = jax.jit(jax.value_and_grad(function, argnums))
        return lambda *args: jax.block_until_ready(compiled(*map(jax.numpy.asarray, args)))

    return jax.numpy, differentiated


LIBRARIES: dict[str, Callable[[], tuple[Any, Differentiated]]] = {"tapejit": tapejit, "JAX": jax}
Graph = tuple[Callable[..., Any], tuple[Any, ...], tuple[int, ...]]


def sines(name: str, operations: int, np: Any) -> Graph:
    """A chain of `x = sin(x) * 1.01`."""

    def chain(x: Any) -> Any:
        for _ in range(operations // 2):
            x = np.sin(x) * 1.01
        return np.sum(x)

    return chain, (numpy.linspace(0.1, 1.0, 10),), (0,)


def cheap(name: str, operations: int, np: Any) -> Graph:
    """A chain of `x = x * y + 0.01`."""

    def chain(x: Any, y: Any) -> Any:
        for _ in range(operations // 2):
            x = x * y + 0.01
        return np.sum(x)

    return chain, (numpy.linspace(0.1, 1.0, 10), numpy.linspace(0.9, 1.0, 10)), (0, 1)


def recurrent(name: str, steps: int, np: Any) -> Graph:
    """A recurrent network of eight units, one array operation after another for so many steps."""

    def network(w: Any, x: Any) -> Any:
        h = np.zeros(8)
        for t in range(steps):
            h = np.tanh(w @ h + x[t])
        return np.sum(h * h)

    random = numpy.random.default_rng(0)
    return network, (random.normal(size=(8, 8)) / 3, random.normal(size=(steps, 8))), (0,)


def program(name: str, size: int, np: Any) -> Graph:
    """One of examples/programs, whose `np` becomes that of the library."""
    sys.path.insert(0, str(PROGRAMS))
    module: Any = importlib.import_module(name)
    arguments = module.draw(numpy.random.default_rng(0), size, *module.SIZES[-1][1:])
    module.np = np
    return module.objective, arguments, tuple(range(module.DIFFERENTIATED))


GRAPHS: dict[str, Callable[[str, int, Any], Graph]] = {
    "sines": sines,
    "cheap": cheap,
    "recurrent": recurrent,
    "kalman_filter": program,
    "hidden_markov": program,
}

if __name__ == "__main__":
    main(*sys.argv[1:])

"""The libraries of overhead.py: each can record a chain, and take a gradient, on NumPy inputs.

`record(function, inputs)` is a call that runs the function with gradients wanted and drops the result;
`gradient(function, inputs)` one that gives the gradients of all inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from workloads.namespace import written_for

Call = Callable[[], Any]
Inputs = Sequence[numpy.ndarray]


class Imperative:
    """tapejit's `record()` and `backward()`."""

    name = "tapejit"

    def __init__(self):
        import tapejit

        self.library = tapejit

    def _leaves(self, inputs: Inputs) -> list[Any]:
        leaves = [self.library.array(x) for x in inputs]
        for leaf in leaves:
            leaf.attach_grad()
        return leaves

    def record(self, function: Callable[..., Any], inputs: Inputs) -> Call:
        leaves, scope = self._leaves(inputs), self.library.record

        def call():
            with scope():
                function(*leaves)

        return call

    def gradient(self, function: Callable[..., Any], inputs: Inputs) -> Call:
        leaves, scope = self._leaves(inputs), self.library.record

        def call():
            with scope():
                head = function(*leaves)
            head.backward()
            return [leaf.grad for leaf in leaves]

        return call


class Decorated:
    """tapejit's decorator."""

    name = "tapejit, decorated"

    def __init__(self):
        import tapejit

        self.library = tapejit

    def gradient(self, function: Callable[..., Any], inputs: Inputs) -> Call:
        argnums = tuple(range(len(inputs))) if len(inputs) > 1 else 0
        differentiated = self.library.value_and_grad(argnums=argnums)(function)
        return lambda: differentiated(*inputs)


class Torch:
    """PyTorch, eager."""

    name = "PyTorch"

    def __init__(self):
        import torch

        self.library = torch
        self.names = {"np": torch}

    def record(self, function: Callable[..., Any], inputs: Inputs) -> Call:
        function = written_for(function, self.names)
        leaves = [self.library.tensor(x, requires_grad=True) for x in inputs]
        return lambda: function(*leaves)

    def gradient(self, function: Callable[..., Any], inputs: Inputs) -> Call:
        function = written_for(function, self.names)
        leaves = [self.library.tensor(x, requires_grad=True) for x in inputs]
        return lambda: self.library.autograd.grad(function(*leaves), leaves)


class Autograd:
    """HIPS autograd."""

    name = "autograd"

    def __init__(self):
        import autograd
        import autograd.numpy as np

        self.library = autograd
        self.names = {"np": np}

    def record(self, function: Callable[..., Any], inputs: Inputs) -> Call:
        function = written_for(function, self.names)
        return lambda: self.library.make_vjp(lambda xs: function(*xs))(tuple(inputs))

    def gradient(self, function: Callable[..., Any], inputs: Inputs) -> Call:
        function = written_for(function, self.names)
        differentiated = self.library.grad(function, argnum=tuple(range(len(inputs))))
        return lambda: differentiated(*inputs)


class EagerJax:
    """JAX without `jit`, the only way it takes Python's control flow."""

    name = "JAX, not jitted"

    def __init__(self):
        import jax

        jax.config.update("jax_enable_x64", True)
        self.library = jax
        self.names = {"np": jax.numpy}

    def gradient(self, function: Callable[..., Any], inputs: Inputs) -> Call:
        function = written_for(function, self.names)
        differentiated = self.library.value_and_grad(function, argnums=tuple(range(len(inputs))))
        arrays = [self.library.numpy.asarray(x) for x in inputs]
        return lambda: self.library.block_until_ready(differentiated(*arrays))


OURS = (Imperative, Decorated)
PEERS = (Torch, Autograd, EagerJax)


def line_up(peers: bool) -> tuple[list[Any], dict[str, str]]:
    """Those that are installed, and why the others are not there."""
    present: list[Any] = [kind() for kind in OURS]
    absent: dict[str, str] = {}
    for kind in PEERS if peers else ():
        try:
            present.append(kind())
        except ImportError as missing:
            absent[kind.name] = str(missing)
    return present, absent

"""Who races: the limit, tapejit and its peers. Each module wraps one library and imports it when asked to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contestants.autograd import Autograd
from contestants.casadi import CasAdi
from contestants.contestant import Contestant
from contestants.drjit import DrJit
from contestants.elsewhere import Elsewhere
from contestants.jax import EagerJax, Jax
from contestants.native import Limit
from contestants.pytensor import PyTensor
from contestants.tapejit import Tapejit
from contestants.torch import CompiledTorch, Torch

PEERS = (Jax, Torch, Autograd, Elsewhere(PyTensor, "PYTENSOR_PYTHON"), DrJit, CasAdi)


def line_up(threads: int, peers: bool, torch_compile: bool) -> tuple[list[Contestant], dict[str, str]]:
    """Those who can race kernels, the limit and tapejit first, and why the others cannot."""
    wanted = (*PEERS, CompiledTorch) if torch_compile else PEERS
    return entered((Limit, Tapejit, *(wanted if peers else ())), threads)


def line_up_for_programs(threads: int, peers: bool) -> tuple[list[Contestant], dict[str, str]]:
    """Those who can run NumPy programs; autograd first, for it calls NumPy itself and is the reference."""
    return entered((Autograd, Tapejit, Jax, EagerJax) if peers else (Tapejit,), threads)


def entered(kinds: Iterable[Any], threads: int) -> tuple[list[Contestant], dict[str, str]]:
    """Those whose library is installed, and why the others are absent."""
    present: list[Contestant] = []
    absent: dict[str, str] = {}
    for kind in kinds:
        try:
            present.append(kind(threads))
        except ImportError as missing:
            absent[kind.name] = str(missing)
    return present, absent

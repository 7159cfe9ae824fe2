"""Who races: the limit, tapejit and its peers. Each module wraps one library and imports it when asked to."""

from __future__ import annotations

from contestants.autograd import Autograd
from contestants.casadi import CasAdi
from contestants.contestant import Contestant
from contestants.drjit import DrJit
from contestants.jax import Jax
from contestants.native import Limit
from contestants.pytensor import PyTensor
from contestants.tapejit import Tapejit
from contestants.torch import CompiledTorch, Torch

PEERS = (Jax, Torch, Autograd, PyTensor, DrJit, CasAdi)


def line_up(threads: int, peers: bool, torch_compile: bool) -> tuple[list[Contestant], dict[str, str]]:
    """Those who can take part, the limit and tapejit first, and why the others cannot."""
    wanted = (*PEERS, CompiledTorch) if torch_compile else PEERS
    present: list[Contestant] = [Limit(threads), Tapejit(threads)]
    absent: dict[str, str] = {}
    for kind in wanted if peers else ():
        try:
            present.append(kind(threads))
        except ImportError as missing:
            absent[kind.name] = str(missing)
    return present, absent

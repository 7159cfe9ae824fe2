"""Devices, in MXNet's words: every array lives on `cpu(0)`.

Functions of the faces accept `ctx=` and `device=` so that programs written for MXNet run; a device
that does not exist is an error, not silently the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """A device, by type and number; prints as `cpu(0)`."""

    device_type: str = "cpu"
    device_id: int = 0

    def __repr__(self) -> str:
        return f"{self.device_type}({self.device_id})"


CPU = Context()


def cpu(device_id: int = 0) -> Context:
    """The CPU. All numbers name the same memory, as in MXNet.

    >>> cpu()
    cpu(0)
    """
    return Context("cpu", device_id)


def gpu(device_id: int = 0) -> Context:
    """A GPU, by name only: there are `num_gpus()` of them, and an array cannot be put on one."""
    return Context("gpu", device_id)


def num_gpus() -> int:
    """0: tapejit computes on the CPU."""
    return 0


def current_context() -> Context:
    """Where arrays are made: the CPU."""
    return CPU


def require_cpu(*devices: Context | str | None) -> None:
    """ValueError for a device that arrays cannot be put on; None stands for the current one."""
    for device in devices:
        if device is not None and not str(device).startswith("cpu"):
            raise ValueError(
                f"there is no device {device}: tapejit computes on the CPU; use cpu() or leave it out"
            )

"""Arguments whose memory results are left in: those that a function writes to, and those that were donated.

Inside the call an array argument is a value on the tape, and a write gives it another (`tracer.alias`). What
it is at the end is a result of the path's program, whose home is the argument: the caller's array shows it,
as in NumPy. A donated argument is the home of a result that the call returns (`donation`). `Claim` is how a
replay makes sure that the program may write there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tapejit.tracer.errors import InPlaceError
from tapejit.tracer.handle import Handle


@dataclass(frozen=True)
class Overwritten:
    """Leaves of a call that become homes of results, and their `memory`, as the caller gave it.

    `written`: by leaf, what stands for it at the end, which nobody returns. `taken`: the leaves that results
    of the call are left in, by the place of the result.
    """

    written: Mapping[int, Handle] = field(default_factory=dict)
    taken: Mapping[int, int] = field(default_factory=dict)
    memory: Mapping[int, np.ndarray] = field(default_factory=dict)


NOTHING = Overwritten()


@dataclass(frozen=True)
class Claim:
    """An argument of a path's program that is the home of a result: the `leaf` of the call that it is.

    If the function wrote to it, the caller's array shows the result whatever its layout; a donated one is
    left alone where the program cannot write to it as it is.
    """

    parameter: int
    leaf: int
    is_written: bool

    def laid_out(self, leaves: Sequence[Any], args: Sequence[Any], constants: Iterable[np.ndarray]) -> Any:
        """The argument, or a copy of it if there is something to lose by writing to it.

        One that the function writes to is known to be apart from other arguments (`overlapping`).
        """
        given, arg = leaves[self.leaf], args[self.parameter]
        if arg is not given:
            return arg
        shared = not self.is_written and overlapping(leaves, (self.leaf,))
        shared = shared or any(np.may_share_memory(given, x) for x in constants)
        return given.copy() if shared or not given.flags.writeable else given

    def settle(self, leaves: Sequence[Any], args: Sequence[Any]) -> None:
        """Show the caller what was written, if it went into a copy."""
        if self.is_written and args[self.parameter] is not leaves[self.leaf]:
            np.copyto(leaves[self.leaf], args[self.parameter])


def written_arguments(given: Sequence[Any], traced: Sequence[Any], where: str) -> dict[int, Handle]:
    """By position among the leaves: what stands for the arrays of `given` that were written to.

    InPlaceError if one of them overlaps another argument, which the trace did not see change.
    """
    pairs = enumerate(zip(given, traced, strict=True))
    written = {k: t for k, (g, t) in pairs if isinstance(g, np.ndarray) and _is_another(g, t)}
    if overlapping(given, written):
        raise InPlaceError(
            f"{where} writes to an argument that shares memory with another argument; pass a copy of one of "
            "them"
        )
    return written


def overlapping(leaves: Sequence[Any], written: Iterable[int]) -> bool:
    """Whether an array that is written to shares memory with another one."""
    for k in written:
        for j, x in enumerate(leaves):
            if j != k and isinstance(x, np.ndarray) and np.may_share_memory(leaves[k], x):
                return True
    return False


def write_back(given: Sequence[Any], written: Mapping[int, Handle]) -> None:
    """Show the caller what was written."""
    for k, handle in written.items():
        np.copyto(given[k], handle.materialise())


def _is_another(given: np.ndarray, traced: Any) -> bool:
    """Whether an argument's array stands for something else now than the memory that was given."""
    if not isinstance(traced, Handle) or not given.size:
        return False
    return traced._elements is None or not np.may_share_memory(traced._elements, given)

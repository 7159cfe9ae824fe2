"""Many directions at once, and which elements a derivative connects.

`forward_sweeps` and `reverse_sweeps` batch a tangent and an adjoint over given directions; `connections` is
the pattern of the Jacobian, read off the tangent, so that what is cut (a discrete row, an own rule) is cut
in it too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.function import Function, Value
from tapejit.ir.interpreter import interpret
from tapejit.ir.passes.dce import dce
from tapejit.ir.sparsity import Pattern, dependence, diagonal
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.transforms.batch import batch
from tapejit.ir.transforms.jacobian import reverse_jacobian
from tapejit.ir.transforms.tangent import tangent


def forward_sweeps(f: Function, wrt: Sequence[int], heads: int, count: int) -> Function:
    """`f : x -> y` to `(x, x_dots) -> y_dots`, the dots with a leading axis of `count` directions."""
    return batch(pushed(f, wrt, heads), count, [False] * len(f.params) + [True] * len(wrt))


def reverse_sweeps(f: Function, wrt: Sequence[int], heads: int, count: int) -> Function:
    """`f : x -> y` to `(x, y_bars) -> x_bars`, the bars with a leading axis of `count` directions."""
    pulled = adjoint(Function(f.name, f.params, f.body, f.results[:heads]), wrt)
    pulled.results = pulled.results[heads:]
    return batch(dce(pulled), count, [False] * len(f.params) + [True] * heads)


def hessian_diagonal(f: Function, wrt: Sequence[int], count: int) -> Function:
    """`f : x -> (y, rest)`, y a scalar, to `(x, colours) -> (diagonal, rest)`.

    Each colour is the sum of unit vectors that the Hessian does not connect: what the Hessian makes of it
    holds, at the elements of the colour, their entries of the diagonal.
    """
    swept = forward_sweeps(reverse_jacobian(f, wrt, 1), wrt, len(wrt), count)
    builder = Builder(f"{f.name}.diagonal")
    params = [builder.param(v.type, v.name) for v in swept.params]
    own = params[: len(f.params)]
    found = builder.inline(swept, params)
    pairs = zip(found, params[len(f.params) :], strict=True)
    diagonal_ = [ops.reduce_sum(z * colour, axes=(0,)) for z, colour in pairs]
    return builder.finish([*diagonal_, *builder.inline(f, own)[1:]])


def pushed(f: Function, wrt: Sequence[int], heads: int) -> Function:
    """`(x, x_dot) -> y_dot` of the first `heads` results."""
    both = tangent(f, wrt)
    both.results = both.results[len(f.results) :][:heads]
    return dce(both)


def connections(
    f: Function, wrt: Sequence[int], heads: int, args: Sequence[np.ndarray] | None
) -> tuple[list[Pattern], bool]:
    """Per head its pattern, and whether it depends on the numbers in an index, which `args` tell if given.

    The columns are the elements of the parameters `wrt`, one after the other.
    """
    function, given, first, asked = pushed(f, wrt, heads), {}, 0, []
    for k, i in enumerate(wrt):
        size = f.params[i].type.size
        given[len(f.params) + k] = diagonal(size, first)
        first += size

    def known(index: Value) -> np.ndarray | None:
        asked.append(index)
        if args is None:
            return None
        zeros = [np.zeros(v.type.shape) for v in function.params[len(args) :]]
        part = dce(Function("index", function.params, function.body, (index,)))
        return interpret(part, *args, *zeros)[0]

    return dependence(function, given, known), bool(asked)

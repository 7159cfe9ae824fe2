"""The checks of `row_checks` catch wrong rows: each row here is wrong in one place.

A check that passes everything proves nothing. Beside each corrupted row stands the check that must
fail on one of its examples; the row it was made from passes the same check.
"""

from dataclasses import replace

import numpy as np
import pytest
import row_checks

from tapejit.ir import control, gather, loop, ops, scan, shape, sort
from tapejit.ir.emission import (
    Constant,
    Fold,
    FoldIndex,
    IndexMap,
    Ordered,
    Padded,
    Scalar,
    Scanned,
    Scattered,
)
from tapejit.ir.primitive import Discrete, Mapped, elementwise, linear


def map_like(row, partials):
    return elementwise(
        row.name,
        infer=row.infer,
        reference=row.reference,
        partials=partials,
        source=row.emission.source,
        examples=row.examples,
    )


def linear_like(row, transpose):
    return linear(
        row.name,
        infer=row.infer,
        reference=row.reference,
        transpose=transpose,
        batch=row.batch,
        emission=row.emission,
        examples=row.examples,
    )


def swapped(rule):
    """The first two of the adjoints, exchanged."""

    def vjp(*args, **attrs):
        first, second, *rest = rule(*args, **attrs)
        return second, first, *rest

    return vjp


def without_second(rule):
    """A tangent that forgets its second operand."""
    return lambda ts, *args, **attrs: rule((ts[0], None, *ts[2:]), *args, **attrs)


def left_inside(stack):
    """The right elements in the shape of a stack, with its axis taken from the end."""
    rank = len(stack.shape)
    return ops.reshape(ops.transpose(stack, perm=(*range(1, rank), 0)), shape=stack.shape)


CORRUPTIONS = [
    ("sign of a partial", ops.sin, map_like(ops.sin, (lambda r, x: -ops.cos(x),)), "check_tangent"),
    ("sign of a constant partial", ops.sub, map_like(ops.sub, (1.0, 1.0)), "check_tangent"),
    (
        "partials swapped",
        ops.div,
        map_like(ops.div, (lambda r, x, y: -r / y, lambda r, x, y: 1.0 / y)),
        "check_tangent",
    ),
    (
        "partial of the wrong operand",
        ops.mul,
        map_like(ops.mul, (lambda r, x, y: x, lambda r, x, y: y)),
        "check_tangent",
    ),
    ("a factor missing", ops.sqrt, map_like(ops.sqrt, (lambda r, x: 1.0 / r,)), "check_tangent"),
    ("a partial forgotten", ops.mul, map_like(ops.mul, (None, lambda r, x, y: x)), "check_tangent"),
    ("adjoints swapped", ops.sub, replace(ops.sub, vjp=swapped(ops.sub.vjp)), "check_adjoint"),
    (
        "adjoints of the arms swapped",
        ops.select,
        replace(ops.select, vjp=lambda *a: (None, *ops.select.vjp(*a)[:0:-1])),
        "check_adjoint",
    ),
    (
        "a tangent forgotten",
        ops.dot_general,
        replace(ops.dot_general, jvp=without_second(ops.dot_general.jvp)),
        "check_tangent",
    ),
    ("tangent declared discrete", ops.tanh, replace(ops.tanh, jvp=Discrete("wrong")), "check_adjoint"),
    ("declared discrete", ops.tanh, map_like(ops.tanh, Discrete("wrong")), "check_tangent"),
    ("slope frozen", ops.exp, map_like(ops.exp, (lambda r, x: ops.stop_gradient(r),)), "check_second_order"),
    (
        "slope frozen in the adjoint",
        ops.mul,
        replace(ops.mul, vjp=lambda ct, r, x, y: (ct * ops.stop_gradient(y), ct * x)),
        "check_second_order",
    ),
    (
        "transpose along the wrong axes",
        ops.reduce_sum,
        linear_like(
            ops.reduce_sum,
            lambda ct, x, *, axes: ops.reshape(
                ops.broadcast(
                    ct, shape=(*ct.shape, x.size // ct.type.size), dims=tuple(range(len(ct.shape)))
                ),
                shape=x.shape,
            ),
        ),
        "check_adjoint",
    ),
    (
        "permutation not inverted",
        ops.transpose,
        linear_like(
            ops.transpose, lambda ct, x, *, perm: ops.reshape(ops.transpose(ct, perm=perm), shape=x.shape)
        ),
        "check_adjoint",
    ),
    (
        "adjoint scaled",
        ops.broadcast,
        linear_like(
            ops.broadcast,
            lambda ct, x, *, shape, dims: (
                0.5 * ops.reduce_sum(ct, axes=tuple(i for i in range(len(shape)) if i not in dims))
            ),
        ),
        "check_adjoint",
    ),
    (
        "adjoint of the wrong dtype",
        ops.cast,
        linear_like(ops.cast, lambda ct, x, *, dtype: ct),
        "check_dtypes",
    ),
    (
        "tangent padded with the value",
        ops.pad,
        replace(ops.pad, jvp=lambda ts, r, x, **attrs: ops.pad(ts[0], **attrs)),
        "check_tangent",
    ),
    (
        "pieces in the wrong order",
        ops.concat,
        replace(ops.concat, vjp=swapped(ops.concat.vjp)),
        "check_adjoint",
    ),
    (
        "product adjoint negated",
        ops.dot_general,
        replace(ops.dot_general, vjp=lambda ct, r, x, y, **attrs: ops.dot_general.vjp(ct, r, x, -y, **attrs)),
        "check_adjoint",
    ),
    (
        "the other branch's adjoint",
        control.cond,
        replace(
            control.cond,
            vjp=lambda ct, r, *xs, regions, transform: control.cond.vjp(
                ct, r, *xs, regions=regions[::-1], transform=transform
            ),
        ),
        "check_adjoint",
    ),
    (
        "a constant's adjoint of a loop forgotten",
        loop.while_,
        replace(
            loop.while_,
            vjp=lambda cts, rs, *xs, carry, **kw: (
                *loop.while_.vjp(cts, rs, *xs, carry=carry, **kw)[:carry],
                *(None for _ in xs[carry:]),
            ),
        ),
        "check_adjoint",
    ),
    (
        "a constant's tangent of a loop forgotten",
        loop.while_,
        replace(
            loop.while_,
            jvp=lambda ts, *args, carry, **kw: loop.while_.jvp(
                (*ts[:carry], *(None for _ in ts[carry:])), *args, carry=carry, **kw
            ),
        ),
        "check_tangent",
    ),
    (
        "the adjoints of the steps summed with the wrong sign",
        loop.while_adjoint,
        replace(
            loop.while_adjoint,
            vjp=lambda cts, *args, **kw: loop.while_adjoint.vjp(
                (cts[0], *(-ct for ct in cts[1:])), *args, **kw
            ),
        ),
        "check_adjoint",
    ),
    (
        "batch axis taken for a dimension",
        ops.reduce_sum,
        replace(ops.reduce_sum, batch=lambda x, *, axes: ops.reduce_sum(x, axes=axes)),
        "check_batch",
    ),
    (
        "batch moved to the end",
        ops.transpose,
        replace(ops.transpose, batch=lambda x, *, perm: ops.transpose(x, perm=(*(p + 1 for p in perm), 0))),
        "check_batch",
    ),
    (
        "one branch for the whole stack",
        control.cond,
        replace(
            control.cond,
            batch=Mapped(lambda pred, *xs, **kw: control.cond.batch.rule(ops.logical_not(pred), *xs, **kw)),
        ),
        "check_batch",
    ),
    (
        "the new axis left inside a product",
        ops.dot_general,
        replace(
            ops.dot_general,
            batch=Mapped(lambda x, y, **attrs: left_inside(ops.dot_general.batch.rule(x, y, **attrs))),
        ),
        "check_batch",
    ),
    ("type rule too wide", ops.argmax, replace(ops.argmax, infer=shape.reduce_numeric), "check_types"),
    (
        "reference in f64",
        ops.exp,
        replace(ops.exp, reference=lambda x: np.exp(x.astype(np.float64))),
        "check_types",
    ),
    ("reference of another function", ops.log, replace(ops.log, reference=np.log2), "check_emission"),
    (
        "operands of the source swapped",
        ops.sub,
        replace(ops.sub, emission=Scalar("{1} - {0}")),
        "check_emission",
    ),
    (
        "source of another function",
        ops.sinh,
        replace(ops.sinh, emission=Scalar("cosh({0})")),
        "check_emission",
    ),
    (
        "arms of the source swapped",
        ops.select,
        replace(ops.select, emission=Scalar("select({0}, {2}, {1})")),
        "check_emission",
    ),
    (
        "identity of the fold",
        ops.reduce_max,
        replace(ops.reduce_max, emission=Fold(lambda dtype: "0", "maximum({0}, {1})")),
        "check_emission",
    ),
    (
        "combination of the fold",
        ops.reduce_prod,
        replace(ops.reduce_prod, emission=Fold(lambda dtype: "1", "plus({0}, {1})")),
        "check_emission",
    ),
    (
        "the worst instead of the best",
        ops.argmin,
        replace(ops.argmin, emission=FoldIndex("wins_max({1}, {0})")),
        "check_emission",
    ),
    (
        "index map not inverted",
        ops.transpose,
        replace(
            ops.transpose,
            emission=IndexMap(
                lambda index, x, *, perm: tuple(index[k] % x.shape[i] for i, k in enumerate(perm))
            ),
        ),
        "check_emission",
    ),
    (
        "slice without its start",
        ops.slice_,
        replace(
            ops.slice_,
            emission=IndexMap(
                lambda index, x, *, start, stop, step: tuple(i * s for i, s in zip(index, step, strict=True))
            ),
        ),
        "check_emission",
    ),
    (
        "padding on the wrong side",
        ops.pad,
        replace(
            ops.pad,
            emission=Padded(
                lambda index, x, *, low, high, interior, value: tuple(
                    (i - hi, step + 1) for i, hi, step in zip(index, high, interior, strict=True)
                )
            ),
        ),
        "check_emission",
    ),
    (
        "a repeated index overwrites",
        gather.scatter_add,
        replace(gather.scatter_add, emission=Scattered(Fold(lambda dtype: "0", "{1}"))),
        "check_emission",
    ),
    (
        "the first write instead of the last",
        gather.last_write,
        replace(gather.last_write, emission=Scattered(Fold(lambda dtype: "99", "min({0}, {1})"))),
        "check_emission",
    ),
    (
        "an index outside clamped",
        gather.gather,
        replace(
            gather.gather,
            reference=lambda x, index, *, axis: (
                np.take(x, index, axis, mode="clip")
                if x.size
                else gather.gather.reference(x, index, axis=axis)
            ),
        ),
        "check_emission",
    ),
    (
        "a gather's adjoint read, not added up",
        gather.gather,
        replace(
            gather.gather,
            vjp=lambda ct, r, x, index, *, axis: (
                gather.gather(
                    x,
                    gather.last_write(
                        ops.reshape(index, shape=(index.type.size,)), axis=0, size=x.shape[axis]
                    ),
                    axis=axis,
                )
                if axis == 0 and x.type.rank == 1
                else gather.gather.vjp(ct, r, x, index, axis=axis)[0],
                None,
            ),
        ),
        "check_adjoint",
    ),
    (
        "a stack gathered by one index",
        gather.gather,
        replace(
            gather.gather,
            batch=Mapped(
                lambda x, index, **how: gather.gather.batch.rule(ops.reverse(x, axes=(0,)), index, **how)
            ),
        ),
        "check_batch",
    ),
    (
        "an adjoint scan in the wrong direction",
        scan.linear_scan,
        replace(
            scan.linear_scan,
            vjp=lambda ct, r, a, b, *, axis: (
                scan.linear_scan.vjp(ct, r, a, b, axis=axis)[0],
                scan.linear_scan(a, ct, axis=axis),
            ),
        ),
        "check_adjoint",
    ),
    (
        "a scan that forgets the first element",
        scan.linear_scan,
        replace(scan.linear_scan, emission=Scanned("{1}", "{1} * {0} + {2}")),
        "check_emission",
    ),
    (
        "the largest first",
        sort.argsort,
        replace(sort.argsort, emission=Ordered("{0} > {1}")),
        "check_emission",
    ),
    (
        "NaN anywhere in an order",
        sort.argsort,
        replace(sort.argsort, emission=Ordered("{0} < {1}")),
        "check_emission",
    ),
    (
        "counting along the wrong axis",
        ops.iota,
        replace(
            ops.iota, emission=Constant(lambda index, *, dtype, shape, axis: f"{dtype}({index[axis - 1]})")
        ),
        "check_emission",
    ),
]


def fails(check, row):
    """Whether `check` refuses some example of `row`."""
    for operands, attrs in row.examples:
        try:
            check(row, operands, attrs)
        except AssertionError:
            return True
    return False


@pytest.mark.parametrize(
    ("row", "corrupted", "name"), [pytest.param(*fields, id=title) for title, *fields in CORRUPTIONS]
)
def test_the_check_catches_the_corruption(row, corrupted, name):
    check = getattr(row_checks, name)
    assert not fails(check, row)
    assert fails(check, corrupted)


def test_every_check_but_the_text_catches_something():
    """The text form is not stated in a row; test_text.py corrupts texts instead."""
    used = {name for *_, name in CORRUPTIONS}
    assert used == {check.__name__ for check in row_checks.CHECKS} - {"check_text"}

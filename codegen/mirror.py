"""Sums along rows instead of columns, for tables that are their own mirror image.

What pairs of one array's elements have to do with one another, as their distances, is a table that stays the
same when rows and columns are exchanged, or changes only its sign. So its column sums are its row sums, which
need no memory to add up in. The *image* of a value is that value with its first two dimensions exchanged; it
is found if it is another value of the function, or its negative. Start with `sums_of_rows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from tapejit.ir import ops
from tapejit.ir.emission import Scalar
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.primitive import Primitive

EXCHANGED = {0: 1, 1: 0}
FOLDS = (
    ops.reduce_sum,
    ops.reduce_prod,
    ops.reduce_max,
    ops.reduce_min,
    ops.reduce_any,
    ops.reduce_all,
)
COMMUTE = (
    ops.add,
    ops.mul,
    ops.maximum,
    ops.minimum,
    ops.eq,
    ops.ne,
    ops.logical_and,
    ops.logical_or,
    ops.logical_xor,
)


class Image(NamedTuple):
    """`value`, or its negative where `sign` is -1."""

    value: Value
    sign: int


def sums_of_rows(function: Function) -> Function:
    """The same function; its parameters and results are the same values."""
    if not any(_adds_columns(instr) for instr in function.body):
        return function
    writer = _Writer(function)
    for instr in function.body:
        writer.add(instr)
    return Function(function.name, function.params, writer.body, function.results)


def _adds_columns(instr: Instr) -> bool:
    if instr.primitive not in FOLDS or 0 not in instr.attrs["axes"] or 1 in instr.attrs["axes"]:
        return False
    return _is_square(instr.operands[0])


def _is_square(value: Value) -> bool:
    shape = value.type.shape
    return len(shape) > 1 and shape[0] == shape[1] > 1


class _Writer:
    """The new body."""

    def __init__(self, function: Function):
        self._images = images(function)
        self._definitions = function.definitions()
        self._folds = {_key(i): i for i in function.body if i.primitive in FOLDS}
        self._written: set[Instr] = set()
        self.body: list[Instr] = []

    def add(self, instr: Instr) -> None:
        """The instruction, or what takes its place; one that was needed earlier is there already."""
        sign = self._sign_of_image(instr.operands[0]) if _adds_columns(instr) else 0
        if sign == 1:
            self._define(instr, self._rows(instr, instr.operands[0]))
        elif sign == -1 and instr.primitive is ops.reduce_sum:
            self._define_negative(instr, instr.operands[0])
        elif instr not in self._written:
            self._append(instr)

    def _sign_of_image(self, x: Value) -> int:
        """0 if the image is another value, or none that is known."""
        image = self._images.get(x)
        return image.sign if image is not None and image.value is x else 0

    def _define(self, instr: Instr, same: Value) -> None:
        (result,) = instr.results
        attrs = {"shape": result.type.shape}
        self._append(Instr(ops.reshape, (same,), attrs, (result,), (), instr.location))

    def _define_negative(self, instr: Instr, x: Value) -> None:
        """Without a negative zero, which no sum gives."""
        made = self._definitions.get(x)
        if made is not None and made.primitive is ops.neg:
            self._define(instr, self._rows(instr, made.operands[0]))
            return
        (result,) = instr.results
        zero = Value(result.type, None)
        attrs = {"dtype": result.type.dtype, "shape": result.type.shape, "value": 0.0}
        self._append(Instr(ops.full, (), attrs, (zero,), (), instr.location))
        rows = self._rows(instr, x)
        self._append(Instr(ops.sub, (zero, rows), {}, (result,), (), instr.location))

    def _rows(self, instr: Instr, x: Value) -> Value:
        """The fold of `x` along its rows: an instruction that is there, or a new one."""
        axes = tuple(EXCHANGED.get(axis, axis) for axis in instr.attrs["axes"])
        new = Instr(instr.primitive, (x,), {"axes": axes}, (Value(instr.results[0].type, None),), (), None)
        fold = self._folds.setdefault(_key(new), new)
        if fold not in self._written:
            self._append(fold)
        return fold.results[0]

    def _append(self, instr: Instr) -> None:
        self._written.add(instr)
        self.body.append(instr)


def images(function: Function) -> dict[Value, Image]:
    """The images of values whose first two dimensions are alike, as far as they are found."""
    known = {_key(instr): instr.results[0] for instr in function.body if not instr.regions}
    found: dict[Value, Image] = {}
    for instr in function.body:
        if len(instr.results) == 1 and _is_square(instr.results[0]):
            image = _image(instr, found, known)
            if image is not None:
                found[instr.results[0]] = image
    return found


def _image(instr: Instr, found: dict[Value, Image], known: dict[Any, Value]) -> Image | None:
    if instr.primitive is ops.broadcast:
        return _of_broadcast(instr, found, known)
    if instr.primitive is ops.full:
        return Image(instr.results[0], 1)
    if instr.primitive is ops.iota:
        axis = EXCHANGED.get(instr.attrs["axis"], instr.attrs["axis"])
        return _looked_up(ops.iota, (), {**instr.attrs, "axis": axis}, 1, known)
    operands = [found.get(v) for v in instr.operands]
    kept = isinstance(instr.primitive.emission, Scalar) or (
        instr.primitive in FOLDS and min(instr.attrs["axes"], default=2) > 1
    )
    images = [image for image in operands if image is not None]
    return _of_elements(instr, images, known) if kept and len(images) == len(operands) else None


def _of_broadcast(instr: Instr, found: dict[Value, Image], known: dict[Any, Value]) -> Image | None:
    (x,), dims = instr.operands, instr.attrs["dims"]
    if 0 in dims and 1 in dims:
        image = found.get(x) if tuple(dims[:2]) == (0, 1) else None
        return image and _looked_up(instr.primitive, (image.value,), instr.attrs, image.sign, known)
    turned = tuple(EXCHANGED.get(d, d) for d in dims)
    return _looked_up(instr.primitive, (x,), {**instr.attrs, "dims": turned}, 1, known)


def _of_elements(instr: Instr, images: Sequence[Image], known: dict[Any, Value]) -> Image | None:
    """Of what is computed element by element, or folded along other dimensions."""
    sign = _sign(instr, [image.sign for image in images])
    operands = tuple(image.value for image in images)
    if sign is None:
        return None
    image = _looked_up(instr.primitive, operands, instr.attrs, sign, known)
    if image is None and instr.primitive in COMMUTE:
        return _looked_up(instr.primitive, operands[::-1], instr.attrs, sign, known)
    if image is None and instr.primitive is ops.sub:
        return _looked_up(instr.primitive, operands[::-1], instr.attrs, -sign, known)
    return image


def _sign(instr: Instr, signs: Sequence[int]) -> int | None:
    """What the signs of the operands make of the result; None if that is more than a sign."""
    if all(sign > 0 for sign in signs):
        return 1
    if instr.primitive in (ops.mul, ops.div, ops.neg):
        return prod(signs)
    if instr.primitive in (ops.add, ops.sub, ops.reduce_sum):
        return signs[0] if len(set(signs)) == 1 else None
    if instr.primitive is ops.integer_pow:
        return -1 if instr.attrs["exponent"] % 2 else 1
    return 1 if instr.primitive is ops.abs_ else None


def _looked_up(
    primitive: Primitive,
    operands: tuple[Value, ...],
    attrs: dict[str, Any],
    sign: int,
    known: dict[Any, Value],
) -> Image | None:
    value = known.get((primitive, operands, _text(attrs)))
    return None if value is None else Image(value, sign)


def _key(instr: Instr) -> Any:
    return instr.primitive, instr.operands, _text(instr.attrs)


def _text(attrs: dict[str, Any]) -> str:
    return repr(sorted(attrs.items()))

"""What a primitive is, and the families most primitives belong to.

Every field of `Primitive` is required: leaving a rule out of a row is a TypeError when its file is
imported. A rule that is absent on purpose is `Discrete` and says why. Rules are written on `Var`s,
so a derivative is IR again: it can be printed, differentiated, batched and fused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tapejit.ir.emission import Emission, Scalar
from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Builder, Var
    from tapejit.ir.function import Function


@dataclass(frozen=True)
class Discrete:
    """Marks a primitive whose result is piecewise constant: tangent and adjoint are zero."""

    why: str


@dataclass(frozen=True)
class Mapped:
    """A batching rule that takes operands with and without the new axis, told which by `mapped`."""

    rule: Callable[..., Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Primitive:
    """One row. `operands` are `Var`s in rules and arrays in `reference`; `attrs` are keywords.

    A primitive of several results gives and takes tuples where one of a single result gives and
    takes the thing itself. A primitive with regions gets them as the keyword `regions`; its jvp, vjp
    and batch get `transform` too, which takes a region to its tangents alone, its adjoints alone, or
    (with the `mapped` of its parameters, and which results shall be `stacked`) its batched form.
    """

    name: str
    arity: int | None  # None: any number of operands
    results: int | None  # None: as many as `infer` says, given and taken as a tuple
    infer: Callable[..., Any]  # operand types, attrs -> result type(s); TypeError if wrong
    reference: Callable[..., Any]  # arrays, attrs -> array(s); NumPy is the meaning
    jvp: Callable[..., Any] | Discrete  # tangents (None: zero), result, operands, attrs -> tangent
    vjp: Callable[..., Any] | Discrete  # adjoint, result, operands, attrs -> adjoints (None: zero)
    batch: Callable[..., Any] | Mapped  # operands with a new leading axis, attrs -> result with it
    emission: Emission
    examples: tuple[Any, ...]  # (operands, attrs) on which the tests run every rule

    def __call__(self, *operands: Var, builder: Builder | None = None, **attrs: Any) -> Var:
        """Append an instruction of one result; `builder` is needed where there is no operand."""
        (result,) = self.several(*operands, builder=builder, **attrs)
        return result

    def several(self, *operands: Var, builder: Builder | None = None, **attrs: Any) -> tuple[Var, ...]:
        """Append an instruction of any number of results; the keyword `regions` holds its regions."""
        regions = attrs.pop("regions", ())
        owner = builder or operands[0].builder
        return owner.append(self, operands, attrs, regions)

    def __repr__(self) -> str:
        return self.name

    def result_types(
        self, types: tuple[TensorType, ...], attrs: dict[str, Any], regions: tuple[Function, ...] = ()
    ) -> tuple[TensorType, ...]:
        """The types of the results; TypeError names what does not fit."""
        if self.arity is not None and len(types) != self.arity:
            raise TypeError(f"{self.name} takes {self.arity} operands, got {len(types)}")
        more = {"regions": regions} if regions else {}
        found = self.infer(*types, **attrs, **more)
        return (found,) if self.results == 1 else tuple(found)


def same_type(*types: TensorType) -> TensorType:
    """The type rule of plain arithmetic."""
    first = types[0]
    for other in types:
        if other is not first and other != first:
            raise TypeError(f"operand types differ: {', '.join(map(str, types))}")
    return first


def elementwise(
    name: str,
    *,
    infer: Callable[..., TensorType] = same_type,
    reference: Callable[..., Any],
    partials: tuple[Any, ...] | Discrete,
    source: str,
    examples: tuple[Any, ...],
    complex_source: str | None = None,
) -> Primitive:
    """A map over scalars. `partials[i](result, *operands, **attrs)` is d result / d operand i.

    The tangent and the adjoint of a map are both products with the partials, so the derivative is
    stated once; over complex numbers that is right because a map here is holomorphic (the adjoint is the
    transpose without conjugation, see `ir.complex_number`). A partial may be the number 1.0 or -1.0;
    None: the operand has no derivative.
    """

    def jvp(tangents: Any, y: Var, *xs: Var, **attrs: Any) -> Any:
        terms = [
            _chain(t, p, y, xs, attrs)
            for t, p in zip(tangents, slopes, strict=True)
            if t is not None and p is not None
        ]
        return sum(terms[1:], terms[0]) if terms else None

    def vjp(ct: Var, y: Var, *xs: Var, **attrs: Any) -> Any:
        return tuple(None if p is None else _chain(ct, p, y, xs, attrs) for p in slopes)

    discrete, slopes = (partials, ()) if isinstance(partials, Discrete) else (None, partials)
    row = Primitive(
        name=name,
        arity=len(examples[0][0]),
        results=1,
        infer=infer,
        reference=reference,
        jvp=discrete or jvp,
        vjp=discrete or vjp,
        batch=lambda *xs, **attrs: row(*xs, **attrs),
        emission=Scalar(source, complex_source),
        examples=examples,
    )
    return row


def _chain(ct: Var, partial: Any, y: Var, xs: tuple[Var, ...], attrs: dict[str, Any]) -> Var:
    """`ct * partial`, kept zero where `ct` is masked."""
    if partial == 1.0:
        return ct
    if partial == -1.0:
        return (-ct).masked_by(ct.mask)
    product = ct * partial(y, *xs, **attrs)
    return product if ct.mask is None else ct.mask.guard(product)


def linear(
    name: str,
    *,
    infer: Callable[..., TensorType],
    reference: Callable[..., Any],
    transpose: Callable[..., Var],
    batch: Callable[..., Var],
    emission: Emission,
    examples: tuple[Any, ...],
    moves: bool | Callable[..., Var] = False,
    tangent: Callable[..., Var] | None = None,
) -> Primitive:
    """A linear map of one operand: its tangent is itself, its adjoint `transpose(ct, x.type, **attrs)`.

    `moves` states that the transpose only moves or copies elements or puts zeros between them, so
    that a mask moves along; or it is what the transpose does to a mask. An affine map has a `tangent`
    of its own.
    """
    mask_transpose = transpose if moves is True else moves

    def jvp(tangents: Any, y: Var, x: Var, **attrs: Any) -> Var:
        return (tangent or row)(tangents[0], **attrs)

    def vjp(ct: Var, y: Var, x: Var, **attrs: Any) -> tuple[Var]:
        x_bar = transpose(ct, x.type, **attrs)
        if mask_transpose and ct.mask is not None:
            x_bar = x_bar.masked_by(mask_transpose(ct.mask, x.type.with_dtype("bool"), **attrs))
        return (x_bar,)

    row = Primitive(
        name=name,
        arity=1,
        results=1,
        infer=infer,
        reference=reference,
        jvp=jvp,
        vjp=vjp,
        batch=batch,
        emission=emission,
        examples=examples,
    )
    return row


def reduction(
    name: str,
    *,
    infer: Callable[..., TensorType],
    reference: Callable[..., Any],
    partial: Callable[..., Var] | Discrete,
    spread: Callable[..., Var],
    total: Callable[..., Var],
    emission: Emission,
    examples: tuple[Any, ...],
) -> Primitive:
    """A reduction over `axes`. `partial(r, x, axes)` is d result / d x, with the shape of x.

    `r` is the result spread over x's shape; `spread(y, shape, axes)` repeats along the reduced
    axes and `total(x, axes)` sums over them.
    """

    def jvp(tangents: Any, y: Var, x: Var, *, axes: tuple[int, ...]) -> Var:
        assert callable(partial)
        return total(tangents[0] * partial(spread(y, x.shape, axes), x, axes), axes)

    def vjp(ct: Var, y: Var, x: Var, *, axes: tuple[int, ...]) -> tuple[Var]:
        assert callable(partial)
        x_bar = spread(ct, x.shape, axes) * partial(spread(y, x.shape, axes), x, axes)
        return (x_bar if ct.mask is None else spread(ct.mask, x.shape, axes).guard(x_bar),)

    discrete = partial if isinstance(partial, Discrete) else None
    row = Primitive(
        name=name,
        arity=1,
        results=1,
        infer=infer,
        reference=reference,
        jvp=discrete or jvp,
        vjp=discrete or vjp,
        batch=lambda x, *, axes: row(x, axes=tuple(a + 1 for a in axes)),
        emission=emission,
        examples=examples,
    )
    return row

"""The exact identities of shape, order and dtype, as rows for `simplify`.

Elements are moved, never combined; the one exception, the sum of a single element, adds the zero
that every sum starts with.
"""

from __future__ import annotations

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.ops import broadcast, cast, concat, pad, reshape, reverse, slice_, transpose
from tapejit.ir.passes.pattern import Match, Rule, reshaped

_ONE_OF = (ops.reduce_max, ops.reduce_min, ops.reduce_prod, ops.reduce_any, ops.reduce_all)
_WIDENS = {
    ("f32", "f64"),
    ("i32", "i64"),
    ("i32", "f64"),
    ("bool", "i32"),
    ("bool", "i64"),
    ("bool", "f32"),
    ("bool", "f64"),
    ("c64", "c128"),
}

LAYOUT = (
    Rule(
        (cast,),
        "cast to the own dtype -> x",
        "nothing changes",
        lambda m: m.x if m.x.dtype == m.type.dtype else None,
    ),
    Rule(
        (cast,),
        "cast to a wider dtype and back -> x",
        "the wider dtype holds every value",
        lambda m: x if (x := m.under(cast, m.x)) and _there_and_back(m, x) else None,
    ),
    Rule(
        (reshape, transpose, reverse, slice_),
        "any order of a repeated scalar",
        "all elements are equal",
        lambda m: _repeated(x, m) if (x := m.under(broadcast, m.x)) and x.shape == () else None,
    ),
    Rule(
        (reshape,),
        "reshape to the own shape -> x",
        "nothing moves",
        lambda m: m.x if m.x.shape == m.type.shape else None,
    ),
    Rule(
        (reshape,),
        "reshape of a reshape",
        "row-major order stays",
        lambda m: reshaped(x, m.type.shape) if (x := m.under(reshape, m.x)) else None,
    ),
    Rule(
        (transpose,),
        "transpose in the own order -> x",
        "nothing moves",
        lambda m: m.x if m.attrs["perm"] == tuple(range(m.type.rank)) else None,
    ),
    Rule(
        (transpose,),
        "transpose of a transpose",
        "permutations compose",
        lambda m: _composed(p, m.attrs["perm"]) if (p := m.of(transpose, m.x)) else None,
    ),
    Rule(
        (broadcast,),
        "broadcast to the own shape -> x",
        "nothing repeats",
        lambda m: m.x if m.x.shape == m.type.shape else None,
    ),
    Rule(
        (broadcast,),
        "broadcast of a broadcast",
        "dimensions compose",
        lambda m: _repeated_again(p, m) if (p := m.of(broadcast, m.x)) else None,
    ),
    Rule(
        (reverse,),
        "reverse of dimensions of one element -> x",
        "nothing moves",
        lambda m: m.x if all(m.x.shape[a] <= 1 for a in m.attrs["axes"]) else None,
    ),
    Rule(
        (reverse,),
        "reverse of a reverse",
        "twice is not at all",
        lambda m: _reversed_again(p, m.attrs["axes"]) if (p := m.of(reverse, m.x)) else None,
    ),
    Rule(
        (slice_,),
        "slice of the whole -> x",
        "nothing is left out",
        lambda m: m.x if m.x.shape == m.type.shape else None,
    ),
    Rule(
        (slice_,),
        "slice of a slice",
        "positions compose",
        lambda m: _sliced_again(p, m) if (p := m.of(slice_, m.x)) else None,
    ),
    Rule(
        (slice_,),
        "slice within one piece of a concat -> slice of the piece",
        "the others are not read",
        lambda m: _sliced_piece(p, m) if (p := m.of(concat, m.x)) else None,
    ),
    Rule(
        (slice_,),
        "slice within the middle of a pad -> slice of the operand",
        "the padding is not read",
        lambda m: _sliced_middle(p, m) if (p := m.of(pad, m.x)) else None,
    ),
    Rule(
        (pad,),
        "pad by nothing -> x",
        "nothing is added",
        lambda m: m.x if m.x.shape == m.type.shape else None,
    ),
    Rule(
        (concat,), "concat of one -> x", "nothing is joined", lambda m: m.x if len(m.operands) == 1 else None
    ),
    Rule(
        _ONE_OF,
        "reduction of single elements -> reshape",
        "there is nothing to combine",
        lambda m: reshaped(m.x, m.type.shape) if _single(m) else None,
    ),
    Rule(
        (ops.reduce_sum,),
        "sum of single elements -> reshape, + 0.0",
        "a sum starts at 0.0: not at -0.0",
        lambda m: _sum_of_one(m) if _single(m) else None,
    ),
)


def _there_and_back(m: Match, x: Var) -> bool:
    return x.dtype == m.type.dtype and (x.dtype, m.x.dtype) in _WIDENS


def _repeated(x: Var, m: Match) -> Var:
    return broadcast(x, shape=m.type.shape, dims=())


def _composed(inner: Match, perm: tuple[int, ...]) -> Var:
    return transpose(inner.x, perm=tuple(inner.attrs["perm"][k] for k in perm))


def _repeated_again(inner: Match, m: Match) -> Var:
    dims = tuple(m.attrs["dims"][d] for d in inner.attrs["dims"])
    return broadcast(inner.x, shape=m.type.shape, dims=dims)


def _reversed_again(inner: Match, axes: tuple[int, ...]) -> Var:
    left = tuple(sorted(set(axes) ^ set(inner.attrs["axes"])))
    return reverse(inner.x, axes=left) if left else inner.x


def _sliced_again(inner: Match, m: Match) -> Var:
    """Element i of the result is element start + i * step of the slice, so of inner.x as here."""
    outer = zip(m.attrs["start"], m.attrs["step"], m.type.shape, strict=True)
    taken = zip(inner.attrs["start"], inner.attrs["step"], outer, strict=True)
    cuts = [(b + s * start, s * step, n) for b, s, (start, step, n) in taken]
    bounds = [(b, s, b + (n - 1) * s + 1 if n else b) for b, s, n in cuts]
    fits = [b if n else 0 for (b, _, _), n in zip(bounds, m.type.shape, strict=True)]
    stops = [e if n else 0 for (_, _, e), n in zip(bounds, m.type.shape, strict=True)]
    return slice_(inner.x, start=tuple(fits), stop=tuple(stops), step=tuple(s for _, s, _ in bounds))


def _sliced_piece(joined: Match, m: Match) -> Var | None:
    axis, offset = joined.attrs["axis"], 0
    start, stop = m.attrs["start"], m.attrs["stop"]
    for piece in joined.operands:
        end = offset + piece.shape[axis]
        if offset <= start[axis] and stop[axis] <= end:
            low = tuple(offset if k == axis else 0 for k in range(m.type.rank))
            return _shifted(piece, m, low)
        offset = end
    return None


def _sliced_middle(padded: Match, m: Match) -> Var | None:
    low = padded.attrs["low"]
    sizes = zip(low, padded.x.shape, m.attrs["start"], m.attrs["stop"], strict=True)
    within = all(lo <= start and stop <= lo + n for lo, n, start, stop in sizes)
    return _shifted(padded.x, m, low) if within and not any(padded.attrs["interior"]) else None


def _shifted(x: Var, m: Match, by: tuple[int, ...]) -> Var:
    """The slice, taken from x, whose element 0 stood at `by`."""
    start = tuple(b - d for b, d in zip(m.attrs["start"], by, strict=True))
    stop = tuple(e - d for e, d in zip(m.attrs["stop"], by, strict=True))
    return slice_(x, start=start, stop=stop, step=m.attrs["step"])


def _single(m: Match) -> bool:
    return all(m.x.shape[a] == 1 for a in m.attrs["axes"])


def _sum_of_one(m: Match) -> Var:
    element = reshaped(m.x, m.type.shape)
    return element + 0.0 if m.type.is_inexact else element

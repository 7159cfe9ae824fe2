"""`np.einsum`: sums of products, two operands at a time, in the order that NumPy's `einsum_path` finds."""

from __future__ import annotations

import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.tracer.errors import ShapeError, UnsupportedError
from tapejit.tracer.location import user_location
from tapejit.tracer.operation import Operand, Operation, as_var, common_dtype
from tapejit.tracer.surface.arrange import diagonal
from tapejit.tracer.surface.composed import composed
from tapejit.tracer.surface.function import apply
from tapejit.tracer.surface.product import contracted

_SPARE = "αβγδεζηθικλμνξοπρστυφχψω"  # names of the dimensions of `...`, last first


@dataclass(frozen=True)
class _Term:
    """An array and a name for each of its dimensions."""

    array: Var
    names: str

    def size(self, name: str) -> int:
        return self.array.shape[self.names.index(name)]

    def positions(self, names: Collection[str]) -> tuple[int, ...]:
        return tuple(self.names.index(n) for n in names)

    def without_repeats(self) -> _Term:
        """With one dimension, the diagonal, for a name that stands twice."""
        for name in self.names:
            if self.names.count(name) > 1:
                first = self.names.index(name)
                second = self.names.index(name, first + 1)
                if self.array.shape[first] != self.array.shape[second]:
                    sizes = f"{self.array.shape[first]} and {self.array.shape[second]}"
                    raise ShapeError(f"einsum: dimension {name!r} is {sizes} in one operand")
                cut = diagonal.op.lower(self.array, axis1=first, axis2=second)
                rest = "".join(n for k, n in enumerate(self.names) if k not in (first, second))
                return _Term(cut, rest + name).without_repeats()
        return self

    def without_ones(self, sizes: dict[str, int]) -> _Term:
        """Without dimensions of one that broadcast against others."""
        kept = [k for k, n in enumerate(self.names) if self.array.shape[k] == sizes[n]]
        array = ops.reshape(self.array, shape=tuple(self.array.shape[k] for k in kept))
        return _Term(array, "".join(self.names[k] for k in kept))

    def summed(self, wanted: Collection[str]) -> _Term:
        """With only the names that are wanted."""
        lost = tuple(k for k, n in enumerate(self.names) if n not in wanted)
        kept = "".join(n for n in self.names if n in wanted)
        return _Term(ops.reduce_sum(self.array, axes=lost), kept) if lost else self


def _parsed(subscripts: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """A name for every dimension of every operand, and of the result."""
    given, arrow, result = subscripts.replace(" ", "").partition("->")
    strange = set(given + result) - set(string.ascii_letters + ",.")
    if strange or "." in (given + result).replace("...", ""):
        raise ShapeError(f"einsum: {subscripts!r} has more than letters, ',', '...' and '->'")
    terms = [_spelled(t, rank) for t, rank in zip(given.split(","), ranks, strict=True)]
    dots = max((len(t) for t in ("".join(n for n in t if n in _SPARE) for t in terms)), default=0)
    spare = _SPARE[:dots][::-1]
    if arrow:
        return terms, result.replace("...", spare)
    every = "".join(terms)
    return terms, spare + "".join(sorted(n for n in set(every) if every.count(n) == 1 and n not in _SPARE))


def _spelled(term: str, rank: int) -> str:
    """A term with names for the dimensions of its `...`."""
    missing = rank - len(term.replace("...", ""))
    if missing < 0 or (missing and "..." not in term):
        raise ShapeError(f"einsum: {term!r} does not fit {rank} dimensions")
    return term.replace("...", _SPARE[:missing][::-1])


def _lower(*operands: Operand, subscripts: str) -> Var:
    if subscripts.count(",") + 1 != len(operands):
        raise ShapeError(f"einsum: {subscripts!r} is not for {len(operands)} operands")
    dtype = common_dtype(*operands)
    arrays = [as_var(x, dtype) for x in operands]
    names, result = _parsed(subscripts, [len(x.shape) for x in arrays])
    terms = [_Term(x, n).without_repeats() for x, n in zip(arrays, names, strict=True)]
    sizes = _sizes(terms)
    if not set(result) <= set(sizes) or len(set(result)) != len(result):
        raise ShapeError(
            f"einsum: the result of {subscripts!r} names dimensions that there are not, or twice"
        )
    terms = [t.without_ones(sizes) for t in terms]
    for group in _order(terms, result):
        chosen = [terms[k] for k in group]
        terms = [t for k, t in enumerate(terms) if k not in group]
        wanted = set(result).union(*(t.names for t in terms))
        while len(chosen) > 1:
            last = chosen.pop()
            left = wanted.union(*(t.names for t in chosen[:-1]))
            chosen[-1] = _product(chosen[-1], last, left)
        terms.append(chosen[0].summed(wanted))
    (found,) = terms
    return ops.transpose(found.array, perm=found.positions(result))


def _sizes(terms: Sequence[_Term]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for term in terms:
        for name in term.names:
            n = term.size(name)
            if sizes.setdefault(name, n) == 1:
                sizes[name] = n
            elif n not in (1, sizes[name]):
                raise ShapeError(
                    f"einsum: dimension {name!r} is {sizes[name]} in one operand and {n} in another"
                )
    return sizes


def _order(terms: Sequence[_Term], result: str) -> list[tuple[int, ...]]:
    """Which operands to multiply, step by step."""
    if len(terms) <= 2:
        return [tuple(range(len(terms)))]
    letters: dict[str, str] = {}
    for name in "".join(t.names for t in terms):
        letters.setdefault(name, chr(ord("a") + len(letters)) if len(letters) < 26 else name)
    spelled = ["".join(letters[n] for n in names) for names in (*(t.names for t in terms), result)]
    shapes = [np.broadcast_to(0.0, t.array.shape) for t in terms]
    path = np.einsum_path(f"{','.join(spelled[:-1])}->{spelled[-1]}", *shapes, optimize="greedy")[0]
    return [tuple(group) for group in path[1:]]


def _product(x: _Term, y: _Term, wanted: Collection[str]) -> _Term:
    """Common names that are still wanted stay side by side, others are summed over."""
    x, y = x.summed({*wanted, *y.names}), y.summed({*wanted, *x.names})
    common = [n for n in x.names if n in y.names]
    batch = [n for n in common if n in wanted]
    inner = [n for n in common if n not in wanted]
    array = contracted(
        x.array, y.array, (x.positions(inner), y.positions(inner)), (x.positions(batch), y.positions(batch))
    )
    rest = [n for n in x.names if n not in common] + [n for n in y.names if n not in common]
    return _Term(array, "".join((*batch, *rest)))


EINSUM = Operation("einsum", _lower, lambda *xs, subscripts: np.einsum(subscripts, *xs, optimize=len(xs) > 2))


@composed(np.einsum)
def einsum(subscripts: Any, *operands: Any, optimize: Any = False, **how: Any) -> Any:
    """NumPy's `einsum` with its subscripts in a string."""
    if how:
        raise UnsupportedError(f"np.einsum at {user_location()}: {', '.join(how)} is not traced")
    if not isinstance(subscripts, str):
        return einsum(*_from_lists(subscripts, *operands))
    return apply(EINSUM, operands, (("subscripts", subscripts),))


def _from_lists(*given: Any) -> tuple[Any, ...]:
    """The other way to call it, `einsum(x, [0, 1], y, [1, 2], [0, 2])`, as a string and operands."""
    pairs = len(given) // 2
    terms = [_letters(given[2 * k + 1]) for k in range(pairs)]
    result = f"->{_letters(given[-1])}" if len(given) % 2 else ""
    return ",".join(terms) + result, *given[: 2 * pairs : 2]


def _letters(dimensions: Sequence[Any]) -> str:
    return "".join("..." if d is Ellipsis else string.ascii_letters[d] for d in dimensions)

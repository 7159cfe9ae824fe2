"""The exact identities of complex numbers and their parts, as rows for `simplify`: nothing is rounded."""

from __future__ import annotations

from tapejit.ir.builder import Var
from tapejit.ir.complex_number import complex_, conj, imag, real
from tapejit.ir.ops import cast
from tapejit.ir.passes.pattern import Match, Rule, same

PARTS = (
    Rule((conj,), "conj conj z -> z", "its own inverse", lambda m: m.under(conj, m.x)),
    Rule((real,), "real(x + iy) -> x", "by definition", lambda m: m.under(complex_, m.x)),
    Rule(
        (imag,), "imag(x + iy) -> y", "by definition", lambda m: p.y if (p := m.of(complex_, m.x)) else None
    ),
    Rule(
        (real,), "real conj z -> real z", "only the sign of the imaginary part changes",
        lambda m: real(z) if (z := m.under(conj, m.x)) else None,
    ),
    Rule(
        (imag,), "imag conj z -> -imag z", "what a conjugate is",
        lambda m: -imag(z) if (z := m.under(conj, m.x)) else None,
    ),
    Rule((complex_,), "real z + i imag z -> z", "the parts make the whole", lambda m: _whole(m)),
    Rule(
        (real,), "real of a real number made complex", "it is the real part",
        lambda m: _part(m, x) if (x := _made_complex(m)) else None,
    ),
    Rule(
        (imag,), "imag of a real number made complex -> 0.0", "there is none",
        lambda m: m.out.builder.full(m.type, 0.0) if _made_complex(m) else None,
    ),
)  # fmt: skip


def _whole(m: Match) -> Var | None:
    x, y = m.under(real, m.x), m.under(imag, m.y)
    return x if x and y and same(x, y) else None


def _made_complex(m: Match) -> Var | None:
    """x where the operand is x, which is not complex, made complex by a cast."""
    x = m.under(cast, m.x)
    return None if x is None or x.is_complex else x


def _part(m: Match, x: Var) -> Var:
    return x if x.dtype == m.type.dtype else cast(x, dtype=m.type.dtype)

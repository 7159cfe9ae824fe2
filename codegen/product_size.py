"""How large the parts of a matrix product are, on any processor: what source and machine code share."""

from __future__ import annotations

DEPTH = 512  # rows of the right matrix that are packed at once
WIDTH = 2048  # columns
LANES = 16  # the most that a vector has
FEW = 64  # rows of the left matrix: fewer read the right one where it lies


def whole_size(columns: int, inner: int) -> int:
    """How many elements the panels of a whole right matrix have."""
    return (columns + LANES) * inner


def panels_size(columns: int, inner: int, general: bool = False) -> int:
    """How many elements a product packs at once: the last panel is filled up to whole vectors.

    In a general program a number that grows with the sizes, and is never less.
    """
    if general:
        return whole_size(columns, inner)
    return -(-min(columns, WIDTH) // LANES) * LANES * min(inner, DEPTH)

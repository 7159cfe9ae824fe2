"""Pieces of borrowed memory: how many are kept, how they are laid out, the functions that lend them."""

from __future__ import annotations

PIECES = 4  # kept at most
MOST_KEPT = 256 * 2**20  # bytes: a larger piece goes back to the system
LINE = 64  # bytes; what is lent begins at a cache line
CAPACITY, WHOLE = 16, 8  # so many bytes before it stand its size and the address to be freed
BORROW, GIVE_BACK = "tapejit_borrow", "tapejit_give_back"
ALLOCATE, FREE = "PyMem_RawMalloc", "PyMem_RawFree"

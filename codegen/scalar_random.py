"""Threefry-2x32 on one element: the formula of `ir.random`, on words of 32 bits."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ll

from tapejit.codegen.lane import Lane
from tapejit.ir.random import GROUPS, PARITY, ROTATIONS

_WORD, _PAIR = ll.IntType(32), ll.IntType(64)


def threefry(key: Lane, counter: Lane) -> Lane:
    """The 64 bits of this key at this counter."""
    first, second = _words(key)
    x, y = (a + b for a, b in zip(_words(counter), (first, second), strict=True))
    schedule = (first, second, _xor(_xor(first, second), first.like(PARITY)))
    for group in range(GROUPS):
        for by in ROTATIONS[group % 2]:
            x = x + y
            y = _xor(_turned(y, by), x)
        x = x + schedule[(group + 1) % 3]
        y = y + schedule[(group + 2) % 3] + (group + 1)
    return _pair(x, y)


def _words(x: Lane) -> tuple[Lane, Lane]:
    """The upper and the lower half."""
    build: Any = x.builder
    upper = build.lshr(x.value, ll.Constant(_PAIR, 32))
    return Lane(build, build.trunc(upper, _WORD)), Lane(build, build.trunc(x.value, _WORD))


def _pair(upper: Lane, lower: Lane) -> Lane:
    build: Any = upper.builder
    high = build.shl(build.zext(upper.value, _PAIR), ll.Constant(_PAIR, 32))
    return Lane(build, build.or_(high, build.zext(lower.value, _PAIR)))


def _xor(x: Lane, y: Lane) -> Lane:
    return Lane(x.builder, x.builder.xor(x.value, y.value))


def _turned(x: Lane, by: int) -> Lane:
    """The bits moved up, those that fall off put in below."""
    build: Any = x.builder
    below = build.lshr(x.value, ll.Constant(_WORD, 32 - by))
    return Lane(build, build.or_(build.shl(x.value, ll.Constant(_WORD, by)), below))

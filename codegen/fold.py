"""The registers of a reduction: where they start, how elements are added, what happens at the end.

Sums of floats are made of short stretches, which LLVM vectorises because `plus` may be reordered, and
the stretches are added with their rounding errors kept (two-sum, Knuth): that is faster than one long
chain of additions and more accurate than NumPy's pairwise sum. Start with `add_fold`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tapejit.codegen.affine import Affine, LoopVar
from tapejit.codegen.element import narrow
from tapejit.codegen.level import INDENT, Guard, Level, Node, Statement, Stretch
from tapejit.codegen.name import Names
from tapejit.codegen.root import Root
from tapejit.ir.emission import Fold, FoldIndex

# Elements added without keeping the rounding error.
STRETCH = {"f64": 2048, "f32": 256, "c128": 1024, "c64": 128}


@dataclass(frozen=True)
class Element:
    """What is folded: the name of one element, and its position along the innermost dimension."""

    name: str
    dtype: str
    position: Affine


def combined(root: Root, so_far: str, element: str) -> str:
    """Source of `so_far` with one more element."""
    fold = root.rule
    assert isinstance(fold, Fold)
    return narrow(fold.combine.format(so_far, element), root.value.type.dtype)


def start(root: Root) -> str:
    """Source of what a fold of no elements gives."""
    fold, dtype = root.rule, root.value.type.dtype
    assert isinstance(fold, Fold)
    return f"{dtype}({fold.identity(dtype)})"


def add_fold(
    root: Root,
    element: Element,
    levels: list[Level],
    home: Level,
    stretch: Level | None,
    names: Names,
    finish: Callable[..., list[Node]],
    general: bool,
) -> str:
    """Add the statements of a fold whose register lives at `home`; the register's name.

    `levels` is the whole chain, `stretch` the loop in it whose elements a sum of floats adds without keeping
    rounding errors; None: it has a single one.
    `finish(name)` gives the statements that run when the register is complete; for the position of an
    extreme it is `finish(name, best)`. `general` is `Plan.general`.
    """
    fold, inner = root.rule, levels[-1]
    registers: tuple[str, ...] = ()
    if isinstance(fold, FoldIndex):
        name, best = _add_position(root, fold, element, home, inner, names)
        registers = (best,)
    elif is_float_sum(root) and home is not inner:
        name = _add_sum(root, element, levels, home, stretch, names, general)
    else:
        name = element.name if home is inner else names.of(root.value)
        if home is not inner:
            home.before.append(Statement(f"{name} = {start(root)}"))
            inner.before.append(Statement(f"{name} = {combined(root, name, element.name)}"))
    (home.after if home is not inner else inner.before).extend(finish(name, *registers))
    return name


def is_float_sum(root: Root) -> bool:
    return root.adds and root.value.type.is_inexact


def _add_position(
    root: Root, fold: FoldIndex, element: Element, home: Level, inner: Level, names: Names
) -> tuple[str, str]:
    at, best = names.of(root.value), names.typed("best", element.dtype)
    begin = [Statement(f"{at} = -1"), Statement(f"{best} = {element.dtype}(0)")]
    (home.before if home is not inner else inner.before).extend(begin)
    better = Statement(f"{at} < 0 or {fold.better.format(best, element.name)}")
    take = Statement(f"{at} = {{0}}", (element.position,))
    inner.before.append(Guard(better, [Statement(f"{best} = {element.name}"), take], []))
    return at, best


def _add_sum(
    root: Root,
    element: Element,
    levels: list[Level],
    home: Level,
    stretch: Level | None,
    names: Names,
    general: bool,
) -> str:
    name, zero = names.of(root.value), start(root)
    home.before.append(Statement(f"{name} = {zero}"))
    innermost = levels[-2]
    if home is innermost and not general and is_short(innermost.variable, STRETCH[root.value.type.dtype]):
        levels[-1].before.append(Statement(f"{name} = plus({name}, {element.name})"))
        return name
    lost = names.typed("lost", root.value.type.dtype)
    home.before.append(Statement(f"{lost} = {zero}"))
    if stretch:
        part = names.typed("part", root.value.type.dtype)
        stretch.before.append(Statement(f"{part} = {zero}"))
        levels[-1].before.append(Statement(f"{part} = plus({part}, {element.name})"))
        _add_part(name, lost, part, stretch.after)
    else:
        _add_part(name, lost, element.name, levels[-1].before)
    home.after.append(Statement(f"{name} = compensated({name}, {lost})"))
    return name


def combined_parts(root: Root, names: Sequence[str], parts: Sequence[str], count: int) -> Iterator[str]:
    """The registers `names` of a fold that was done in `count` blocks; each left its own in `parts`."""
    (name, *best), found = names, [f"{part}[block]" for part in parts]
    yield f"{name} = {-1 if best else start(root)}"
    lost = f"{name}_lost"
    if best:
        yield f"{best[0]} = {parts[1]}[0]"
    elif is_float_sum(root):
        yield f"{lost} = {start(root)}"
    yield f"for block in range({count}):"
    yield from (INDENT + line for line in _combined_part(root, names, found, lost))
    if is_float_sum(root):
        yield f"{name} = compensated({name}, {lost})"


def _combined_part(root: Root, names: Sequence[str], found: Sequence[str], lost: str) -> list[str]:
    name, fold = names[0], root.rule
    if isinstance(fold, FoldIndex):
        better = f"{found[0]} >= 0 and ({name} < 0 or {fold.better.format(names[1], found[1])})"
        return [f"if {better}:", f"{INDENT}{name} = {found[0]}", f"{INDENT}{names[1]} = {found[1]}"]
    if is_float_sum(root):
        return [f"{lost} = {lost} + rounding({name}, {found[0]})", f"{name} = {name} + {found[0]}"]
    return [f"{name} = {combined(root, name, found[0])}"]


def _add_part(name: str, lost: str, part: str, nodes: list[Node]) -> None:
    nodes.append(Statement(f"{lost} = {lost} + rounding({name}, {part})"))
    nodes.append(Statement(f"{name} = {name} + {part}"))


def is_short(loop: LoopVar, length: int) -> bool:
    """It is not worth cutting."""
    return loop.extent <= 2 * length


def strip_mine(levels: list[Level], names: Names, length: int) -> None:
    """Cut the innermost loop into stretches of `length`."""
    level = levels[-2]
    assert level.loop is not None
    extent = level.loop.extent
    begin = LoopVar(names.fresh("begin"), extent)
    # Counted from `begin`, the loop would not vectorise where the extent is known at run time only.
    stretch = Stretch(begin, length, names.fresh("offset"))
    levels.insert(-1, Level(level.loop, stretch=stretch))
    level.loop, level.step = begin, length

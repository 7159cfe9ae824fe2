"""Cut a loop where checks inside it change, so that most of it runs without them (index set splitting).

What is read of a padded value lies inside or outside of it, and which of the two changes only where the
padding begins and ends. Between these places the loop has no branch and becomes vectors. Start with `cut`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tapejit.codegen.affine import LoopVar
from tapejit.codegen.condition import Check
from tapejit.codegen.level import Condition, Level, Section, Statement, statements
from tapejit.codegen.outlined import calls
from tapejit.codegen.vocabulary import VOCABULARY

LEAST = 16  # iterations without checks: below, a check costs less than what is compiled for every section
MOST_STATEMENTS, MOST_CALLS = 400, 4  # that are repeated for every section; of long functions


def cut(levels: Sequence[Level], general: bool) -> None:
    """Have the loops of a chain of levels run in sections; in `general`, however few iterations there are."""
    for k, level in enumerate(levels):
        if level.loop is not None:
            inside = list(statements(levels[k + 1 :]))
            sections = _sections(level.loop, _checks(inside))
            long = max((high - low for low, high in sections), default=0)
            if len(sections) > 1 and (general or long >= LEAST) and _is_lean(inside):
                level.sections = sections


def _checks(found: Sequence[Statement]) -> list[Check]:
    return [check for s in found if isinstance(s, Condition) for check in s.checks]


def _sections(loop: LoopVar, checks: Sequence[Check]) -> tuple[Section, ...]:
    """The longest range in which no check changes, what comes before and what comes after."""
    changes = {check.change(loop) for check in checks}
    inside = sorted(c for c in changes if c is not None and 0 < c < loop.extent)
    low, high = max(pairwise((0, *inside, loop.extent)), key=lambda section: section[1] - section[0])
    sections = ((0, low), (low, high), (high, loop.extent))
    return tuple((first, end) for first, end in sections if first < end)


def _is_lean(found: Sequence[Statement]) -> bool:
    """It may be repeated."""
    source = "\n".join(s.template for s in found)
    return len(found) <= MOST_STATEMENTS and calls(source, VOCABULARY) <= MOST_CALLS

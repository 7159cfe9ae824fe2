"""Colours for the stages in a terminal; a pipe or a file gets plain text."""

from __future__ import annotations

from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.syntax import Syntax
from rich.text import Text
from rich.theme import Theme

_LEXER = {"source": "python", "llvm": "llvm", "asm": "gas"}
_THEME = Theme(
    {
        "ir.value": "cyan",
        "ir.type": "green",
        "ir.keyword": "bold magenta",
        "ir.primitive": "bold",
        "ir.attribute": "yellow",
        "ir.comment": "dim",
        "explain.place": "cyan",
        "explain.type": "green",
        "explain.keyword": "bold magenta",
        "explain.number": "bold",
        "explain.warning": "yellow",
    }
)


class IRHighlighter(RegexHighlighter):
    """Colours of the IR's text."""

    base_style = "ir."
    highlights = [  # noqa: RUF012 (rich's own interface)
        r"(?P<value>%\w+)",
        r"(?P<type>\b(?:f64|f32|i64|i32|bool)\[[\d,]*\])",
        r"(?P<keyword>\b(?:func|region|return)\b)",
        r"= (?P<primitive>\w+)",
        r"(?P<attribute>\{[^{}\n]*=[^{}\n]*\})",
        r"(?P<comment>#[^\n]*)",
    ]


class ExplanationHighlighter(RegexHighlighter):
    """Colours of what `explain` prints."""

    base_style = "explain."
    highlights = [  # noqa: RUF012 (rich's own interface)
        r"(?P<place>[\w.-]+\.py:\d+)",
        r"(?P<type>\b(?:f64|f32|i64|i32|bool|c128|c64)\[[\d,]*\])",
        r"(?P<keyword>`[^`\n]*`)",
        r"(?P<number>\b(?:trace|path) \d+)",
        r"(?P<warning>the Python runs at such calls:[^\n]*)",
    ]


def coloured(text: str, stage: str) -> Text:
    """The text of one stage with its colours."""
    if stage == "explain":
        return ExplanationHighlighter()(text)
    if stage in _LEXER:
        return Syntax("", _LEXER[stage], theme="ansi_dark", background_color="default").highlight(text)
    highlighted = Text(text)
    if stage != "schedule":
        IRHighlighter().highlight(highlighted)
    return highlighted


def console() -> Console:
    """Standard output."""
    return Console(theme=_THEME, highlight=False, soft_wrap=True)

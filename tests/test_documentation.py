"""The pages do what they say: their Python runs, their commands print what stands below them.

A page's ```python blocks run in one namespace, from top to bottom, in an empty folder. A block with `>>>`
is a doctest; one that opens with `# name.py` is written to that file instead. A ```text block is what the
block before it prints, and a ```console block what its command prints; `--bless` rewrites both.
"""

import contextlib
import doctest
import io
import re
import shlex
import sys
from pathlib import Path

import pytest

import tapejit as tj
from tapejit import recording
from tapejit.cli import main
from tapejit.engine import DECORATED, ENGINE
from tapejit.runtime.cache import ProgramCache
from tapejit.tracer import errors
from tapejit.tracer.trie import Trie

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = (
    ROOT / "README.md",
    *(DOCS / f"{name}.md" for name in ("architecture", "user-guide", "errors", "transforms", "random")),
)
FENCE = re.compile(r"```(python|text|console)\n(.*?)```", re.DOTALL)


class Page:
    """Runs the blocks of one page and collects what should stand in the text blocks."""

    def __init__(self, path: Path):
        self.name = path.name
        self.text = path.read_text()
        self.namespace = {"__name__": "__main__"}
        self.printed = ""

    def updated(self) -> str:
        """The page with the output of its blocks as it is now."""
        return FENCE.sub(self._block, self.text)

    def _block(self, match: re.Match) -> str:
        kind, body = match.groups()
        line = self.text.count("\n", 0, match.start()) + 1
        if kind == "text":
            body = self.printed
        elif kind == "console":
            command = body.partition("\n")[0]
            body = f"{command}\n{self._command(command)}"
        elif body.startswith(">>>"):
            self._doctest(body, line)
        elif re.match(r"# \w+\.py\n", body):
            Path(body.split()[1]).write_text(body)
        else:
            self._run(body, line)
        return f"```{kind}\n{body}```"

    def _run(self, body: str, line: int) -> None:
        """Execute a block; errors show the page's own line numbers."""
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile("\n" * line + body, self.name, "exec"), self.namespace)
        self.printed = output.getvalue()

    def _doctest(self, body: str, line: int) -> None:
        example = doctest.DocTestParser().get_doctest(body, self.namespace, self.name, self.name, line)
        runner, report = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS), io.StringIO()
        runner.run(example, out=report.write, clear_globs=False)
        self.namespace.update(example.globs)
        assert runner.failures == 0, report.getvalue()

    def _command(self, command: str) -> str:
        program, *arguments = shlex.split(command.removeprefix("$ "))
        assert program == "tapejit"
        output = io.StringIO()
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
            pytest.raises(SystemExit),
        ):
            main(arguments)
        return output.getvalue()


@pytest.fixture
def _new_process(tmp_path, monkeypatch):
    """An empty folder, an empty program cache, the default tiers; what changes is restored."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(ENGINE, "tier", "auto")
    monkeypatch.setattr(DECORATED, "tier", "compile")
    programs = ProgramCache()
    for engine in (ENGINE, DECORATED):
        monkeypatch.setattr(engine, "_cache", programs)
    monkeypatch.setattr(recording, "TRIE", Trie(ENGINE))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
@pytest.mark.usefixtures("_new_process")
def test_page(path, request):
    page = Page(path)
    updated = page.updated()
    if request.config.getoption("--bless"):
        path.write_text(updated)
    else:
        assert updated == page.text, f"{path.name} is out of date: run with --bless and read git diff"


@pytest.mark.parametrize(
    "path", [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"], ids=lambda p: p.name
)
def test_links(path):
    targets = re.findall(r"\]\((?!https?:)([^)#]*)", path.read_text())
    assert [t for t in targets if t and not (path.parent / t).exists()] == []


def test_every_error_is_explained():
    kinds = {k.__name__ for k in vars(errors).values() if isinstance(k, type)}
    explained = re.findall(r"^## (\w+)$", (DOCS / "errors.md").read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(kinds)


def test_every_public_name_is_mentioned():
    guide = "".join((DOCS / name).read_text() for name in ("user-guide.md", "transforms.md"))
    ours = (name for name, x in vars(tj).items() if getattr(x, "__module__", "").startswith("tapejit"))
    public = [name for name in ours if not name.startswith("_")]
    assert [name for name in public if not re.search(rf"\b{name}\b", guide)] == []

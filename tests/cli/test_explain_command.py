"""`tapejit explain`: a function called with several sets of arguments, and why its Python ran."""

import pytest

from tapejit.argument import parse_argument
from tapejit.explanation import argument_sets, parse_alternatives
from tapejit.highlight import coloured

BRANCHY = """\
import numpy as np

def branchy(x, rate=0.5):
    if x.sum() > 0:
        return (x * rate).sum()
    return x.prod()
"""


@pytest.fixture
def branchy(tmp_path, monkeypatch):
    (tmp_path / "branchy.py").write_text(BRANCHY)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("branchy")
def test_reasons_and_paths(tapejit):
    found = tapejit("explain", "branchy.py:branchy", "--arg", "f64[3] | f64[4]", "--calls", "6")
    assert found.status == 0
    assert "trace 1: first call" in found.out
    assert "`if` at branchy.py:4 was " in found.out
    assert ": argument x: f64[3] → f64[4]" in found.out
    assert "`if` at branchy.py:4: True" in found.out
    assert "`if` at branchy.py:4: False" in found.out


@pytest.mark.usefixtures("branchy")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["branchy.py"], "'branchy.py' is not FILE.py:FUNCTION"),
        (["branchy.py:nothing"], "branchy.py has no 'nothing'"),
        (["branchy.py:branchy", "--arg", "f65[3]"], "unknown dtype 'f65'"),
        (["branchy.py:branchy", "--arg", "f64[3] |"], "'' is no argument"),
        (["branchy.py:branchy"], "TypeError"),
    ],
)
def test_mistakes_are_one_line(tapejit, arguments, message):
    found = tapejit("explain", *arguments)
    assert found.status == 2
    assert message in found.err
    assert found.err.count("\n") == 1


def test_alternatives():
    assert parse_alternatives("rate=0.1 | 0.2") == [parse_argument("rate=0.1"), parse_argument("rate=0.2")]
    sets = argument_sets([parse_alternatives("f64[3] | f64[4] | f64[5]"), parse_alternatives("1 | 2")])
    assert [[str(a.content) for a in each] for each in sets] == [
        ["f64[3]", "1"],
        ["f64[4]", "2"],
        ["f64[5]", "2"],
    ]
    assert argument_sets([]) == [[]]


def test_colours_do_not_change_the_text():
    text = "f (m.py:1): traced 2 times\n  trace 2: `if` at m.py:3 was True, now False\n"
    found = coloured(text, "explain")
    assert found.plain == text
    assert len(found.spans) == 4

"""docs/ir.md says what is: its IR parses, its derivative is the printed one, its table is the table."""

import re
from pathlib import Path

from row_checks import CHECKS

from tapejit.ir import elementary
from tapejit.ir.parser import parse_function
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.primitive import Discrete
from tapejit.ir.printer import print_function
from tapejit.ir.table import TABLE
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.verifier import verify

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "ir.md").read_text()
BLOCKS = re.findall(r"```ir\n(.*?)```", PAGE, re.DOTALL)
LINES = [line for line in PAGE.splitlines() if line.startswith("| `")]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES]


def test_every_block_is_ir():
    assert len(BLOCKS) == 2
    for text in BLOCKS:
        assert print_function(verify(parse_function(text))) == text


def test_the_gradient_shown_is_the_gradient():
    f = parse_function(BLOCKS[0])
    assert print_function(canonicalise(adjoint(f, unit_seed=True))) == BLOCKS[1]


def test_every_primitive_is_described_once():
    assert [row[0].strip("`") for row in ROWS] == list(TABLE)


def test_the_attributes_are_those_of_the_examples():
    for name, operands, *_ in ROWS:
        stated = re.findall(r"\w+", operands.partition("{")[2])
        used = {key for _, attrs in TABLE[name.strip("`")].examples for key in attrs} - {"regions"}
        assert stated == sorted(used), name


def test_discrete_rows_say_so():
    for name, _, _, derivative in ROWS:
        assert (derivative == "discrete") == isinstance(TABLE[name.strip("`")].vjp, Discrete), name


def test_the_recipe_s_example_is_a_sound_row():
    """The code in docs/add-a-primitive.md, evaluated where it would stand, passes every check."""
    page = (DOCS / "add-a-primitive.md").read_text()
    code = re.search(r"softsign = (elementwise\(.*?)\n\n", page, re.DOTALL)
    row = eval(code.group(1), dict(vars(elementary)))
    for check in CHECKS:
        for operands, attrs in row.examples:
            if check.__name__ != "check_text":  # only a row of the table can be parsed
                check(row, operands, attrs)

"""Every row of the primitive table passes every check of `row_checks`. A new row is tested by existing."""

import pytest
from row_checks import CHECKS

from tapejit.ir.table import TABLE

EXAMPLES = [
    pytest.param(row, operands, attrs, id=f"{row.name}-{i}")
    for row in TABLE.values()
    for i, (operands, attrs) in enumerate(row.examples)
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize(("row", "operands", "attrs"), EXAMPLES)
def test_row(check, row, operands, attrs):
    check(row, operands, attrs)


@pytest.mark.parametrize("row", TABLE.values(), ids=str)
def test_a_row_has_examples_and_a_reason_for_every_rule_it_lacks(row):
    assert row.examples
    assert all(callable(rule) or rule.why for rule in (row.jvp, row.vjp))

"""Sources cut at their numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tapejit.codegen.vocabulary import TAKE_LITERALS, VOCABULARY
from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime.family import bound
from tapejit.runtime.loader import Loader
from tapejit.runtime.template import MOST, Variables, packed, template_of

SOURCE = """\
def program(sizes, x, out0):
    # nest 1: mul  (model.py:{n})
    x = flat(x)
    out0 = flat(out0)
    for i in range({n}):
        t1 = integer_pow(x[i * 3], 2)
        out0[i] = t1 * f64({scale}) - 1e-05
"""
TYPE = TensorType("f64", (4,))


def template(n, scale, source=SOURCE):
    return template_of(source.format(n=n, scale=scale), TAKE_LITERALS)


def test_numbers_are_cut_out_but_not_names_comments_and_literal_operands():
    assert template(100, 0.5).numbers == ("100", "3", "0.5", "1e-05")
    assert template(100, 0.5).key == template(7, 1e20).key


@pytest.mark.parametrize(
    ("old", "new"), [("x[i * 3]", "x[i * 3 + 1]"), ("f64({scale})", "f64(7)"), (", 2)", ", 3)"), ("-", "+")]
)
def test_other_text_is_another_key(old, new):
    assert template(100, 0.5).key != template(100, 0.5, SOURCE.replace(old, new, 1)).key


def test_what_differs_becomes_a_variable():
    first, second = template(100, 0.5), template(7, 0.25)
    variables = Variables(first.numbers).admitting(second.numbers)
    assert variables.places == (0, "3", 1, "1e-05")
    assert variables.are_floats == (False, True)
    assert variables.values(template(9, 8.0).numbers) == ("9", "8.0")
    assert variables.values(template(9, 8.0, SOURCE.replace("* 3]", "* 4]")).numbers) is None
    source = second.source(variables)
    assert "size0 = size_at(sizes, 0)\n" in source
    assert "range(size0)" in source
    assert "f64(size1) - 1e-05" in source


def test_variables_are_shared_as_long_as_their_numbers_agree():
    one = Variables(("6", "6", "2")).admitting(("7", "7", "2"))
    assert one.places == (0, 0, "2")
    assert one.values(("8", "9", "2")) is None
    two = one.admitting(("8", "9", "2"))
    assert two.places == (0, 1, "2")
    assert two.values(("7", "7", "2")) == ("7", "7")


def test_a_size_beyond_what_llvm_is_told_is_no_value():
    variables = Variables(("6",)).admitting(("7",))
    assert variables.values((str(MOST),)) == (str(MOST),)
    assert variables.values((str(MOST + 1),)) is None


def test_names_of_the_source_are_not_taken():
    source = "def program(sizes, size0):\n    return size0 + 5\n"
    variables = Variables(("5",)).admitting(("6",))
    assert "size_0 = size_at(sizes, 0)\n    return size0 + size_0" in template_of(source).source(variables)


def test_every_function_loads_what_it_uses():
    source = "def block(block, sizes):\n    return 5\ndef program(sizes):\n    return 7 * 5\n"
    variables = Variables(("5", "7", "5")).admitting(("6", "8", "6"))
    head, _, tail = template_of(source).source(variables).partition("def program")
    assert "size_at(sizes, 0)" in head
    assert "size_at(sizes, 1)" not in head
    assert "size_at(sizes, 1)" in tail


def test_packed_words_are_ints_and_the_bits_of_floats():
    words = packed(("7", "0.1"))
    assert words.tolist() == [7, np.float64(0.1).view(np.int64)]


@pytest.fixture(scope="module")
def general():
    variables = Variables(template(4, 0.5).numbers).admitting(template(3, 2.0).numbers)
    signature = Signature((TensorType("f64", (12,)),), (False,), (TYPE,), (False,))
    return Loader(VOCABULARY).load(template(4, 0.5).source(variables), "program", signature, general=True)


def run(program):
    x, out = np.arange(12.0), np.zeros(4)
    program.call(x, out)
    return out


def test_a_bound_program_runs_with_its_numbers(general):
    expected = (np.arange(0.0, 12.0, 3.0) ** 2) * 0.5 - 1e-5
    np.testing.assert_array_equal(run(bound(general, ("4", "0.5"))), expected)
    np.testing.assert_array_equal(run(bound(general, ("2", "0.5"))), [*expected[:2], 0.0, 0.0])


def test_a_wrong_number_is_a_wrong_result(general):
    right, wrong = (run(bound(general, ("4", value))) for value in ("0.5", "0.25"))
    assert not np.array_equal(right, wrong)

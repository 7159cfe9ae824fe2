"""Dataclasses as trees: arguments, results, gradients, stacks; fields of the structure; errors."""

import dataclasses
from typing import Any

import numpy as np
import pytest

import tapejit as tj

pytestmark = pytest.mark.usefixtures("interpreted")


@tj.register_dataclass
@dataclasses.dataclass
class Line:
    slope: Any
    shift: Any


@dataclasses.dataclass(frozen=True)
class Power:
    line: Line
    exponent: int
    note: Any = dataclasses.field(init=False, default=None)


tj.register_dataclass(Power, meta_fields=["exponent"])

LINE = Line(np.array([1.0, 2.0]), np.array([3.0, 5.0]))


def product(line):
    return np.sum(line.slope * line.shift)


def test_gradients_and_results():
    found = tj.grad(product)(LINE)
    assert isinstance(found, Line)
    np.testing.assert_array_equal(found.slope, LINE.shift)
    doubled = tj.jit(lambda line: Line(line.slope * 2.0, line.shift))(LINE)
    np.testing.assert_array_equal(doubled.slope, [2.0, 4.0])
    np.testing.assert_array_equal(tj.hessian(product)(LINE).slope.shift, np.eye(2))
    np.testing.assert_array_equal(tj.jvp(product, (LINE,), (LINE,))[1], 2 * (3.0 + 10.0))


def test_stacks():
    found = tj.vmap(lambda line, x: Line(line.slope * x, line.shift), (Line(0, None), None))(LINE, 2.0)
    np.testing.assert_array_equal(found.slope, [2.0, 4.0])
    np.testing.assert_array_equal(found.shift, [LINE.shift, LINE.shift])
    with pytest.raises(ValueError, match=r"line\['slope'\] has 2 along axis 0, line\['shift'\] has 3"):
        tj.vmap(lambda line: line.slope)(Line(np.ones(2), np.ones(3)))


def test_fields_of_the_structure():
    total = tj.grad(lambda power: np.sum(power.line.slope**power.exponent))
    for _ in range(2):
        np.testing.assert_array_equal(total(Power(LINE, 2)).line.slope, 2.0 * LINE.slope)
        np.testing.assert_array_equal(total(Power(LINE, 3)).line.slope, 3.0 * LINE.slope**2)
    assert total(Power(LINE, 3)).exponent == 3


def test_what_is_refused():
    with pytest.raises(TypeError, match="takes a dataclass, not <class 'dict'>"):
        tj.register_dataclass(dict)
    with pytest.raises(ValueError, match="Other has no field 'q' that its constructor takes"):
        tj.register_dataclass(dataclasses.make_dataclass("Other", ["a"]), meta_fields=["q"])
    with pytest.raises(ValueError, match="already registered"):
        tj.register_dataclass(Line)
    with pytest.raises(
        TypeError, match=r"argument 0 holds a Other, which is no array.*tj\.register_dataclass"
    ):
        tj.grad(lambda x: x.a)(dataclasses.make_dataclass("Other", ["a"])(1.0))

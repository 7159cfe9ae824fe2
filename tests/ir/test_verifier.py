"""What the text cannot say wrongly, the data structures can: the verifier refuses that too."""

import pytest

from tapejit.ir import control, ops
from tapejit.ir.builder import Builder
from tapejit.ir.function import Function, Instr, IRError, Value
from tapejit.ir.printer import print_function
from tapejit.ir.types import TensorType
from tapejit.ir.verifier import verify

SCALAR = TensorType("f64")


def sine():
    builder = Builder("f", [("x", SCALAR)])
    (x,) = builder.params
    return builder.finish([ops.sin(x)])


def test_a_valid_function_is_returned_itself():
    f = sine()
    assert verify(f) is f


def test_the_error_carries_the_ir():
    f = sine()
    f.results[0].type = TensorType("f32")
    with pytest.raises(IRError, match=r"stated as f32\[\], but it is f64\[\]") as error:
        verify(f)
    assert error.value.__notes__ == [print_function(f)]


def test_a_value_is_defined_once():
    f = sine()
    f.body.append(f.body[0])
    with pytest.raises(IRError, match="defined twice"):
        verify(f)
    with pytest.raises(IRError, match="parameter %a1: a value is defined twice"):
        verify(Function("f", f.params * 2, [], ()))


def test_a_value_is_defined_before_its_use():
    f = sine()
    f.body.append(Instr(ops.cos, f.results, {}, (Value(SCALAR),)))
    f.body.reverse()
    with pytest.raises(IRError, match="operand 0 is not defined before its use"):
        verify(f)


def test_a_result_is_defined():
    with pytest.raises(IRError, match="result 0 is not defined"):
        verify(Function("f", (), [], (Value(SCALAR),)))


def test_attributes_are_hashable():
    attrs = {"dtype": "f64", "shape": [2], "value": 0.0}
    f = Function("f", (), [Instr(ops.full, (), attrs, (Value(SCALAR),))])
    with pytest.raises(IRError, match=r"@f, instruction 0 \(full\): attribute shape cannot hold \[2\]"):
        verify(f)


def test_a_region_sees_nothing_of_the_outside():
    f = sine()
    pred, inner = Value(TensorType("bool")), Function("r", (), [], f.params)
    results = (Value(SCALAR),)
    f.params = (*f.params, pred)
    f.body.append(Instr(control.cond, (pred,), {}, results, (inner, inner)))
    with pytest.raises(IRError, match="@r: result 0 is not defined in it"):
        verify(f)


def test_a_builder_refuses_another_function_s_values():
    ours, theirs = Builder("f", [SCALAR]), Builder("g", [SCALAR])
    with pytest.raises(IRError, match="add: an operand belongs to another function"):
        ops.add(ours.params[0], theirs.params[0])

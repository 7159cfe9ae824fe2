"""Dimensions of a single element: their index says nothing, whatever guard it was computed in."""

import numpy as np
from compiled import assert_matches

from tapejit.ir.parser import parse_function

TWO_PADS = """
func @f(%x: f64[2,2], %y: f64[2,2]) -> (f64[2,2], f64[2,2]) {
  %0 = mul %x, %y : f64[2,2]
  %1 = slice %0 {start=[0, 0], step=[1, 1], stop=[1, 2]} : f64[1,2]
  %2 = pad %1 {high=[1, 0], interior=[0, 0], low=[0, 0], value=0.0} : f64[2,2]
  %3 = pad %1 {high=[0, 0], interior=[0, 0], low=[1, 0], value=0.0} : f64[2,2]
  %4 = mul %2, %y : f64[2,2]
  %5 = add %4, %3 : f64[2,2]
  return %5, %0
}
"""
TWO_GATHERS = """
func @f(%x: f64[2,2], %i: i64[3], %j: i64[3]) -> (f64[3,2], f64[2,2]) {
  %0 = mul %x, %x : f64[2,2]
  %1 = slice %0 {start=[1, 0], step=[1, 1], stop=[2, 2]} : f64[1,2]
  %2 = gather %1, %i {axis=0} : f64[3,2]
  %3 = gather %1, %j {axis=0} : f64[3,2]
  %4 = add %2, %3 : f64[3,2]
  return %4, %0
}
"""
X = np.array([[1.5, -2.0], [0.25, 3.0]])


def test_one_row_padded_on_either_side():
    assert_matches(parse_function(TWO_PADS), X, X + 1.0)


def test_one_row_gathered_twice():
    assert_matches(parse_function(TWO_GATHERS), X, np.array([0, 3, 0]), np.array([-1, 0, 0]))

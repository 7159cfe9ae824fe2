"""The examples in the docstrings run, under the names that users import."""

import doctest
import importlib

import layers
import pytest

MODULES = [module.name for module in layers.read_house(layers.ROOT) if module.path.stem != "__main__"]


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0

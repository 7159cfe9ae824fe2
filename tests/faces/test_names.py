"""The import lines of MXNet programs, with only the package's name changed."""

import importlib
import subprocess
import sys
from importlib import metadata

import pytest

import tapejit as mx
import tapejit.autograd as ag
import tapejit.ndarray as nd
from tapejit import autograd, np, npx
from tapejit.base import MXNetError


def test_nd_is_one_module_under_all_its_names():
    from tapejit import nd as short

    assert short is nd
    assert mx.nd is nd
    assert mx.ndarray is nd
    assert importlib.import_module("tapejit.nd") is nd


def test_the_other_modules():
    assert ag is autograd
    assert mx.autograd is autograd
    assert (mx.np, mx.npx) == (np, npx)
    assert mx.MXNetError is MXNetError
    assert issubclass(MXNetError, RuntimeError)


@pytest.mark.parametrize(
    "line", ["import tapejit.nd as nd", "from tapejit import nd", "import tapejit.ndarray as nd"]
)
def test_first_import_by_any_name(line):
    code = f"{line}\nassert nd.ones(2).sum().asscalar() == 2\nimport tapejit\nassert tapejit.nd is nd"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("module", [nd, np, npx, autograd, mx.random, np.random, np.linalg, nd.random])
def test_a_module_lists_what_it_has(module):
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert name in dir(module)
        assert getattr(module, name) is not None or name == "newaxis"
    with pytest.raises(AttributeError, match="has no attribute"):
        module.no_such_function  # noqa: B018


@pytest.mark.parametrize("module", [nd, np, npx])
def test_functions_are_documented_and_named(module):
    for name in module.__all__:
        function = getattr(module, name)
        if callable(function) and not isinstance(function, type):
            assert function.__doc__
            assert function.__name__


def test_numpys_constants_and_dtypes():
    assert np.pi > 3
    assert np.newaxis is None
    assert np.ones(1, dtype=np.int32).dtype == np.int32
    assert np.inf > 0


def test_the_version():
    assert mx.__version__ == metadata.version("tapejit")
    with pytest.raises(AttributeError, match="module 'tapejit' has no attribute 'versoin'"):
        _ = mx.versoin

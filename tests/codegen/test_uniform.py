"""Functions with a shorter way for vectors of one kind: an element's neighbours do not change its bits."""

import numpy as np
import pytest

from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime.loader import Loader

DTYPES = {"f64": np.float64, "f32": np.float32}
SIZE = 64  # whole vectors of every width
# Of each function a row of operands for each of its ways, the last for the longest.
KINDS = {
    "lgamma": [(3.0, 80.0), (0.01, 2.999), (-5.0, 0.0)],
    "digamma": [(3.0, 80.0), (0.01, 2.999), (-5.0, 0.0)],
    "gamma": [(3.0, 30.0), (0.01, 2.999), (-5.0, 0.0)],
    "pow": [(0.1, 9.0), (-9.0, -0.1), (1e-39, 1e-38)],
}


@pytest.fixture(scope="module")
def loader():
    return Loader(VOCABULARY)


def applied(loader, name, x, y):
    """The function of pairs of elements, in one loop."""
    operands = "x[i], y[i]" if name == "pow" else "x[i]"
    source = f"def f(x, y, out):\n    for i in range({x.size}):\n        out[i] = {name}({operands})\n"
    row = TensorType({8: "f64", 4: "f32"}[x.itemsize], x.shape)
    out = np.empty_like(x)
    loader.load(source, "f", Signature((row, row), (False, False), (row,), (False,))).call(x, y, out)
    return out.view(f"u{x.itemsize}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", KINDS)
def test_the_bits_do_not_depend_on_the_neighbours(loader, name, dtype):
    rng = np.random.default_rng(3)
    kinds = [rng.uniform(*bounds, SIZE).astype(DTYPES[dtype]) for bounds in KINDS[name]]
    y = np.round(rng.uniform(-6.0, 6.0, SIZE), 1).astype(DTYPES[dtype])
    alone = np.concatenate([applied(loader, name, x, y) for x in kinds])
    order = rng.permutation(3 * SIZE)
    mixed = applied(loader, name, np.concatenate(kinds)[order], np.tile(y, 3)[order])
    np.testing.assert_array_equal(mixed, alone[order])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("limit", [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("name", KINDS)
def test_a_limit_among_ordinary_operands(loader, name, limit, dtype):
    """It is what it is among its own kind, and so are the others."""
    x, y = (np.linspace(*ends, SIZE).astype(DTYPES[dtype]) for ends in ((3.5, 20.0), (0.3, 2.9)))
    ordinary, own = applied(loader, name, x, y), applied(loader, name, np.full_like(x, limit), y)
    places = np.arange(5, SIZE, 16)
    x[places] = limit
    expected = ordinary.copy()
    expected[places] = own[places]
    np.testing.assert_array_equal(applied(loader, name, x, y), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_exponents_of_every_size(loader, dtype):
    """Results that overflow, are subnormal or vanish, among ordinary ones."""
    y = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e30, 3.0, -3.0, 125.0, -125.0, 140.0, -148.0])
    y = np.resize(y, SIZE).astype(DTYPES[dtype])
    x = np.resize([2.0, 0.5, 1.0, 3.7], SIZE).astype(DTYPES[dtype])
    found = applied(loader, "pow", x, y).view(DTYPES[dtype])
    with np.errstate(all="ignore"):
        expected = np.power(x.astype(np.longdouble), y).astype(DTYPES[dtype])
    np.testing.assert_array_max_ulp(found, expected, 2)

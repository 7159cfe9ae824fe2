"""Random programs give exactly what the interpreter gives: compiled, and many more as plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from compiled import run
from plain import run_plainly
from random_bands import RandomBands
from random_program import RandomProgram
from random_rows import RandomRows
from random_writes import RandomWrites

from tapejit.codegen import (
    band_cost,
    cost,
    depth,
    fusion,
    nest,
    parallel,
    root,
    row_strip,
    section,
    short_rows,
    unroll,
    window,
    workspace,
)
from tapejit.codegen import fold as folds
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.signature import Signature, signature_of
from tapejit.ir.transforms.adjoint import adjoint

HELD = 7  # what result arrays hold before
BATCH = 100


def whole_numbers(random: np.random.Generator, function: Function) -> list[np.ndarray]:
    types = [v.type for v in function.params]
    return [np.asarray(random.integers(-9, 10, t.shape)).astype(t.numpy_dtype) for t in types]


@pytest.mark.parametrize("dtype", ["f64", "f32", "i64", "i32"])
@pytest.mark.parametrize("seed", [*range(6), 83])
def test_random_program(seed, dtype):
    function = canonicalise(RandomProgram(seed, dtype).function(steps=24, results=3))
    args = whole_numbers(np.random.default_rng(seed), function)
    for found, expected in zip(run(function, *args), interpret(function, *args), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.fixture
def short_limits(monkeypatch):
    """Sums of few elements are cut into stretches, small products call BLAS, little is evaluated twice."""
    monkeypatch.setitem(folds.STRETCH, "f64", 2)
    monkeypatch.setitem(folds.STRETCH, "f32", 1)
    monkeypatch.setattr(root, "SMALL_PRODUCT", 8)
    monkeypatch.setattr(cost, "STORE_ABOVE", 3)
    monkeypatch.setattr(section, "LEAST", 0)


@pytest.fixture
def everything_joined(monkeypatch):
    """Spaces of as many loops are one, however their extents differ, and little is stored in between."""
    monkeypatch.setattr(window, "SHARE", 0)
    monkeypatch.setattr(section, "LEAST", 0)
    monkeypatch.setattr(cost, "STORE_ABOVE", 30)


@pytest.mark.parametrize("dtype", ["f64", "f32", "i64", "i32"])
@pytest.mark.parametrize("first", [0, BATCH])
def test_rows(first, dtype):
    for seed in range(first, first + BATCH):
        check_plainly(seed, RandomRows(seed, dtype).function(steps=4 + seed % 16, results=2))


@pytest.mark.usefixtures("short_limits", "small_workspaces", "everything_unrolled")
@pytest.mark.parametrize("dtype", ["f64", "f32", "i64"])
def test_rows_with_short_limits(dtype):
    for seed in range(1000, 1000 + BATCH):
        check_plainly(seed, RandomRows(seed, dtype).function(steps=4 + seed % 16, results=2))


@pytest.fixture
def phase_by_phase(monkeypatch):
    """No rows are short enough to run side by side; few enough for strips of three they never are."""
    monkeypatch.setattr(short_rows, "LONGEST", 0)
    monkeypatch.setattr(row_strip, "LEAST_ROWS", 1)
    monkeypatch.setattr(row_strip, "MOST", 3)
    monkeypatch.setattr(row_strip, "LEAST_COST", 10**6)


@pytest.fixture
def everything_cut(monkeypatch):
    """Bodies of any cost are cut by depth, and run in strips of three."""
    monkeypatch.setattr(depth, "CALL", 1)
    monkeypatch.setattr(depth, "LEAST_COST", 0)
    monkeypatch.setattr(depth, "MOST_COST", 2)
    monkeypatch.setattr(nest, "LANES", 3)
    monkeypatch.setattr(nest, "LEAST_LANES", 1)


@pytest.fixture
def rows_side_by_side(monkeypatch):
    """Every nest that can be runs several of its rows at once."""
    monkeypatch.setattr(short_rows, "LEAST_ROWS", 1)
    monkeypatch.setattr(short_rows, "LONGEST", 10**6)
    monkeypatch.setattr(short_rows, "LEAST_LANES", 1)
    monkeypatch.setattr(short_rows, "MOST_LANES", 2)


@pytest.fixture
def everything_unrolled(monkeypatch):
    """Every last dimension of up to four elements is unrolled."""
    monkeypatch.setattr(unroll, "LEAST_SIZE", 1)


@pytest.fixture
def small_workspaces(monkeypatch):
    """Every temporary shares memory with others."""
    monkeypatch.setattr(workspace, "SMALLEST", 1)


@pytest.fixture
def many_blocks(monkeypatch):
    """Every nest that can be is divided, into blocks of a few elements."""
    monkeypatch.setattr(parallel, "LEAST_WORK", 0)
    monkeypatch.setattr(parallel, "BLOCK_WORK", 1e-9)
    monkeypatch.setattr(parallel, "MOST_BLOCKS", 5)
    monkeypatch.setattr(parallel, "PARTS_SHARE", 0.01)
    monkeypatch.setattr(parallel, "ALIGNED", 2)


@pytest.mark.usefixtures("many_blocks", "short_limits", "small_workspaces", "phase_by_phase")
@pytest.mark.parametrize("dtype", ["f64", "i64"])
def test_rows_phase_by_phase(dtype):
    for seed in range(4000, 4000 + 2 * BATCH):
        check_plainly(seed, RandomRows(seed, dtype).function(steps=4 + seed % 16, results=2))


@pytest.mark.usefixtures("everything_cut")
@pytest.mark.parametrize("dtype", ["f64", "i32"])
def test_rows_in_strips(dtype):
    for seed in range(5000, 5000 + BATCH):
        check_plainly(seed, RandomRows(seed, dtype).function(steps=4 + seed % 16, results=2))


@pytest.mark.usefixtures("rows_side_by_side", "everything_unrolled")
@pytest.mark.parametrize("dtype", ["f64", "f32", "i64"])
def test_rows_side_by_side(dtype):
    for seed in range(6000, 6000 + BATCH):
        check_plainly(seed, RandomRows(seed, dtype).function(steps=4 + seed % 16, results=2))


@pytest.mark.usefixtures(
    "rows_side_by_side", "everything_cut", "many_blocks", "short_limits", "small_workspaces"
)
@pytest.mark.parametrize("dtype", ["f64", "i32"])
def test_rows_side_by_side_in_blocks(dtype):
    for seed in range(7000, 7000 + BATCH):
        check_plainly(seed, RandomRows(seed, dtype).function(steps=4 + seed % 16, results=2))


@pytest.mark.usefixtures("everything_joined", "small_workspaces")
@pytest.mark.parametrize("dtype", ["f64", "i64"])
def test_rows_in_windows(dtype):
    for seed in range(5000, 5000 + 2 * BATCH):
        check_plainly(seed, RandomRows(seed, dtype).function(steps=4 + seed % 16, results=3))


@pytest.mark.usefixtures("everything_joined", "many_blocks")
def test_rows_in_windows_and_blocks():
    for seed in range(6000, 6000 + BATCH):
        check_plainly(seed, RandomRows(seed, "f64").function(steps=4 + seed % 16, results=3))


@pytest.mark.usefixtures("many_blocks", "short_limits", "small_workspaces", "everything_unrolled")
@pytest.mark.parametrize("dtype", ["f64", "f32", "i64", "i32"])
def test_rows_in_blocks(dtype):
    for seed in range(3000, 3000 + BATCH):
        check_plainly(seed, RandomRows(seed, dtype).function(steps=4 + seed % 16, results=2))


@pytest.fixture
def bands(monkeypatch):
    """As if caches were tiny and memory slow; a product of any size is one by tiles."""
    limits = {"NEAR": 0, "MIDDLE": 0, "FAR_SPEED": 1e-9, "BLOCK_BYTES": 1, "LEAST_BLOCKS": 2}
    for name, limit in limits.items():
        monkeypatch.setattr(band_cost, name, limit)
    monkeypatch.setattr(fusion, "ROWS", 3)
    monkeypatch.setattr(parallel, "PARTS_SHARE", 0.01)
    monkeypatch.setattr(root, "SMALL_PRODUCT", 0)
    monkeypatch.setattr(cost, "STORE_ABOVE", 3)


@pytest.mark.usefixtures("bands", "small_workspaces")
def test_bands():
    for seed in range(8000, 8000 + 2 * BATCH):
        check_plainly(seed, RandomBands(seed, "f64").function(steps=4 + seed % 16, results=2))


@pytest.mark.usefixtures("bands", "many_blocks", "rows_side_by_side", "everything_cut")
def test_bands_of_rows_side_by_side():
    for seed in range(9000, 9000 + 2 * BATCH):
        check_plainly(seed, RandomBands(seed, "f64").function(steps=4 + seed % 16, results=2))


@pytest.mark.usefixtures("everything_unrolled")
def test_adjoints_of_rows():
    """Sums of integer multiples stay exact while they are small; a tie is cut in halves."""
    for seed in range(2000, 2000 + BATCH):
        check_plainly(seed, adjoint(RandomRows(seed, "f64").function(steps=3 + seed % 8, results=1)), 1e-10)


CIRCUMSTANCES = {
    "plain": (),
    "short limits": ("short_limits", "small_workspaces", "everything_unrolled"),
    "phase by phase": ("many_blocks", "small_workspaces", "phase_by_phase"),
    "cut": ("everything_cut",),
    "side by side": ("rows_side_by_side", "everything_cut", "many_blocks"),
    "windows": ("everything_joined", "many_blocks"),
}


@pytest.mark.parametrize("circumstances", CIRCUMSTANCES.values(), ids=CIRCUMSTANCES)
def test_parameters_are_overwritten(circumstances, request):
    for name in circumstances:
        request.getfixturevalue(name)
    for seed in range(8000, 8000 + BATCH // 2):
        dtype = ("f64", "f32", "i64", "i32")[seed % 4]
        check_plainly(seed, RandomWrites(seed, dtype).function(steps=seed % 12, results=1))


@pytest.mark.parametrize("circumstances", CIRCUMSTANCES.values(), ids=CIRCUMSTANCES)
def test_parameters_are_overwritten_only_if_a_guard_holds(circumstances, request):
    for name in circumstances:
        request.getfixturevalue(name)
    held = []
    for seed in range(9000, 9000 + BATCH // 2):
        function = canonicalise(RandomWrites(seed, ("f64", "i64")[seed % 2]).guarded(steps=seed % 12))
        args = whole_numbers(np.random.default_rng(seed), function)
        homes = {k: k - 1 for k in range(1, len(function.results))}
        signature = signature_of(function, homes=homes, guards=(0,))
        ok, *found = run_plainly(function, *args, signature=signature, held=HELD)
        holds, *expected = interpret(function, *args)
        assert ok == holds
        held.append(bool(ok))
        for k, x in enumerate(found):
            np.testing.assert_array_equal(x, expected[k] if holds else args[k], err_msg=f"seed {seed}")
    assert len(set(held)) == 2


def check_plainly(seed: int, program: Function, tolerance: float = 0.0) -> None:
    """Some parameters are passed by value; some results are added to what is there or overwrite one."""
    function, random = canonicalise(program), np.random.default_rng(seed)
    args, signature = whole_numbers(random, function), random_signature(random, function)
    found = run_plainly(function, *args, signature=signature, held=HELD)
    for slot, (x, expected) in enumerate(zip(found, interpret(function, *args), strict=True)):
        before = x.dtype.type(HELD if signature.accumulate[slot] else 0)
        scale = np.max(np.abs(expected), initial=1.0)
        np.testing.assert_allclose(
            x,
            expected + before if signature.accumulate[slot] else expected,
            rtol=tolerance,
            atol=tolerance * scale,
            err_msg=f"seed {seed}, result {slot}",
        )


def random_signature(random: np.random.Generator, function: Function) -> Signature:
    by_value = {k for k, v in enumerate(function.params) if not v.type.shape and random.random() < 0.5}
    homes = random_homes(random, function, by_value)
    numbers = [k for k, v in enumerate(function.results) if v.type.dtype != "bool" and k not in homes]
    added = frozenset(k for k in numbers if random.random() < 0.15)
    return signature_of(function, frozenset(by_value), added, homes)


def random_homes(random: np.random.Generator, function: Function, by_value: set[int]) -> dict[int, int]:
    """Parameters in which results are left, each of one at most."""
    homes: dict[int, int] = {}
    for slot, value in enumerate(function.results):
        free = (
            {k for k, v in enumerate(function.params) if v.type == value.type} - by_value - {*homes.values()}
        )
        if free and random.random() < 0.7:
            homes[slot] = int(random.choice(sorted(free)))
    return homes

"""The page that lists every name of NumPy says what is so."""

from __future__ import annotations

from pathlib import Path

from newest import newest_numpy
from numpy_page import page

PAGE = Path(__file__).parents[2] / "docs" / "numpy.md"


@newest_numpy
def test_the_page_is_true(request):
    found = page()
    if request.config.getoption("--bless"):
        PAGE.write_text(found)
    assert PAGE.read_text() == found, "docs/numpy.md is out of date: run with --bless and read git diff"

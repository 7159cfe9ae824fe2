"""Histograms of points: `np.histogramdd` and `np.histogram2d`, made of the bins of each coordinate.

As for `np.histogram`, counts are constants to the derivative; weights are not, nor are edges
that follow the data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapejit.tracer.surface.composed import array, composed
from tapejit.tracer.surface.statistics import bin_of, counted, histogram_bin_edges


@composed(np.histogramdd)
def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    columns = _coordinates(sample)
    given = list(bins) if hasattr(bins, "__len__") else [bins] * len(columns)
    ranges = [None] * len(columns) if range is None else list(range)
    if len(given) != len(columns) or len(ranges) != len(columns):
        raise ValueError(
            f"points have {len(columns)} coordinates, but {len(given)} bins, {len(ranges)} ranges"
        )
    edges = [_edges(*each) for each in zip(columns, given, ranges, strict=True)]
    counts = _counts(columns, edges, weights)
    return (_density(counts, edges) if density else counts), edges


def _edges(column: Any, bins: Any, range: Any) -> Any:
    """As of `np.histogram`, but `float32` only where they follow the data."""
    follow = range is None and column.size
    return histogram_bin_edges(column if follow else np.zeros(0), bins, range)


def _coordinates(sample: Any) -> list[Any]:
    """The coordinates of points in rows; a sequence is of coordinates."""
    if isinstance(sample, list | tuple):
        sample = np.stack([array(x) for x in sample], axis=-1)
    points = sample if len(sample.shape) == 2 else sample[:, None]
    return [points[:, k] for k in np.arange(points.shape[1])]


def _counts(columns: Sequence[Any], edges: Sequence[Any], weights: Any) -> Any:
    sizes = [each.shape[0] - 1 for each in edges]
    index, inside = 0, True
    for x, bounds, size in zip(columns, edges, sizes, strict=True):
        place = bin_of(x, bounds)
        index = index * size + place
        inside = (place >= 0) & (place < size) & inside
    given = np.ones(columns[0].shape) if weights is None else array(weights).astype("float64")
    if given.shape != columns[0].shape:
        raise ValueError(f"weights of shape {given.shape} for {columns[0].shape[0]} points")
    return counted(np.where(inside, index, -1), given, size=math.prod(sizes)).reshape(sizes)


def _density(counts: Any, edges: Sequence[Any]) -> Any:
    total = np.sum(counts)
    for axis, bounds in enumerate(edges):
        shape = [1] * len(edges)
        shape[axis] = bounds.shape[0] - 1
        counts = counts / np.diff(bounds).reshape(shape)
    return counts / total


@composed(np.histogram2d)
def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """One sequence of more than two numbers is the edges of both coordinates."""
    if np.shape(x) != np.shape(y):
        raise ValueError("x and y must have the same length.")
    if hasattr(bins, "__len__") and len(bins) > 2:
        bins = [bins, bins]
    counts, edges = histogramdd([x, y], bins, range, density, weights)
    return counts, edges[0], edges[1]

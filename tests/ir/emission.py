"""What a row's emission means, in plain Python and one element at a time.

The code generator makes fused loops of the same strings and index maps; this is the slow reading of
them, to which `row_checks` holds every row. Start at `emitted`.
"""

import math
import operator
from itertools import product

import numpy as np
import scipy.special

from tapejit.ir import discrete_quantile, incomplete_beta, incomplete_gamma, wald
from tapejit.ir.emission import (
    Constant,
    Fold,
    FoldIndex,
    Gathered,
    IndexMap,
    Ordered,
    Padded,
    Scalar,
    Scanned,
    Scattered,
)
from tapejit.ir.random import reference_threefry
from tapejit.ir.types import NUMPY_NAME


def _ahead(wins):
    """`x` is preferred to the best so far: it wins, or it is the first NaN."""
    return lambda x, best: (wins(x, best) or np.isnan(x)) and not np.isnan(best)


OF_REFERENCE = (
    incomplete_gamma.poisson_mass,
    incomplete_gamma.gammainc,
    incomplete_gamma.gammaincc,
    incomplete_gamma.gammainc_ratio,
    incomplete_gamma.gammaincinv,
    incomplete_gamma.gammainccinv,
    incomplete_gamma.log_gammaincinv,
    incomplete_beta.beta_density,
    incomplete_beta.betainc,
    incomplete_beta.betaincc,
    incomplete_beta.betainc_ratio,
    incomplete_beta.betaincinv,
    incomplete_beta.betainccinv,
    wald.wald_quantile,
    discrete_quantile.poisson_quantile,
    discrete_quantile.binomial_quantile,
)
_ERROR_AND_GAMMA = ("erfc", "erfcx", "erfinv", "erfcinv", "ndtr", "log_ndtr", "gamma", "digamma")
OF_SCIPY = (*_ERROR_AND_GAMMA, "xlogy", "xlog1py", "i0", "i1", "i0e", "i1e", "j0", "j1")


def _integer_pow(x, n):
    return x**n if n >= 0 else 1 / x**-n


def _of_reference(row):
    """The row's reference on one element; the compiled form is held to it, and both to SciPy, elsewhere."""
    names = [name for _, attrs in row.examples[:1] for name in attrs]

    def call(*given):
        operands = (np.asarray(x) for x in given[: row.arity])
        return row.reference(*operands, **dict(zip(names, given[row.arity :], strict=True)))[()]

    return call


NAMES = {
    **{name: np.dtype(long).type for name, long in NUMPY_NAME.items()},
    **{
        f.__name__: f
        for f in (
            np.sign,
            np.floor,
            np.ceil,
            np.sqrt,
            np.exp,
            np.exp2,
            np.expm1,
            np.log,
            np.log1p,
            np.log2,
            np.log10,
            np.copysign,
            np.nextafter,
            np.rint,
            np.logaddexp,
            np.logaddexp2,
            np.cbrt,
            np.sin,
            np.cos,
            np.tan,
            np.arcsin,
            np.arccos,
            np.arctan,
            np.arctan2,
            np.sinh,
            np.cosh,
            np.tanh,
            np.maximum,
            np.minimum,
        )
    },
    "abs": np.abs,
    "max": max,
    "inf": np.inf,
    "nan": np.nan,
    "pow": np.power,
    "mod": np.remainder,
    "floor_div": np.floor_divide,
    "integer_pow": _integer_pow,
    "erf": lambda x: type(x)(math.erf(x)),
    "rsqrt": lambda x: type(x)(1) / np.sqrt(x),
    "logistic": lambda x: type(x)(1) / (type(x)(1) + np.exp(-x)),
    **{name: getattr(scipy.special, name) for name in OF_SCIPY},
    "lgamma": scipy.special.gammaln,
    "polygamma": lambda x, n: type(x)(scipy.special.polygamma(n, float(x))),
    **{row.name: _of_reference(row) for row in OF_REFERENCE},
    "shift_left": np.left_shift,
    "shift_right": np.right_shift,
    "threefry": reference_threefry,
    "plus": operator.add,
    "complex": complex,
    "divide": operator.truediv,
    "modulus": np.abs,
    "select": lambda c, x, y: x if c else y,
    "wins_max": _ahead(operator.gt),
    "wins_min": _ahead(operator.lt),
}


def run(source, *operands, **attrs):
    return eval(source.format(*(f"v[{i}]" for i in range(len(operands))), **attrs), {**NAMES, "v": operands})


def emitted(row, result, operands, attrs):
    """The array of type `result` that the emission describes; None for one that is not elementwise."""
    rule = RULES.get(type(row.emission))
    if rule is None:
        return None
    out = np.empty(result.shape, result.numpy_dtype)
    with np.errstate(all="ignore"):
        for index in np.ndindex(result.shape):
            out[index] = rule(row.emission, index, result, operands, attrs)
    return out


def _scalar(emission, index, result, operands, attrs):
    return run(emission.of(result), *(x[index] for x in operands), **attrs)


def _constant(emission, index, result, operands, attrs):
    return run(emission.source([str(i) for i in index], **attrs))


def _group(index, x, axes):
    """The elements of `x` that are reduced to the element at `index`, in row-major order."""
    kept = iter(index)
    ranges = [range(n) if k in axes else [next(kept)] for k, n in enumerate(x.shape)]
    return [x[i] for i in product(*ranges)]


def _fold(emission, index, result, operands, attrs):
    (x,) = operands
    best = NAMES[result.dtype](run(emission.identity(result.dtype)))
    for element in _group(index, x, attrs["axes"]):
        best = run(emission.combine, best, element)
    return best


def _fold_index(emission, index, result, operands, attrs):
    (x,) = operands
    elements, best = _group(index, x, attrs["axes"]), 0
    for k, element in enumerate(elements):
        best = k if run(emission.better, elements[best], element) else best
    return best


def _index_map(emission, index, result, operands, attrs):
    (x,) = operands
    return x[emission.operand_index(index, x, **attrs)]


def _padded(emission, index, result, operands, attrs):
    """Each entry of the operand's index is (position, step): inside where step divides position."""
    (x,) = operands
    places = [divmod(at, step) for at, step in emission.operand_index(index, x, **attrs)]
    inside = all(rest == 0 and 0 <= k < n for (k, rest), n in zip(places, x.shape, strict=True))
    return x[tuple(k for k, _ in places)] if inside else attrs["value"]


def _gathered(emission, index, result, operands, attrs):
    x, where = operands
    axis = attrs["axis"]
    at = where[index[axis : axis + where.ndim]]
    inside = 0 <= at < x.shape[axis]
    return x[(*index[:axis], at, *index[axis + where.ndim :])] if inside else 0


def _scattered(emission, index, result, operands, attrs):
    """All updates are looked at; those for this element are combined."""
    where, axis = operands[-1], attrs["axis"]
    cell = NAMES[result.dtype](run(emission.fold.identity(result.dtype)))
    for number, at in enumerate(np.ndindex(operands[0].shape)):
        place = (*at[:axis], where[at[axis : axis + where.ndim]], *at[axis + where.ndim :])
        if place == index:
            cell = run(emission.fold.combine, cell, operands[0][at] if len(operands) > 1 else number)
    return cell


def _scanned(emission, index, result, operands, attrs):
    axis, before = attrs["axis"], None
    for k in range(index[axis] + 1):
        elements = [x[(*index[:axis], k, *index[axis + 1 :])] for x in operands]
        before = run(emission.step if k else emission.first, before, *elements)
    return before


def _ordered(emission, index, result, operands, attrs):
    """The element with as many others before it as its place says; of equal ones the first comes first."""
    (*row, place), (x,) = index, operands
    elements = list(enumerate(x[tuple(row)]))
    ahead = [
        sum(run(emission.before, v, u) or (j < k and not run(emission.before, u, v)) for j, v in elements)
        for k, u in elements
    ]
    return ahead.index(place) if place in ahead else -1


RULES = {
    Scalar: _scalar,
    Constant: _constant,
    Fold: _fold,
    FoldIndex: _fold_index,
    IndexMap: _index_map,
    Padded: _padded,
    Gathered: _gathered,
    Scattered: _scattered,
    Scanned: _scanned,
    Ordered: _ordered,
}

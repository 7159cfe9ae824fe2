"""The page docs/numpy.md: what becomes of every public name of NumPy, found out by trying the examples.

`page()` is the text. A name with neither an example nor a place in `PLAIN` is an error, as is a refused name
without a reason in `REASONS`.
"""

from __future__ import annotations

import textwrap
import types

import numpy as np
from numpy_examples import ATTRIBUTES, examples
from trial import Recorded

from tapejit.tracer.array import Array
from tapejit.tracer.errors import TapejitError

TRACED, ZERO, CONSTANT, VALUE, REFUSED = "traced", "zero", "constant", "value", "refused"
HEADINGS = {
    TRACED: "Traced",
    ZERO: "Traced, with a derivative of zero",
    CONSTANT: "Traced as constants",
    VALUE: "By value",
}

# Names that take no array of ours.
PLAIN = {
    "Make arrays": (
        "arange bartlett blackman bmat diag_indices empty eye frombuffer fromfile fromfunction fromiter "
        "fromregex fromstring from_dlpack genfromtxt hamming hanning identity indices kaiser load loadtxt "
        "mask_indices ones tri tril_indices triu_indices zeros fftfreq rfftfreq"
    ),
    "About types and shapes": "broadcast_shapes isdtype issubdtype mintypecode promote_types typename",
    "Text, dates and numbers": (
        "base_repr binary_repr datetime_data format_float_positional format_float_scientific"
    ),
    "Iteration": "iterable nested_iters",
    "Settings and information": (
        "get_include get_printoptions getbufsize geterr geterrcall info printoptions set_printoptions "
        "setbufsize seterr seterrcall show_config show_runtime test"
    ),
}
# Names that are refused, by the reason.
_REFUSED = {
    "makes a plain array, which would lose the gradient; use the array itself, or `.detach()`": (
        "array asarray asanyarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix require full "
        "r_ c_"
    ),
    "there are no dates": "busday_count busday_offset is_busday datetime_as_string isnat",
    "there are no unsigned bytes": "packbits unpackbits bitwise_count",
    "of Python objects; write it with functions of arrays, or use `tj.vmap`": "frompyfunc vectorize",
    "keeps plain coefficients; use `np.polyval` and kin": "poly1d",
    "memory is tapejit's to choose": "isfortran",
}
REASONS = {name: reason for reason, names in _REFUSED.items() for name in names.split()}


def status(module, name):
    """What the first example that is not refused gives; None if there is no example."""
    tried = examples(module, name)
    if not tried:
        return None
    found = [_outcome(example) for example in tried]
    accepted = [each for each in found if each != REFUSED]
    return TRACED if TRACED in accepted else accepted[0] if accepted else REFUSED


def _outcome(example):
    try:
        recorded = Recorded(example)
    except (TapejitError, TypeError, AttributeError):
        return REFUSED
    heads = recorded.heads()
    if heads:
        gradients = recorded.gradients([np.ones(x.shape) for x in heads])
        return TRACED if any(np.any(g != 0) for g in gradients.values()) else ZERO
    return CONSTANT if any(isinstance(x, Array) for x in recorded.results) else VALUE


def public(module):
    return [name for name in sorted(dir(module), key=str.lower) if not name.startswith("_")]


def page():
    """The text of docs/numpy.md."""
    parts = [_INTRODUCTION]
    for module in (np, np.linalg, np.fft):
        parts.append(f"## `{module.__name__}`\n")
        parts += _sections(module)
    parts.append("## Attributes and methods of arrays\n")
    parts += _attributes()
    return "\n".join(parts)


_INTRODUCTION = textwrap.dedent(
    """\
    # NumPy, name by name

    What tapejit makes of every public name of NumPy, when it is given an array of ours inside `record()` or a
    decorated function. A test tries them all and writes this page (`pytest tests/surface --bless`).

    * **Traced**: recorded, compiled, differentiated.
    * **Traced, with a derivative of zero**: piecewise constant.
    * **Traced as constants**: positions, counts or truth values, which have no derivative. Where the shape of
      the result depends on values (`nonzero`, `unique`) Python looks at these, as `bool(x)` does.
    * **By value**: answered with Python's or NumPy's own values, after looking at those of the array.
    * **Refused**: an error that names your line; the table says why.
    """
)


def _sections(module):
    groups, refused, kinds = {}, [], {}
    for name in public(module):
        found = status(module.__name__, name)
        if found == REFUSED:
            refused.append(name)
        elif found is not None:
            groups.setdefault(found, []).append(name)
        else:
            kinds.setdefault(_kind(module, name), []).append(name)
    yield from (_names(title, groups.get(key)) for key, title in HEADINGS.items() if groups.get(key))
    if refused:
        yield _refused(refused)
    yield from (_names(title, kinds[title]) for title in (*PLAIN, *_OTHER) if title in kinds)


_OTHER = ("Types", "Constants and index objects", "Modules")


def _kind(module, name):
    """The group of a name that takes no array of ours."""
    for title, names in PLAIN.items():
        if name in names.split():
            return title
    value = getattr(module, name)
    if isinstance(value, type):
        return "Types"
    if isinstance(value, types.ModuleType):
        return "Modules"
    assert not callable(value), f"{module.__name__}.{name} has no example in tests/surface/numpy_examples.py"
    return "Constants and index objects"


def _names(title, names):
    listed = ", ".join(f"`{name}`" for name in names)
    return textwrap.fill(f"**{title}.** {listed}", 120, break_on_hyphens=False) + "\n"


def _refused(names):
    reasons = {}
    for name in names:
        reasons.setdefault(REASONS[name], []).append(f"`{name}`")
    rows = [f"| {', '.join(listed)} | {reason} |" for reason, listed in reasons.items()]
    return "\n".join(["| refused | why |", "|---|---|", *rows, ""])


def _attributes():
    groups, refused = {}, []
    for name in public(np.ndarray):
        tried = ATTRIBUTES.get(name)
        assert tried, f"ndarray.{name} has no example in tests/surface/numpy_examples.py"
        found = _outcome(tried[0])
        if found == REFUSED:
            refused.append(name)
        else:
            groups.setdefault(found, []).append(name)
    yield from (_names(title, groups.get(key)) for key, title in HEADINGS.items() if groups.get(key))
    if refused:
        rows = [f"| `{name}` | {ATTRIBUTES[name][1]} |" for name in refused]
        yield "\n".join(["| refused | why |", "|---|---|", *rows, ""])

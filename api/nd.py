"""`import tapejit.nd`: the short name of `tapejit.ndarray`; both are the same module."""

import sys

from tapejit import ndarray

sys.modules[__name__] = ndarray

"""The errors a user can meet, each a subclass of the built-in a caller would catch.

A message says what was found, what was expected, the user's file and line, and what to do.
"""

from __future__ import annotations

from numpy.linalg import LinAlgError

from tapejit.ir.errors import DerivativeError as DerivativeError
from tapejit.ir.errors import TapejitError as TapejitError

NOT_IN_GRAPH = (
    "Cannot differentiate node because it is not in a computational graph. You need to set "
    "is_recording to true or use autograd.record() to save computational graphs for backward. If you "
    "want to differentiate the same graph twice, you need to pass retain_graph=True to backward."
)

UNREACHABLE = (
    "Cannot differentiate with respect to the {}-th variable because it is unreachable from the outputs."
)


COMPLEX_HEAD = (
    "backward at {}: a complex head, {}, has no single gradient: differentiate a real number, such as its "
    ".real or abs(...) ** 2, or say by a head gradient what the result counts"
)


class AutogradError(TapejitError, RuntimeError):
    """A derivative was asked of something that was not recorded, or whose record was freed."""


class EscapedArrayError(AutogradError):
    """An array of a decorated function is used after the call that made it."""


class EscapedArrayWarning(UserWarning):
    """A decorated function stored an array of its trace outside, where later calls will not store one."""


class InPlaceError(AutogradError):
    """An in-place write that cannot be recorded without losing a gradient."""


class ReadOnlyError(InPlaceError, ValueError):
    """A write to an array that may not be written to."""


class ShapeError(TapejitError, ValueError):
    """Shapes that do not fit an operation."""


class MatrixError(ShapeError, LinAlgError):
    """No matrix, or no square one, where linear algebra needs one."""


class BoundsError(ShapeError, IndexError):
    """An index or an axis that an array does not have."""


class DtypeError(TapejitError, TypeError):
    """Dtypes that do not fit an operation, or that tapejit does not have."""


class ConversionError(TapejitError, TypeError):
    """A traced array would have turned into a plain NumPy array and lost its gradient."""


class UnsupportedError(TapejitError, TypeError):
    """A NumPy function, or one of its arguments, that tapejit does not trace."""


class UnsupportedAttributeError(UnsupportedError, AttributeError):
    """An attribute of NumPy's arrays that these do not have."""


class RetraceWarning(UserWarning):
    """A decorated function takes so many different paths that its Python runs again and again."""


class DonationWarning(UserWarning):
    """A donated argument whose memory no result can take over."""


class RandomEscapeWarning(UserWarning):
    """A decorated function draws from a generator that no trace can repeat: its Python runs at every call."""


class NestedDemandError(TapejitError, RuntimeError):
    """Inside a nested derivative, Python asked for the number in an array that is not known yet."""


class ConvergenceError(TapejitError, RuntimeError):
    """A solver stopped where the residual is not zero, so that there is no derivative."""

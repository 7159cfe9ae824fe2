"""Functions that transforms make, as objects: printed, copied and pickled as Python's functions are.

A copy is the function itself. Pickled is the name if the function is found by it, as those that are decorated
in a module, or else what it was made of; what is known of its paths and programs stays behind.
"""

from __future__ import annotations

import functools
import operator
import sys
from typing import Any, Self

from tapejit.argnums import described


class FunctionObject:
    """The base of everything that transforms give and users call as a function."""

    __slots__ = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """An object that remembers what it is made of."""
        made = super().__new__(cls)
        made._made_of = args, kwargs  # type: ignore[attr-defined]
        return made

    def __repr__(self) -> str:
        return f"<tapejit {type(self).__name__} of {described(self)}>"  # type: ignore[arg-type]

    def __reduce__(self) -> Any:
        if _is_importable(self):
            return self.__qualname__  # type: ignore[attr-defined]
        args, kwargs = self._made_of  # type: ignore[attr-defined]
        return functools.partial(type(self), *args, **kwargs), ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self


def _is_importable(function: Any) -> bool:
    """Whether `function` is what its module has under its name."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    try:
        return operator.attrgetter(function.__qualname__)(module) is function
    except AttributeError:
        return False

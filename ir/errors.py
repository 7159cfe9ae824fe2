"""The base of the errors that tapejit raises on purpose, and those that only the IR can raise."""

from __future__ import annotations


class TapejitError(Exception):
    """Base of every error that tapejit raises on purpose."""


class DerivativeError(TapejitError, TypeError):
    """A derivative that the rule of a custom function does not give."""

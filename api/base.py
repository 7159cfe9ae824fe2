"""`tapejit.base`: where MXNet keeps the class of its errors."""

from __future__ import annotations

from tapejit.tracer.errors import AutogradError as MXNetError

__all__ = ["MXNetError"]

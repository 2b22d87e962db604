"""The error that ends a batch prediction."""

from __future__ import annotations

from ..errors import MMFError


class BatchError(MMFError):
    """A batch prediction cannot start or cannot continue; its output does not appear."""


class TooManyErrors(BatchError):
    """More rows are bad than the user allows."""

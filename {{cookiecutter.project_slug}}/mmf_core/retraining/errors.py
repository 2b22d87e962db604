"""Why a model is not trained, or is trained and rejected."""

from __future__ import annotations

from ..errors import Overloaded, RequestError


class RetrainingForbidden(RequestError):
    """Requests may not train (RFC 9110, 15.5.4)."""

    status = 403


class RetrainingConflict(RequestError):
    """The file is already being trained (RFC 9110, 15.5.10)."""

    status = 409


class ModelRejected(RequestError):
    """The new model is rejected, and the old one stays in use.

    `reason` is one word for metrics; `detail` is for the caller, and `logged` for the log, which
    may say more.
    """

    status = 422

    def __init__(self, detail: str, logged: str = "", *, reason: str) -> None:
        super().__init__(f"the new model is rejected: {detail}")
        self.reason = reason
        self.logged = f"the new model is rejected: {logged or detail}"


class ModelNotStored(Overloaded):
    """The new model cannot be written or pushed at the moment."""

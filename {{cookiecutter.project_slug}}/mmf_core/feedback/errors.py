"""The errors of feedback."""

from __future__ import annotations

from ..errors import Overloaded, RequestError


class FeedbackForbidden(RequestError):
    """The service accepts no feedback (RFC 9110, 15.5.4)."""

    status = 403


class UnknownResponse(RequestError):
    """No stored response has this id (RFC 9110, 15.5.5)."""

    status = 404


class FeedbackUnavailable(Overloaded):
    """The feedback database cannot be read or written at the moment."""

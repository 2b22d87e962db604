"""What goes wrong with feedback."""

from __future__ import annotations

from ..errors import Overloaded, RequestError


class FeedbackForbidden(RequestError):
    """The service takes no feedback (RFC 9110, 15.5.4)."""

    status = 403


class UnknownAnswer(RequestError):
    """No answer that is kept has this id (RFC 9110, 15.5.5)."""

    status = 404


class FeedbackUnavailable(Overloaded):
    """The file of feedback cannot be read or written just now."""

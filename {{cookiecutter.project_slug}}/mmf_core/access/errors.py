"""Reasons for refusing a request, with the headers that report them to programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from ..errors import ErrorDetail, RequestError


class AccessError(RequestError):
    """Base of the refusals; `headers` are those of the response, `log_fields` of the audit line."""

    def __init__(self, detail: str, errors: Iterable[ErrorDetail] = ()) -> None:
        super().__init__(detail, errors)
        self.headers: Mapping[str, str] = {}
        self.log_fields: Mapping[str, str] = {}

    def with_headers(self, **headers: str) -> Self:
        """Set headers of the response, with `_` for `-` in their names; return the error."""
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self


class MalformedAuthorization(AccessError):
    """The token is sent in an unsupported way (RFC 6750, 3.1: invalid_request)."""

    status = 400


class Unauthorized(AccessError):
    """The token is missing, or not valid (RFC 9110, 15.5.2)."""

    status = 401


class Forbidden(AccessError):
    """The token is valid, but not for this (RFC 6750, 3.1: insufficient_scope)."""

    status = 403


class TooManyRequests(AccessError):
    """The caller is over its rate (RFC 6585, 4)."""

    status = 429


def malformed(detail: str) -> MalformedAuthorization:
    """Return the error of a token that is sent in an unsupported way."""
    return MalformedAuthorization(detail).with_headers(
        WWW_Authenticate=_challenge("invalid_request", detail)
    )


def missing_token() -> Unauthorized:
    """Return the error of a request without a token; it has no error code (RFC 6750, 3.1)."""
    detail = "a token is missing: send it in the header Authorization, after the word Bearer"
    return Unauthorized(detail).with_headers(WWW_Authenticate=_challenge())


def invalid_token(reason: str) -> Unauthorized:
    """Return the error of a token that is not valid."""
    detail = f"the token is not valid: {reason}"
    return Unauthorized(detail).with_headers(WWW_Authenticate=_challenge("invalid_token", detail))


def unknown_api_key() -> Unauthorized:
    """Return the error of an API key that no line of the setting has."""
    return invalid_token("no such API key")


def out_of_scope(detail: str, scope: str = "") -> Forbidden:
    """Return the error of a valid token that lacks a group (`scope`), or a target."""
    challenge = _challenge("insufficient_scope", detail if detail.isascii() else "", scope)
    return Forbidden(detail).with_headers(WWW_Authenticate=challenge)


def _challenge(error: str = "", description: str = "", scope: str = "") -> str:
    """Return the header WWW-Authenticate (RFC 6750, 3): no value has a quote or a backslash."""
    description = description.replace('"', "'").replace("\\", "/")
    named = {"error": error, "error_description": description, "scope": scope}
    parameters = ['realm="mmf"', *(f'{key}="{text}"' for key, text in named.items() if text)]
    return f"Bearer {', '.join(parameters)}"

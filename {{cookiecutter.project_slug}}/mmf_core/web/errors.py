"""Errors as responses, in the format of the protocol that the request uses."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from http import HTTPStatus
from math import ceil
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ..errors import (
    CRASHED,
    LONGEST_MESSAGE,
    ArtifactError,
    ClientGone,
    DeadlineExceeded,
    InvalidValue,
    MissingPackage,
    Overloaded,
    RequestError,
    ResultError,
    TargetError,
    Unavailable,
    UnsupportedCoding,
    as_text,
    shortened,
)
from ..settings import MIB
from .annotated_workbook import annotated_workbook
from .authorization import reachable
from .http.bodies import drain_body
from .http.content_encoding import accept_encoding
from .protocols import ErrorReport, Protocol
from .request_context import current_context, report_rejected

_KEY, _TARGETS = "MMF_PROTOCOLS", "MMF_TARGETS"
_MAX_LISTED = 20  # targets in a 404
_log = logging.getLogger("mmf.errors")


def install(app: Flask, protocols: Iterable[Protocol], routes: Iterable[str]) -> None:
    """Respond to every error of this application in the format of the protocol of its path.

    `routes` are those of the targets, which a 404 lists.
    """
    app.config[_TARGETS] = [f"/{route}" for route in routes]
    app.config[_KEY] = {
        segment: protocol for protocol in protocols for segment in protocol.segments or (None,)
    }
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(RequestError, _request_error)
    app.register_error_handler(InvalidValue, _invalid_value)
    app.register_error_handler(UnsupportedCoding, _unsupported_coding)
    app.register_error_handler(ArtifactError, _not_loaded)
    app.register_error_handler(Overloaded, _overloaded)
    app.register_error_handler(Unavailable, _unavailable)
    app.register_error_handler(DeadlineExceeded, _deadline_exceeded)
    app.register_error_handler(ClientGone, _client_gone)
    app.register_error_handler(Exception, _crash)


def error_response(
    status: int, detail: str, errors: Iterable[dict[str, Any]] = (), **headers: str
) -> Response:
    """Respond with an error; `errors` are error details ready for JSON: see `ErrorReport`."""
    drain_body(request)
    protocols: dict[str | None, Protocol] = current_app.config[_KEY]
    protocol = protocols.get(request.path.split("/", 2)[1]) or protocols[None]
    text = shortened(as_text(detail), LONGEST_MESSAGE)
    response = protocol.error(ErrorReport(status, text, list(errors)))
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def problem(error: Exception) -> tuple[int, bytes]:
    """Return the status and the body of an error's response, for one that has already begun."""
    request.environ.pop("HTTP_ACCEPT_ENCODING", None)  # it is a part of a response
    if isinstance(error, InvalidValue):
        response = _request_error(error)
    else:
        response = current_app.make_response(current_app.handle_user_exception(error))
    return response.status_code, response.get_data()


def not_ready(reason: str) -> Response:
    """Respond 503: the service does not accept requests yet, or no longer."""
    return error_response(503, reason, Retry_After="10")


def _request_error(error: RequestError) -> Response:
    return error_response(error.status, error.detail, [item.as_dict() for item in error.errors])


def _invalid_value(error: InvalidValue) -> Response:
    report_rejected(error)
    return annotated_workbook(error) or _request_error(error)


def _unsupported_coding(error: UnsupportedCoding) -> Response:
    """List the supported codings in a header that no other 415 may have (RFC 7694, 3)."""
    response = _request_error(error)
    response.headers["Accept-Encoding"] = accept_encoding()
    return response


def _http_error(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.NOT_FOUND:
        return error_response(status, f"nothing is served at {request.path}; {_targets()}")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        detail = f"{request.method} is not allowed here; use {allowed}"
        return error_response(status, detail, Allow=allowed)
    return error_response(status, error.description or "")


def _targets() -> str:
    routes: list[str] = current_app.config[_TARGETS]
    if (reached := reachable()) is not None:
        routes = [route for route in routes if route[1:] in reached]
    more = ", …" * (len(routes) > _MAX_LISTED)
    return f"targets: {', '.join(routes[:_MAX_LISTED])}{more}"


def _too_large(_error: RequestEntityTooLarge) -> Response:
    limit, length = request.max_content_length or 0, request.content_length
    if length and length <= limit:
        return error_response(413, f"a form may have at most {request.max_form_parts} parts")
    return error_response(413, f"the body exceeds {limit / MIB:g} MiB (set MMF_MAX_BODY_MIB)")


def _overloaded(error: Overloaded) -> Response:
    return error_response(error.status, f"{error}; try again later", Retry_After="1")


def _unavailable(error: Unavailable) -> Response:
    """Respond with the author's message; its cause is in the log, without a traceback each time."""
    _log.warning("%s%s", error, _reason(error.__cause__), extra=_target())
    return error_response(error.status, str(error), Retry_After=str(ceil(error.retry_after)))


def _not_loaded(error: ArtifactError) -> Response:
    _log_traceback(error)
    return error_response(error.status, "the model is not loaded; retry later", Retry_After="10")


def _deadline_exceeded(error: DeadlineExceeded) -> Response:
    return error_response(error.status, str(error))


def _client_gone(error: ClientGone) -> Response:
    """Respond to nobody: the status is for the access line and the metrics."""
    return Response(status=f"{error.status} Client Closed Request")


def _crash(error: Exception) -> Response:
    _log_traceback(error)
    is_public = isinstance(error, MissingPackage | ResultError)
    return error_response(500, as_text(error) if is_public else CRASHED)


def _log_traceback(error: Exception) -> None:
    """Log the traceback: only the operator sees it."""
    cause = error.__cause__ if type(error) is TargetError else None
    _log.error("%s%s", error, _reason(cause), exc_info=error, extra=_target())


def _reason(cause: BaseException | None) -> str:
    return "" if cause is None else f": {type(cause).__name__}: {' '.join(as_text(cause).split())}"


def _target() -> dict[str, Any]:
    context = current_context()
    return {"target": context.target if context else None}

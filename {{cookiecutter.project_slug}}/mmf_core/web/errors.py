"""Errors as answers, each in the shape of the protocol that was spoken."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ..errors import (
    ArtifactError,
    DeadlineExceeded,
    InvalidValue,
    MissingPackage,
    Overloaded,
    RequestError,
    ResultError,
    UnsupportedCoding,
)
from ..settings import MIB
from .annotated_workbook import marked
from .http.bodies import drain_body
from .http.content_encoding import accept_encoding
from .protocols import Problem, Protocol
from .request_context import current

_KEY = "MMF_PROTOCOLS"
CRASHED = "the service failed on this request; its log has the reason under this request_id"
_log = logging.getLogger("mmf.errors")


def install(app: Flask, protocols: Iterable[Protocol]) -> None:
    """Answer every error of this application in the shape of the protocol whose path it is."""
    app.config[_KEY] = {part: one for one in protocols for part in one.segments or (None,)}
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(RequestError, _request)
    app.register_error_handler(InvalidValue, _invalid)
    app.register_error_handler(UnsupportedCoding, _coding)
    app.register_error_handler(ArtifactError, _busy)
    app.register_error_handler(Overloaded, _busy)
    app.register_error_handler(DeadlineExceeded, _late)
    app.register_error_handler(Exception, _crash)


def problem(status: int, detail: str, errors: list[dict[str, Any]], **headers: str) -> Response:
    """Return an error as an answer; `errors` are faults, ready for JSON."""
    drain_body(request)
    shapes: dict[str | None, Protocol] = current_app.config[_KEY]
    protocol = shapes.get(request.path.split("/", 2)[1]) or shapes[None]
    answer = protocol.error(Problem(status, detail, errors))
    answer.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return answer


def _request(error: RequestError) -> Response:
    return problem(error.status, error.detail, [fault.as_dict() for fault in error.errors])


def _invalid(error: InvalidValue) -> Response:
    return marked(error) or _request(error)


def _coding(error: UnsupportedCoding) -> Response:
    """Tell what a body can be packed with; no other 415 may have this header (RFC 7694, 3)."""
    answer = _request(error)
    answer.headers["Accept-Encoding"] = accept_encoding()
    return answer


def _http(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.NOT_FOUND:
        return problem(status, f"nothing is served at {request.path}", [])
    answer = problem(status, error.description or "", [])
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        answer = problem(
            status, f"{request.method} is not possible here; use {allowed}", [], Allow=allowed
        )
    return answer


def _too_large(_error: RequestEntityTooLarge) -> Response:
    limit, length = request.max_content_length or 0, request.content_length
    if length and length <= limit:
        return problem(413, f"a form may have {request.max_form_parts} parts at most", [])
    return problem(
        413,
        f"the body is larger than {limit / MIB:g} MiB; the operator's setting is MMF_MAX_BODY_MIB",
        [],
    )


def _busy(error: ArtifactError | Overloaded) -> Response:
    """Answer 503: nothing is wrong with the request, and it may be sent again."""
    if isinstance(error, Overloaded):
        return problem(error.status, f"{error}; try again later", [], Retry_After="1")
    _report(error)
    return problem(error.status, "the model is not loaded; try again later", [], Retry_After="10")


def _late(error: DeadlineExceeded) -> Response:
    return problem(error.status, str(error), [])


def _crash(error: Exception) -> Response:
    _report(error)
    told = str(error) if isinstance(error, MissingPackage | ResultError) else CRASHED
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, told, [])


def _report(error: Exception) -> None:
    """Write the trace where only the operator sees it."""
    exchange = current()
    _log.error("%s", error, exc_info=error, extra={"target": exchange.target if exchange else None})

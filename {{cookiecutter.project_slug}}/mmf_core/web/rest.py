"""REST: `POST /<target>` calls it, `GET /<target>` describes it; errors are RFC 9457's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Request, Response, request

from ..codecs import Kind, json, readable
from ..errors import PROBLEM_MEDIA_TYPE, problem_document
from ..execution import Execution, KeptColumns
from ..settings import Settings
from ..target import Target
from .annotated_workbook import check_errors_query
from .http.arguments import ArgumentReader
from .http.codec_options import limits_of
from .http.negotiation import media_types, negotiate
from .http.responses import ResultWriter, json_response
from .openapi.request_bodies import example_body, plain_values
from .openapi.targets import section
from .protocols import ErrorReport, Protocol, Service
from .request_context import current_context, enter_target, execute
from .streams import StreamWriter


def blueprints(service: Service) -> Iterable[Blueprint]:
    """Return each target's two routes."""
    for execution in service.executions.values():
        yield _blueprint(execution, service.settings)


def error(report: ErrorReport) -> Response:
    """Respond `type title status detail instance request_id errors` (RFC 9457)."""
    context = current_context()
    request_id = context.request_id if context else None
    body = problem_document(report.status, report.detail, request.path, request_id, report.errors)
    return json_response(body, report.status, PROBLEM_MEDIA_TYPE)


PROTOCOL = Protocol(name="native", blueprints=blueprints, error=error, openapi=section)


def _blueprint(execution: Execution, settings: Settings) -> Blueprint:
    target, limits = execution.target, limits_of(settings)
    reader = ArgumentReader(target, limits)
    writer = (StreamWriter if target.is_stream else ResultWriter)(target, limits)
    kept = KeptColumns.of(target)
    routes = Blueprint(target.route, __name__)

    @routes.post(f"/{target.route}")
    def call() -> Response:
        enter_target(target)
        this = _the_request()
        if this.query_string:
            check_errors_query(target)
        response_format, is_negotiated = negotiate(writer.formats, this)  # 406 costs no work
        values = reader.read(this)
        result = execute(execution, values)
        if kept is not None:
            result = kept.beside(values, result, response_format)
        return writer.write(result, response_format, is_negotiated=is_negotiated)

    @routes.get(f"/{target.route}")
    def describe() -> Response:
        return json_response(description(target, settings))

    return routes


def _the_request() -> Request:
    """Return the request itself: each look through Flask's proxy takes a microsecond."""
    this: Request = request._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001
    return this  # (Werkzeug documents this method)


def description(target: Target, settings: Settings) -> dict[str, Any]:
    """Return arguments, formats, limits and an example, ready for JSON."""
    meta = target.meta()
    for entry, descriptor in zip(meta["descriptors"], target.arguments.values(), strict=True):
        entry["accepts"] = media_types(readable(descriptor.kind))
    if target.returns:
        meta["returns"]["formats"] = media_types(target.returns.output_formats)
    return {
        **{key: meta[key] for key in ("name", "route", "description")},
        "arguments": meta["descriptors"],
        "body": target.body_argument,
        "returns": meta["returns"],
        "limits": {"body_bytes": settings.max_body},
        "example": _curl(target),
        "examples": {
            name: plain_values(target, arguments)
            for name, arguments in (target.examples or {"": target.arguments}).items()
        },
    }


def _curl(target: Target) -> str:
    values = plain_values(target, target.arguments)
    quoted = json.dumps(example_body(target, values)).decode().replace("'", "'\\''")
    scalars = {
        name: value if isinstance(value, str) else json.dumps(value).decode()
        for name, value in values.items()
        if target.arguments[name].kind is Kind.SCALAR and target.body_argument not in {None, name}
    }
    query = urlencode(scalars)
    url = f"{request.scheme}://{request.host}{request.root_path}/{target.route}"
    url = f"'{url}?{query}'" if query else url
    return f"curl {url} -H 'Content-Type: application/json' -d '{quoted}'"

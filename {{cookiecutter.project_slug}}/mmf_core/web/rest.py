"""The native protocol: `POST /<target>` runs it, `GET /<target>` describes it (RFC 9457 errors)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from .. import errors
from ..codecs import Format, json, readable, writable
from ..execution import Execution
from ..settings import Settings
from ..target import FORMAT_QUERY, Target
from .annotated_workbook import check_query
from .http import arguments, responses
from .http.negotiation import answer_format, media_types, offered
from .openapi import targets
from .protocols import Problem, Protocol, Service, run
from .request_context import current


def blueprints(service: Service) -> Iterable[Blueprint]:
    """Give each target's two routes."""
    for execution in service.executions.values():
        yield _blueprint(execution, service.settings)


def error(problem: Problem) -> Response:
    """Answer `type title status detail instance request_id errors` (RFC 9457)."""
    exchange = current()
    request_id = exchange.request_id if exchange else None
    body = errors.problem(problem.status, problem.detail, request.path, request_id, problem.errors)
    return responses.plain(body, problem.status, errors.PROBLEM)


PROTOCOL = Protocol(blueprints, error, name="native", chapter=targets.chapter)


def _blueprint(execution: Execution, settings: Settings) -> Blueprint:
    target = execution.target
    routes = Blueprint(target.route, __name__)
    forms = offered(target.returns) if target.returns else ()

    @routes.post(f"/{target.route}")
    def call() -> Response:
        asked, form = None, Format.JSON

        def read() -> Mapping[str, Any]:
            nonlocal asked, form
            if forms:  # refused before the work is done, not after
                asked = request.args.get(FORMAT_QUERY) if request.query_string else None
                form = answer_format(forms, asked, request.headers.get("Accept", ""))
            check_query(target)
            return arguments.read(target, request)

        def answer(result: Any) -> Response:
            if target.returns is None:
                return responses.nothing()
            response = responses.result(result, target.returns, form, target.route)
            if asked is None and len(forms) > 1:
                response.headers.add("Vary", "Accept")  # RFC 9110, 12.5.5
            return response

        return run(execution, read, answer)

    @routes.get(f"/{target.route}")
    def describe() -> Response:
        return responses.plain(description(target, settings))

    return routes


def description(target: Target, settings: Settings) -> dict[str, Any]:
    """Return what a caller needs to know, ready for JSON."""
    meta = target.meta()
    for entry, one in zip(meta["descriptors"], target.arguments.values(), strict=True):
        entry["accepts"] = media_types(readable(one.kind))
    if target.returns:
        meta["returns"]["formats"] = media_types(writable(target.returns.kind))
    return {
        **{key: meta[key] for key in ("name", "route", "description")},
        "arguments": meta["descriptors"],
        "returns": meta["returns"],
        "limits": {"body_bytes": settings.max_body},
        "example": _curl(target),
    }


def _curl(target: Target) -> str:
    examples = {name: one.example() for name, one in target.arguments.items()}
    body = next(iter(examples.values())) if len(examples) == 1 else examples
    quoted = json.dumps(body).decode().replace("'", "'\\''")
    return (
        f"curl {request.url_root}{target.route} -H 'Content-Type: application/json' -d '{quoted}'"
    )

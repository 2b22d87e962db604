"""The native protocol: `POST /<target>` runs it, `GET /<target>` describes it."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from flask import Blueprint, Response, request

from ..codecs import json, readable, writable
from ..descriptors import Descriptor
from ..execution import Execution
from ..settings import Settings
from ..target import FORMAT_QUERY, Target
from . import answers, arguments
from .exchange import Exchange, current
from .marked import check_query
from .negotiation import answer_format, media_types, offered


def blueprint(execution: Execution, settings: Settings) -> Blueprint:
    """Return the two routes of one target."""
    target = execution.target
    routes = Blueprint(target.route, __name__)
    forms = offered(target.returns) if target.returns else ()

    @routes.post(f"/{target.route}")
    def call() -> Response:
        exchange = current() or Exchange("-")
        exchange.target = target.route
        if forms:  # refused before the work is done, not after
            asked = request.args.get(FORMAT_QUERY) if request.query_string else None
            form = answer_format(forms, asked, request.headers.get("Accept", ""))
        check_query(target)
        values = arguments.read(target, request)
        exchange.rows_in = _rows(target.arguments, values)
        measures = exchange.decoded()
        result = execution(values, measures)
        if target.returns is None:
            return answers.nothing()
        exchange.rows_out = target.returns.rows(result)
        encoding = perf_counter()
        answer = answers.result(result, target.returns, form, target.route)
        if asked is None and len(forms) > 1:
            answer.headers.add("Vary", "Accept")  # RFC 9110, 12.5.5
        measures.encode = perf_counter() - encoding
        return answer

    @routes.get(f"/{target.route}")
    def describe() -> Response:
        return answers.plain(description(target, settings))

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


def _rows(descriptors: Mapping[str, Descriptor[Any]], values: Mapping[str, Any]) -> int | None:
    counts = [descriptors[name].rows(value) for name, value in values.items()]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _curl(target: Target) -> str:
    examples = {name: one.example() for name, one in target.arguments.items()}
    body = next(iter(examples.values())) if len(examples) == 1 else examples
    quoted = json.dumps(body).decode().replace("'", "'\\''")
    return (
        f"curl {request.url_root}{target.route} -H 'Content-Type: application/json' -d '{quoted}'"
    )

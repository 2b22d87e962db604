"""What a protocol is: an envelope around the same executions.

A protocol turns requests into values, and results and problems into answers. One that is not the
native one has its routes under path segments of its own, so that errors that no route raises, such
as 405, are told in its shape too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from flask import Blueprint, Response

from ..descriptors import Descriptor
from ..execution import Execution
from ..registry import Registry
from ..settings import Settings
from .request_context import RequestContext, current


@dataclass(frozen=True, slots=True)
class Service:
    """What protocols serve: everything declared, and how each target is called, by route."""

    registry: Registry
    executions: Mapping[str, Execution]
    settings: Settings


@dataclass(frozen=True, slots=True)
class Problem:
    """An error on its way out, before any protocol gives it a shape.

    `errors` are faults ready for JSON: `{where?, row?, column?, message, value?}`.
    """

    status: int
    detail: str
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OpenAPISection:
    """What a protocol adds to `/openapi.json`; `components` are by section, such as `schemas`."""

    tag: str
    about: str
    paths: Mapping[str, Mapping[str, Any]]
    components: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Protocol:
    """Routes, and the shape of errors under `segments`, the first part of a path.

    The one without segments has all other paths. `chapter` describes the routes in OpenAPI.
    """

    blueprints: Callable[[Service], Iterable[Blueprint]]
    error: Callable[[Problem], Response]
    segments: tuple[str, ...] = ()
    name: str = field(kw_only=True)
    chapter: Callable[[Service], OpenAPISection] = field(kw_only=True)


def run(
    execution: Execution, read: Callable[[], Mapping[str, Any]], answer: Callable[[Any], Response]
) -> Response:
    """Read the arguments, call the target, answer its result; note what the access line tells."""
    target = execution.target
    exchange = current() or RequestContext("-")
    exchange.enter(target.route)
    values = read()
    exchange.rows_in = _rows(target.arguments, values)
    measures = exchange.decoded()
    result = execution(values, measures)
    if target.returns:
        exchange.rows_out = target.returns.rows(result)
    measures.encoding = perf_counter()
    response = answer(result)
    measures.encode = perf_counter() - measures.encoding
    return response


def _rows(descriptors: Mapping[str, Descriptor[Any]], values: Mapping[str, Any]) -> int | None:
    counts = [descriptors[name].rows(value) for name, value in values.items()]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None

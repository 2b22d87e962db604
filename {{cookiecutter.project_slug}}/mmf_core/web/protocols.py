"""Protocols: envelopes around the same executions.

A protocol turns requests into values, and results and errors into responses. Every protocol but
REST has path segments of its own, so that even an error that no route raises, such as 405, has the
protocol's format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response

from ..errors import RequestError
from ..execution import Execution
from ..registry import Registry
from ..settings import Settings
from ..target import Target
from .openapi.sections import OpenAPISection


@dataclass(frozen=True, slots=True)
class Service:
    """All declarations, the execution of each target by route, and the settings.

    `whole` is the service of which this is the part that a caller may reach, if it is one.
    """

    registry: Registry
    executions: Mapping[str, Execution]
    settings: Settings
    whole: Service | None = None

    @property
    def single_results(self) -> dict[str, Execution]:
        """The executions for protocols that send one value at once: no stream, no task."""
        executions = self.executions.items()
        return {route: each for route, each in executions if each.target.has_single_result}


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """An error before a protocol formats it.

    `errors` are error details ready for JSON: `{where?, row?, column?, message, value?}`.
    """

    status: int
    detail: str
    errors: list[dict[str, Any]] = field(default_factory=list)

    def in_words(self) -> str:
        """Return the detail, and the errors not in it, as one text without the values sent."""
        further = (error for error in self.errors if error["message"] not in self.detail)
        return "; ".join(dict.fromkeys([self.detail, *map(_sentence, further)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Routes, their description, and the format of errors, for paths that begin with `segments`.

    The protocol without segments has all other paths.
    """

    name: str
    segments: tuple[str, ...] = ()
    blueprints: Callable[[Service], Iterable[Blueprint]]
    error: Callable[[ErrorReport], Response]
    openapi: Callable[[Service], OpenAPISection]


def refuse_rest_only(target: Target) -> None:
    """Refuse to call a target whose result only REST sends, piece by piece or later."""
    if target.is_stream:
        raise RequestError(f"{target.route} streams its result: use POST /{target.route}")
    if target.call_options.background:
        raise RequestError(f"{target.route} runs in the background: use POST /{target.route}")


def _sentence(error: Mapping[str, Any]) -> str:
    cell = ", ".join(f"{key} {error[key]}" for key in ("row", "column") if key in error)
    place = cell or error.get("where", "")
    return f"{place}: {error['message']}" if place else str(error["message"])

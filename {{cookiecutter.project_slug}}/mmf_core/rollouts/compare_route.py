"""`POST /rollout/compare`: both versions on an uploaded table, and the rows that change."""

from __future__ import annotations

from collections.abc import Mapping
from threading import BoundedSemaphore
from typing import Any

from flask import Request, Response, after_this_request, request

from ..codecs import Format
from ..errors import BodyTooLarge, InvalidValue, Overloaded, RequestError, quoted
from ..execution import Execution
from ..target import HEADER_QUERY, SHEET_QUERY
from ..web.http.bodies import read_form
from ..web.http.codec_options import limits
from ..web.http.request_parts import Argument, EncodedPart
from ..web.request_context import current_context
from .compare import Call, NotComparable, compare, target_with_table
from .rollout import VERSION_HEADER, Rollout

PART = "file"
"""The name of the form part with the table."""
TARGET = "target"
"""The query parameter with the target's name."""
MAX_CELLS = 200_000
"""Cells of a workbook: openpyxl takes seconds to write them, and some hundred bytes each."""
_one_at_a_time = BoundedSemaphore()


def compare_versions(rollout: Rollout) -> Response:
    """Respond with a workbook of the changed rows, `X-Changed-Rows` of `X-Rows`.

    A version's errors are those of any call; `X-Model-Version` says which version failed.
    """
    table, route, argument = _table(rollout, request)
    after_this_request(_with_version)
    if not _one_at_a_time.acquire(blocking=False):
        raise Overloaded("two versions are being compared already")
    try:
        both = (rollout.stable[route], rollout.executions[route])
        calls = {
            version: _call(version, execution)
            for version, execution in zip(rollout.versions, both, strict=True)
        }
        result = compare(table, argument, calls)
        if result.changed.size > MAX_CELLS:
            raise BodyTooLarge(
                f"expected at most {MAX_CELLS:,} cells in the rows that change, got "
                f"{result.changed.size:,}; send fewer rows, or use mmfmeta compare"
            )
        body = result.workbook()
    except NotComparable as error:
        raise InvalidValue(str(error)) from error
    finally:
        _one_at_a_time.release()
    response = Response(body, content_type=Format.XLSX.media_type)
    response.headers["Content-Disposition"] = "attachment; filename=changed.xlsx"
    response.headers["X-Rows"] = str(result.rows)
    response.headers["X-Changed-Rows"] = str(len(result.changed))
    return response


def _table(rollout: Rollout, request: Request) -> tuple[Any, str, str]:
    """Return the table in the request, the target's route, and the name of its argument."""
    if unknown := [
        name for name in request.args if name not in (TARGET, SHEET_QUERY, HEADER_QUERY)
    ]:
        raise InvalidValue(f"unknown query {quoted(unknown[0])}; expected {TARGET}")
    try:
        target, argument = target_with_table(rollout.registry, request.args.get(TARGET))
    except NotComparable as error:
        raise InvalidValue(str(error)) from error
    read_form(request)
    if (upload := request.files.get(PART)) is None:
        raise RequestError(f"expected the table in part {PART} of multipart/form-data")
    descriptor = rollout.stable[target.route].target.arguments[argument]
    table = EncodedPart.of_file(upload, request).decode(Argument.of(descriptor, limits()))
    return table, target.route, argument


def _call(version: str, execution: Execution) -> Call:
    """Return a function that calls a version, and records it for the response or the error."""

    def call(values: Mapping[str, Any]) -> Any:
        if context := current_context():
            context.model_version = version
        try:
            return execution(values)
        except RequestError as error:
            raise type(error)(f"{version}: {error.detail}", error.errors) from error

    return call


def _with_version(response: Response) -> Response:
    if (context := current_context()) and context.model_version:
        response.headers[VERSION_HEADER] = context.model_version
    return response

"""The body of `POST /feedback`: a response, and the feedback on its rows."""

from __future__ import annotations

import json as standard_json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..codecs import RepeatedNames, read_json, with_repeated_names
from ..codecs.json_overflow import not_finite_error
from ..errors import MAX_ERRORS, BodyTooLarge, ErrorDetail, InvalidValue, RequestError, quoted
from ..web.http.codec_options import limits
from .predictions import MAX_CLASS_LENGTH, Value

MAX_ROWS = 10_000
"""Rows in one body."""
MAX_ID_LENGTH = 1_000
"""Characters of the id of a request, of a task, or of a V2 request's own id."""
_EXPECTED = 'expected {"request_id": "…", "rows": [{"row": 0, "reward": 1.0}]}'
_REPORTED = ("reward", "truth")
_LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class RowFeedback:
    """Feedback on one row: a reward, the truth, or both. `index` is its position in the body."""

    index: int
    row: int
    reward: float | None = None
    truth: Value = None


def read_feedback(data: bytes) -> tuple[str, list[RowFeedback]]:
    """Return the id of a response, and the feedback on its rows.

    InvalidValue lists the errors; BodyTooLarge if there are more than `MAX_ROWS` rows.
    """
    if data.count(b"{") > MAX_ROWS + 1:
        raise _too_many()
    document = _read(data)
    if not isinstance(document, dict):
        raise InvalidValue(f"{_EXPECTED}, got {quoted(document)}")
    if isinstance(document, RepeatedNames):
        raise InvalidValue(_repeated(document))
    request_id, rows = document.get("request_id"), document.get("rows")
    if not isinstance(request_id, str) or not 0 < len(request_id) <= MAX_ID_LENGTH:
        detail = f"expected the X-Request-ID of a response, got {quoted(request_id)}"
        raise InvalidValue(
            f"request_id: {detail}", [ErrorDetail(detail, where="request_id", value=request_id)]
        )
    if not isinstance(rows, list) or not rows:
        detail = 'expected [{"row": 0, "reward": 1.0}], or "truth" instead of "reward"'
        raise InvalidValue(f"rows: {detail}", [ErrorDetail(detail, where="rows")])
    if unknown := [name for name in document if name not in ("request_id", "rows")]:
        raise InvalidValue(f"unknown member {quoted(unknown[0])}; {_EXPECTED}")
    if len(rows) > MAX_ROWS:
        raise _too_many()
    feedback, errors = [], list[ErrorDetail]()
    for index, entry in enumerate(rows):
        problems = [*_problems(entry, index)]
        errors += problems
        if not problems:
            feedback.append(_row_feedback(entry, index))
    raise_errors(errors)
    return request_id, feedback


def raise_errors(errors: list[ErrorDetail]) -> None:
    """Raise InvalidValue if there are errors; it lists the first ones."""
    if errors:
        first = errors[0]
        summary = f"rows[{first.row}]: {first.message}"
        raise InvalidValue(summary, errors[:MAX_ERRORS])


def error_at(index: int, message: str, column: str | None = None, value: Any = None) -> ErrorDetail:
    """Return an error in an entry of `rows`."""
    return ErrorDetail(message, where="rows", row=index, column=column, value=value)


def _read(data: bytes) -> Any:
    """Read JSON; report NaN and Infinity, which JSON lacks, with their positions."""
    try:
        return with_repeated_names(data, read_json(data, limits()))
    except RequestError as error:
        if isinstance(error, InvalidValue) or (b"NaN" not in data and b"Infinity" not in data):
            raise
        try:
            not_finite = not_finite_error(standard_json.loads(data))
        except (ValueError, RecursionError):
            not_finite = None
        raise not_finite or error from None


def _problems(entry: Any, index: int) -> Iterator[ErrorDetail]:
    if not isinstance(entry, dict):
        message = f'expected {{"row": 0, "reward": 1.0}}, got {quoted(entry)}'
        yield error_at(index, message, value=entry)
        return
    if isinstance(entry, RepeatedNames):
        yield error_at(index, _repeated(entry))
    if unknown := [name for name in entry if name not in ("row", *_REPORTED)]:
        yield error_at(index, f"unknown member {quoted(unknown[0])}; expected row, reward, truth")
    row = entry.get("row")
    if isinstance(row, bool) or not isinstance(row, int) or row < 0:
        message = f"expected the number of a row of the response, from 0, got {quoted(row)}"
        yield error_at(index, message, "row", row)
    if not any(entry.get(name) is not None for name in _REPORTED):
        yield error_at(index, "expected a reward or the truth")
    reward, truth = (entry.get(name) for name in _REPORTED)
    is_number = isinstance(reward, int | float) and not isinstance(reward, bool)
    if reward is not None and not (is_number and 0 <= reward <= 1):
        message = f"expected a number from 0 to 1, got {quoted(reward)}"
        yield error_at(index, message, "reward", reward)
    is_class = isinstance(truth, str | float) or truth is None
    is_class = is_class or (isinstance(truth, int) and abs(truth) <= _LARGEST)
    if not is_class or (isinstance(truth, str) and len(truth) > MAX_CLASS_LENGTH):
        message = f"expected a number, true, false or a short text, got {quoted(truth)}"
        yield error_at(index, message, "truth", truth)


def _row_feedback(entry: dict[str, Any], index: int) -> RowFeedback:
    reward = entry.get("reward")
    return RowFeedback(
        index, entry["row"], None if reward is None else float(reward), entry.get("truth")
    )


def _repeated(document: RepeatedNames) -> str:
    return f"expected each name once, got {quoted(document.repeated)} twice"


def _too_many() -> BodyTooLarge:
    return BodyTooLarge(f"expected at most {MAX_ROWS:,} rows in one body; send several")

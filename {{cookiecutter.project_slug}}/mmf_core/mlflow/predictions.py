"""Results in the form of MLflow's scoring server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from ..codecs import Kind, json_of
from ..errors import ResultError
from ..target import Target
from ..web.http.responses import json_response

if TYPE_CHECKING:
    import pandas as pd


def predictions_response(result: Any, target: Target, *, wrapped: bool) -> Response:
    """Respond `{"predictions": …}`, or with the bare result of a chat.

    ResultError if JSON cannot represent it.
    """
    try:
        plain = to_predictions(result, target)
        return json_response({"predictions": plain} if wrapped else plain)
    except (TypeError, ValueError) as error:
        raise ResultError(
            f"{target.route}: the result cannot be written as JSON: {error}"
        ) from error


def to_predictions(result: Any, target: Target) -> Any:
    """Return a serialized result; a table that was built from an array becomes lists again."""
    if target.returns is None:
        return None
    if target.returns.kind is Kind.TABLE:
        columns = result.columns
        if len(columns) == 1 and columns[0] == "prediction":
            return result["prediction"].tolist()
        names = columns.tolist()
        if names == [f"prediction_{index}" for index in range(len(names))]:
            return [list(row) for row in zip(*_columns(result), strict=True)]
    return json_of(target.returns.kind).to_plain(result)


def _columns(table: pd.DataFrame) -> list[list[Any]]:
    return [column.tolist() for _, column in table.items()]

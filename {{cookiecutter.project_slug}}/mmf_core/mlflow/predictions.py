"""Results as MLflow's scoring server answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from ..codecs import Kind, json_of
from ..errors import ResultError
from ..target import Target
from ..web.http.responses import json_response

if TYPE_CHECKING:
    import pandas as pd


def answer(result: Any, target: Target, *, wrapped: bool) -> Response:
    """Answer `{"predictions": …}`, or a chat's reply as it is.

    ResultError if JSON has no way to write it.
    """
    try:
        plain = predictions(result, target)
        return json_response({"predictions": plain} if wrapped else plain)
    except (TypeError, ValueError) as error:
        raise ResultError(
            f"{target.route}: the result cannot be written as JSON: {error}"
        ) from error


def predictions(result: Any, target: Target) -> Any:
    """Return a presented result: arrays as lists, and so tables that were arrays before."""
    if target.returns is None:
        return None
    if target.returns.kind is Kind.TABLE:
        names = result.columns.tolist()
        if names == ["prediction"]:
            cells = result.to_numpy()
            # NumPy's own list of dates is one of integers.
            return _lists(result)[0] if cells.dtype.kind in "mM" else cells[:, 0].tolist()
        if names == [f"prediction_{place}" for place in range(len(names))]:
            return [list(row) for row in zip(*_lists(result), strict=True)]
    return json_of(target.returns.kind).to_plain(result)


def _lists(table: pd.DataFrame) -> list[list[Any]]:
    return [column.tolist() for _, column in table.items()]

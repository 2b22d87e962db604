"""The author's examples: values as the function takes them, or files, as JSON would be read."""

from __future__ import annotations

from base64 import b64encode
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import DescriptorError, ErrorDetail, RequestError, quoted

MAX_ROWS = 100
"""Of a table: an example is for people to read, and is a part of `/openapi.json`."""
MAX_BYTES = 64 * 1024
"""Of a file, for the same reason."""
_MAX_FAULTS = 3


def base64_of(example: bytes | str | PathLike[str]) -> str:
    """Return bytes, or the content of a file, in base64; DescriptorError if it is too large."""
    content = example if isinstance(example, bytes) else _content(Path(example))
    if len(content) > MAX_BYTES:
        raise DescriptorError(
            f"expected a file of at most {MAX_BYTES // 1024} KiB, which /openapi.json can show, "
            f"got {len(content) / 1024:,.0f} KiB; choose a smaller one"
        )
    return b64encode(content).decode()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DescriptorError(f"{path} cannot be read: {error.strerror}") from None


def fault_of(error: Exception) -> str:
    """Return what is wrong with an example: the places, if the error has them."""
    if not isinstance(error, RequestError):
        return str(error)
    places = [_place(detail) for detail in error.errors]
    return "; ".join(filter(None, places[:_MAX_FAULTS])) or error.detail


def _place(detail: ErrorDetail) -> str:
    column = "" if detail.column is None else f"column {quoted(detail.column)}"
    row = "" if detail.row is None else f"row {detail.row}"
    place = ", ".join(filter(None, (column, row)))
    return f"{place}: {detail.message}" if place else ""


def check_rows(rows: Any) -> Any:
    """Return a table's example; DescriptorError if it is not a few rows."""
    if len(rows) > MAX_ROWS:
        raise DescriptorError(
            f"expected at most {MAX_ROWS} rows, which people can read, got {len(rows):,}; "
            "write .head()"
        )
    return rows

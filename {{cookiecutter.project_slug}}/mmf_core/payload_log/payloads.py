"""The values of one target as the log has them: copied immediately, encoded as JSON later.

Columns that a schema does not declare are left out, and private ones are masked or hashed. Tables
are cut to their first MAX_ROWS rows; pictures and files are only described.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from ..codecs import Kind, NumberTable, as_frame, json, json_of
from ..column_dtypes import is_null
from ..descriptors import DataFrame, Descriptor
from ..errors import LONGEST_MESSAGE, ErrorDetail, MMFError, RequestError, as_text, shortened
from ..target import Target
from .record import OK, Failure, Record

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 1_000
MAX_VALUE_BYTES = 1024 * 1024
"""Bytes of the JSON of an argument, or of the result; a larger one is logged as null."""
MASK = "***"
_DIGEST = 8  # bytes
_BYTES_PER_CELL = 8
_NULL = b"null"


class Payloads:
    """Copies and encodes the values of a target; `key` hashes private values."""

    def __init__(self, target: Target, key: bytes) -> None:
        self._target = target
        self._key = key
        self._private = {
            name
            for descriptor in target.descriptors
            if isinstance(descriptor, DataFrame)
            for name, column in descriptor.columns.items()
            if column.private
        }

    def copied(self, values: Mapping[str, Any], size: int) -> dict[str, Any]:
        """Return copies of the values, which the function may change; `size`: bytes of the body."""
        arguments = self._target.arguments
        return {
            name: _copy(arguments[name].kind, value, size)
            for name, value in values.items()
            if name in arguments
        }

    def result(self, result: Any) -> Any:
        """Return the logged part of a result; None for a stream, which has not run yet."""
        returns = self._target.returns
        return None if returns is None else _first_rows(returns.kind, result)

    def row(self, record: Record) -> dict[str, Any]:
        """Return the record of a call as a row, by column."""
        arguments, returns, failure = self._target.arguments, self._target.returns, record.failure
        inputs = b",".join(
            json.dumps(name) + b":" + self._text(arguments[name], value)
            for name, value in record.values.items()
        )
        result = self._text(returns, record.result) if returns and not failure else _NULL
        status, detail, errors = failure or (OK, None, None)
        return {
            "time": record.time,
            "request_id": record.request_id,
            "target": self._target.route,
            "protocol": record.protocol,
            "version": record.version,
            "status": status,
            "seconds": record.seconds,
            "rows": record.rows,
            "inputs": (b"{" + inputs + b"}").decode(),
            "result": None if result == _NULL else result.decode(),
            "detail": detail,
            "errors": errors,
        }

    def failure(self, error: MMFError) -> Failure:
        """Return the logged part of an error: nothing that may repeat a private value."""
        if not isinstance(error, RequestError):
            return Failure(error.status, as_text(error))
        details = self._without_private(error.errors) if self._private else error.errors
        text = json.dumps([detail.as_dict() for detail in details]).decode()
        detail = None if self._private else shortened(as_text(error.detail), LONGEST_MESSAGE)
        return Failure(error.status, detail, text)

    def _text(self, descriptor: Descriptor[Any], value: Any) -> bytes:
        """Return a value as JSON; null if it is too large, or JSON cannot hold it."""
        if isinstance(value, _EncodedJSON):
            return value
        kind = descriptor.kind
        try:
            if kind in _DESCRIBED or kind is Kind.STREAM:
                text = json.dumps(value)
            elif isinstance(descriptor, DataFrame):
                text = json_of(kind).encode(self._table(descriptor, value), {})
            else:
                text = json.dumps(json_of(kind).to_plain(as_frame(value)))
        except (AttributeError, TypeError, ValueError, RequestError):
            return _NULL
        return text if len(text) <= MAX_VALUE_BYTES else _NULL

    def _table(
        self, descriptor: DataFrame, table: pd.DataFrame | NumberTable
    ) -> pd.DataFrame | NumberTable:
        if isinstance(table, NumberTable):  # pandas would take longer than all the rest
            if not (descriptor.columns or any(map(self._is_private, table.names))):
                return table
            table = table.to_frame()
        if descriptor.columns:
            table = table.drop(columns=descriptor.others(table))
        private = [name for name in table.columns if self._is_private(str(name))]
        masked: dict[Any, Any] = {name: list(map(self._masked, table[name])) for name in private}
        return table.assign(**masked) if masked else table

    def _is_private(self, name: str) -> bool:
        return name in self._private or name.replace(" ", "_") in self._private

    def _masked(self, cell: Any) -> str | None:
        if is_null(cell):
            return None
        if not self._key:
            return MASK
        text = str(cell).encode(errors="surrogatepass")
        return blake2b(text, key=self._key, digest_size=_DIGEST).hexdigest()

    def _without_private(self, details: Iterable[ErrorDetail]) -> list[ErrorDetail]:
        """Return the positions of errors; a message without a column may repeat any value."""
        return [
            replace(detail, message="", value=None)
            if detail.column is None or self._is_private(detail.column)
            else detail
            for detail in details
        ]


class _EncodedJSON(bytes):
    """A value that is already encoded as JSON."""


def cells_of(value: Any) -> int:
    """Return the approximate number of cells of a value; a long text counts as several."""
    if isinstance(value, NumberTable):
        value = value.array
    if isinstance(value, bytes | str):
        return 1 + len(value) // _BYTES_PER_CELL
    size = getattr(value, "size", 1)
    if hasattr(value, "columns"):
        size += _text_length(value) // _BYTES_PER_CELL
    return size if isinstance(size, int) else 1


def _text_length(table: pd.DataFrame) -> int:
    """Return the length of the cells that can be of any length."""
    names = (index for index, dtype in enumerate(table.dtypes) if dtype.kind == "O")
    cells = (cell for index in names for cell in table.iloc[:, index].tolist())
    return sum(len(cell if isinstance(cell, str | bytes) else str(cell)) for cell in cells)


_DESCRIBED: dict[Kind, Callable[[Any], Any]] = {
    Kind.IMAGE: lambda picture: {"shape": list(picture.shape)},
    Kind.FILE: lambda file: {"bytes": len(file)},
    Kind.STREAM: lambda _: None,
}


def _first_rows(kind: Kind, value: Any) -> Any:
    if kind in _DESCRIBED:
        return _DESCRIBED[kind](value)
    if not hasattr(value, "shape") or not value.shape or len(value) <= MAX_ROWS:
        return value[:MAX_ROWS] if isinstance(value, NumberTable) else value
    return value.head(MAX_ROWS) if hasattr(value, "head") else value[:MAX_ROWS]


def _json_of(value: Any) -> bytes:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):  # from a descriptor of the author's own
        return _NULL


def _copy(kind: Kind, value: Any, size: int) -> Any:
    """Return a copy of the logged part of a value; pandas copies a table when it is changed."""
    if kind is Kind.JSON:
        return _EncodedJSON(_json_of(value) if size <= MAX_VALUE_BYTES else _NULL)
    head = _first_rows(kind, value)
    if not hasattr(head, "copy") or not hasattr(head, "shape"):
        return head
    if hasattr(head, "columns"):
        return head.copy(deep=head is not value)  # so that the whole table is not kept in memory
    return head.copy()

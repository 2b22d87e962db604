"""Records of a text that cannot be decoded, found by halves, so that all others are used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..codecs import Format, SparseTable
from ..errors import InvalidValue, RequestError
from .chunks import AnyChunk, TextChunk
from .errors import BatchError
from .records import Records

if TYPE_CHECKING:
    import pandas as pd

_LINE = "line 1: "


def read_records(
    chunk: AnyChunk, options: Mapping[str, Any]
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Return the rows that can be decoded, and what is wrong with the others, by row.

    BatchError if the chunk cannot be decoded for another reason.
    """
    try:
        return chunk.read(options), {}
    except RequestError as error:
        if not isinstance(chunk, TextChunk) or not _is_of_record(error, chunk):
            raise BatchError(error.detail) from error
        return _without_damaged(chunk, options)


def _is_of_record(error: RequestError, chunk: TextChunk) -> bool:
    """Return whether a single record may be the cause; in CSV, cells are never invalid."""
    if isinstance(error, SparseTable):
        return False
    return chunk.format is Format.JSONL or not isinstance(error, InvalidValue)


def first_damaged(chunk: AnyChunk, options: Mapping[str, Any]) -> tuple[int, str] | None:
    """Return the first record of a chunk that cannot be decoded, and why; None if it is not one."""
    if not isinstance(chunk, TextChunk):
        return None
    chunk, records = _split(chunk)
    return next(_damaged(chunk, options, records, 0), None)


def _without_damaged(
    chunk: TextChunk, options: Mapping[str, Any]
) -> tuple[pd.DataFrame, dict[int, str]]:
    chunk, records = _split(chunk)
    try:
        chunk.read_records(b"", options)
        damaged = dict(_damaged(chunk, options, records, 0))
        sound = [record for row, record in enumerate(records) if row not in damaged]
        return chunk.read_records(b"".join(sound), options), damaged
    except RequestError as error:
        raise BatchError(error.detail) from error


def _split(chunk: TextChunk) -> tuple[TextChunk, list[bytes]]:
    """Return the records of a chunk, and a chunk that has only its header."""
    records = Records(chunk.separator).split(chunk.data)
    if not chunk.head and chunk.format is not Format.JSONL:  # a whole file
        end = next(index for index, record in enumerate(records, 1) if record.strip())
        chunk = TextChunk(
            **{name: getattr(chunk, name) for name in ("file", "position", "format", "options")},
            data=b"",
            head=b"".join(records[:end]),
            separator=chunk.separator,
        )
        records = records[end:]
    return chunk, [record for record in records if record.strip()]  # blank records are not rows


def _damaged(
    chunk: TextChunk, options: Mapping[str, Any], records: list[bytes], first: int
) -> Iterator[tuple[int, str]]:
    """Yield the numbers of the records that cannot be decoded, and why."""
    try:
        chunk.read_records(b"".join(records), options)
    except RequestError as error:
        if len(records) == 1:
            yield first, error.detail.removeprefix(_LINE)
            return
        half = len(records) // 2
        yield from _damaged(chunk, options, records[:half], first)
        yield from _damaged(chunk, options, records[half:], first + half)

"""What a reader yields: some rows of the input, not yet decoded, and how to decode them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..codecs import Format, Kind, Options, find
from ..settings import MIB, Settings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at a time: `rows`, or fewer that have about `size` bytes.

    `longest_record` is the most bytes of a record of a text.
    """

    rows: int
    size: int = 8 * MIB
    longest_record: int = Settings.max_body


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows in the bytes of a format.

    `file` is its name, `position` the share of it that has been read with this chunk. `options`
    are for the codec, in addition to those of the target's table.
    """

    file: str
    position: float
    format: Format
    data: bytes
    options: Options = field(default_factory=dict)

    def read(self, options: Options) -> pd.DataFrame:
        """Decode the rows, as the service does; RequestError if that is not possible."""
        return _decoded(self.format, self.data, {**options, **self.options})


@dataclass(frozen=True, slots=True)
class TextChunk(Chunk):
    """Records of a text: `head` is what comes before them in each chunk, such as a header.

    `separator` is that of cells, empty for lines.
    """

    head: bytes = b""
    separator: bytes = b""

    def read(self, options: Options) -> pd.DataFrame:
        """Decode the rows, as the service does; RequestError if that is not possible."""
        return self.read_records(self.data, options)

    def read_records(self, records: bytes, options: Options) -> pd.DataFrame:
        """Decode some of the records."""
        return _decoded(self.format, self.head + records, {**options, **self.options})


@dataclass(frozen=True, slots=True)
class TableChunk:
    """Rows that have been decoded with all others of their file."""

    file: str
    position: float
    table: pd.DataFrame

    def read(self, options: Options) -> pd.DataFrame:
        """Return the rows."""
        return self.table


AnyChunk = Chunk | TextChunk | TableChunk


def _decoded(format: Format, data: bytes, options: Mapping[str, Any]) -> pd.DataFrame:
    codec = find(Kind.TABLE, format)
    assert codec is not None  # noqa: S101 - sources are of formats that can be read
    table: pd.DataFrame = codec.read(data, options)
    return table

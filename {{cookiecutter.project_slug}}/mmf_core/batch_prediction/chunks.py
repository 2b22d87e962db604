"""What a reader yields: some rows of the input, not yet decoded, and how to decode them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..codecs import Format, Kind, Options, find, from_batches
from ..errors import RequestError, as_text
from ..settings import MIB, Settings

if TYPE_CHECKING:
    import pandas as pd


PIECE = 8 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at a time: `rows`, or fewer that have about `size` bytes.

    `longest_record` is the most bytes of a record of a text.
    """

    rows: int
    size: int = PIECE
    longest_record: int = Settings.max_body


@dataclass(frozen=True, slots=True)
class TextChunk:
    """Records of a text: `head` is what comes before them in each chunk, such as a header.

    `separator` is that of cells, empty for lines. `options` are for the codec, in addition to those
    of the target's table.
    """

    file: str
    position: float
    format: Format
    data: bytes
    options: Options = field(default_factory=dict)
    head: bytes = b""
    separator: bytes = b""

    def read(self, options: Options) -> pd.DataFrame:
        """Decode the rows, as the service does; RequestError if that is not possible."""
        return self.read_records(self.data, options)

    def read_records(self, records: bytes, options: Options) -> pd.DataFrame:
        """Decode some of the records."""
        codec = find(Kind.TABLE, self.format)
        assert codec is not None  # noqa: S101 - sources are of formats that can be read
        table: pd.DataFrame = codec.read(self.head + records, {**options, **self.options})
        return table


@dataclass(frozen=True, slots=True)
class BatchChunk:
    """A record batch of Arrow."""

    file: str
    position: float
    batch: Any

    def read(self, options: Options) -> pd.DataFrame:
        """Return the rows as the codec of Arrow does; RequestError if pandas cannot hold them."""
        import pyarrow as pa

        try:
            self.batch.validate(full=True)
            return from_batches([self.batch], options)
        except (RequestError, MemoryError):
            raise
        except (pa.ArrowException, ValueError, TypeError, ArithmeticError) as error:
            raise RequestError(f"the values are damaged: {as_text(error)}") from error

    def __reduce__(self) -> tuple[Any, ...]:
        """Send the rows to another process: of a slice, only these."""
        import pyarrow as pa

        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.batch.schema) as writer:
            writer.write_batch(self.batch)
        return _received, (self.file, self.position, sink.getvalue().to_pybytes())


@dataclass(frozen=True, slots=True)
class TableChunk:
    """Rows that have been decoded with all others of their file."""

    file: str
    position: float
    table: pd.DataFrame

    def read(self, options: Options) -> pd.DataFrame:
        """Return the rows."""
        return self.table


AnyChunk = TextChunk | BatchChunk | TableChunk


def _received(file: str, position: float, data: bytes) -> BatchChunk:
    import pyarrow as pa

    with pa.ipc.open_stream(data) as stream:
        return BatchChunk(file, position, stream.read_next_batch())

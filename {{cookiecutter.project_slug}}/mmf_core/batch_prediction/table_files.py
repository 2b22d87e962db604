"""The files of other capabilities, read and written in chunks as those of `mmfmeta predict`."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

from ..codecs import Format, Kind, SparseTable, TooManyColumns, readable, writable
from ..errors import ErrorDetail, InvalidValue, MMFError, NotAcceptable, RequestError
from . import readers
from .chunks import PIECE, AnyChunk, Limits
from .column_types import ColumnTypes, Typed
from .damaged_records import first_damaged
from .errors import BatchError
from .outputs import OUTPUTS
from .sources import Source

if TYPE_CHECKING:
    import pandas as pd

ROWS = 65_536
"""Rows that a call gets at most."""
_PIECES = 8  # as a piece may take a fraction of the memory that decoding the largest body may take


class ChunkedTables:
    """Implements `TableFiles` of `capabilities`."""

    @property
    def reads(self) -> Collection[Format]:
        """The formats that are read in chunks."""
        return readers.READERS.keys() & set(readable(Kind.TABLE))

    @property
    def writes(self) -> Collection[Format]:
        """The formats that are written in chunks."""
        return OUTPUTS.keys() & set(writable(Kind.TABLE))

    def read(
        self, path: Path, format: Format, options: Mapping[str, Any], *, name: str, keeps: bool
    ) -> Generator[tuple[float, pd.DataFrame], None, None]:
        """Yield the rows of a file, with the share of it that was read."""
        declared = options.get("types")
        typed = None
        if declared is None or keeps:
            typed = Typed(is_all=declared is None, declared=declared or ())
        max_body: int = options["max_body"]
        size = min(PIECE, max_body // _PIECES)
        limits = Limits(ROWS, size=size, longest_record=size)
        types: ColumnTypes | None = None
        rows = 0
        try:
            chunks = readers.chunks(Source(name, path, format), options, limits)
            with closing(chunks):
                for chunk in chunks:
                    table = _read(chunk, options, name, rows)
                    if types and len(table):
                        table = _typed(types, table, name, rows)
                    elif typed and len(table):
                        types = ColumnTypes.of(table, typed.names_in(table))
                    yield chunk.position, table
                    rows += len(table)
        except BatchError as error:  # of the file as a whole; it has the name
            raise RequestError(str(error)) from error

    def write(
        self, tables: Iterable[pd.DataFrame], format: Format, options: Mapping[str, Any]
    ) -> IO[bytes]:
        """Return a temporary file of the rows of tables, of which there is at least one."""
        remaining = iter(tables)
        first = next(remaining)
        output = OUTPUTS[format](format, "", options)
        with TemporaryDirectory(prefix="mmf-") as folder:

            def parts() -> Iterator[Path]:
                for number, table in enumerate(chain([first], remaining)):
                    part = Path(folder, f"{number:06}")
                    part.write_bytes(output.encode(table))
                    yield part

            complete = Path(folder, "complete")
            try:
                output.write(parts(), first.columns.tolist(), complete)
            except BatchError as error:
                raise NotAcceptable(
                    f"the result cannot be written as {format.name}: {error}"
                ) from error
            return complete.open("rb")  # which stays when the folder is removed


def _read(chunk: AnyChunk, options: Mapping[str, Any], name: str, before: int) -> pd.DataFrame:
    """Return the rows of a chunk; RequestError if it, or one of them, cannot be decoded."""
    try:
        return chunk.read(options)
    except InvalidValue as error:
        raise error.after(before) from error
    except (SparseTable, TooManyColumns) as error:  # of all records together
        raise _within(name, before, error) from error
    except RequestError as error:
        if (damaged := first_damaged(chunk, options)) is None:
            raise _within(name, before, error) from error
        row, reason = before + damaged[0], damaged[1]
        detail = ErrorDetail(reason, where=name, row=row)
        raise RequestError(f"row {row:,} cannot be read: {reason}", [detail]) from error


def _typed(types: ColumnTypes, table: pd.DataFrame, name: str, before: int) -> pd.DataFrame:
    try:
        return types.apply(table)
    except BatchError as error:
        raise _within(name, before, error) from error


def _within(name: str, before: int, error: MMFError) -> RequestError:
    place = f", from row {before:,} on" if before else ""
    return RequestError(f"{name}{place}: {error}")

"""Tables as Parquet, and as Arrow IPC: a stream, or a file, which is also known as Feather."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import RequestError
from ..settings import Settings
from .arrow_messages import decompressed_size, is_file
from .arrow_size import CELL_SIZE, array_size, batch_size, has_fixed_cells, is_flat, leaves
from .arrow_to_pandas import from_batches
from .base import Codec, Kind, Options
from .decoded_size import check_columns, refuse_sparse, too_large
from .encoded_size import check_width
from .formats import Format
from .object_fields import check_fields
from .parquet_pages import Chunk, row_groups

if TYPE_CHECKING:
    import pandas as pd

_REQUIRES = {"pandas": "pandas", "pyarrow": "pyarrow"}
_BATCH_ROWS, _MIN_BATCH_ROWS = 8192, 512
_FIXED_BATCH_ROWS, _FIXED_BATCH_SHARE = 131_072, 4
"""A batch of cells of a fixed size takes a quarter of the largest table, or has `_BATCH_ROWS`."""
_BATCH_GROWTH = 2
"""A batch may take this many times the size of the largest table, until it is refused.

That is a third of what decoding may take, and has most files of texts read once instead of twice.
"""


class TableParquet(Codec["pd.DataFrame"]):
    """Columns with their types, categories, time zones and pandas' own metadata, both ways."""

    kind = Kind.TABLE
    format = Format.PARQUET
    requires: ClassVar = {"pandas": "pandas", "pyarrow.parquet": "pyarrow"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        return _read(_parquet_batches, data, options, "Parquet file")

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        try:
            pq.write_table(_arrow_table(value), buffer)
        except NotImplementedError as error:
            raise TypeError(str(error)) from error
        return buffer.getvalue()


class TableArrow(Codec["pd.DataFrame"]):
    """Write a stream; read a stream or a file, since both are called .arrow."""

    kind = Kind.TABLE
    format = Format.ARROW
    requires: ClassVar = _REQUIRES

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        return _read(_arrow_batches, data, options, "Arrow table")

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        table = _arrow_table(value)
        buffer = io.BytesIO()
        with self._writer()(buffer, table.schema) as writer:
            writer.write_table(table)
        return buffer.getvalue()

    def _writer(self) -> Any:
        import pyarrow as pa

        return pa.ipc.new_stream


class TableFeather(TableArrow):
    """Write a file; read a stream or a file."""

    format = Format.FEATHER

    def _writer(self) -> Any:
        import pyarrow as pa

        return pa.ipc.new_file


CODECS = (TableParquet(), TableArrow(), TableFeather())


def _read(
    batches: Callable[[bytes, int], Iterable[Any]], data: bytes, options: Options, name: str
) -> pd.DataFrame:
    """Return the table whose record batches `batches` yields; RequestError if it is damaged.

    Every batch is validated in full, because pyarrow follows offsets that point anywhere.
    """
    import pyarrow as pa

    max_size = options.get("max_decompressed", Settings.max_decompressed)
    try:
        checked = list(_checked(batches(data, max_size), max_size, name))
        return from_batches(checked, options)
    except RequestError:
        raise
    except pa.ArrowMemoryError:  # a forged length requests more memory than is available
        raise too_large(name, max_size) from None
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - damaged files make pyarrow raise nearly anything
        raise RequestError(f"the body is not a valid {name}; check that it is complete") from None


def _checked(batches: Iterable[Any], max_size: int, name: str) -> Iterator[Any]:
    remaining = max_size
    for batch in batches:
        batch.validate(full=True)
        remaining -= batch_size(batch)
        if remaining < 0:
            raise too_large(name, max_size)
        yield batch


def _parquet_batches(data: bytes, max_size: int) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    groups = row_groups(data)  # before pyarrow sees it, which trusts the footer
    sizes = [sum(chunk.size for chunk in group) for group in groups]
    if sum(sizes) > max_size:
        raise too_large("Parquet file", max_size)
    with pq.ParquetFile(pa.BufferReader(data)) as file:
        footer = file.metadata
        counts = [footer.row_group(index).num_rows for index in range(footer.num_row_groups)]
        rows = sum(counts)
        refuse_sparse(rows, footer.num_columns, max_size // CELL_SIZE)
        schema = file.schema_arrow
        if has_fixed_cells(schema):
            cells = max_size // (_FIXED_BATCH_SHARE * CELL_SIZE)
            batch_rows = min(_FIXED_BATCH_ROWS, cells // max(footer.num_columns, 1))
            batch_rows = max(_BATCH_ROWS, batch_rows)
        else:
            _check_values(groups, schema, rows, max_size)
            largest, longest = max(sizes, default=0), max(counts, default=0)
            batch_rows = _safe_batch_rows(schema, largest, longest, max_size)
        if not batch_rows:
            _check_dictionaries(data, file, max_size)
            batch_rows = _BATCH_ROWS
        batches = file.iter_batches(batch_size=batch_rows, use_threads=False)
        for batch in _or_empty(batches, schema):
            rows -= batch.num_rows
            yield batch
        if rows:  # pyarrow stops at the end of the shortest column
            raise ValueError("a column is shorter than the table")


def _check_values(groups: list[list[Chunk]], schema: Any, rows: int, max_size: int) -> None:
    """Refuse a file of too many values, which a page may repeat a million times in a few bytes.

    A list has any number of them in a row, and a null as many as a list of a fixed length.
    """
    size = 0
    for leaf, chunks in zip(leaves(schema.types), zip(*groups, strict=True), strict=bool(groups)):
        values = sum(chunk.values for chunk in chunks)
        cells = values * leaf.slots if leaf.in_list else max(values, rows * leaf.slots)
        size += cells * leaf.size
    if size > max_size:
        raise too_large("Parquet file", max_size)


def _safe_batch_rows(schema: Any, largest: int, longest: int, max_size: int) -> int:
    """Return how many rows of a file may be read at once, however often they repeat a long text.

    Each cell takes memory for its text, which is no longer than the row group that stores it once.
    `largest` is the size of a row group, `longest` its rows. 0 if that would be too few rows, or if
    a cell may be a list of any length.
    """
    if not is_flat(schema):
        return 0
    rows: int = min(_BATCH_ROWS, _BATCH_GROWTH * max_size // max(largest, 1))
    return rows if rows >= min(_MIN_BATCH_ROWS, longest) else 0


def _check_dictionaries(data: bytes, file: Any, max_size: int) -> None:
    """Refuse a file whose texts are too long, each counted as often as it is repeated.

    A column's own metadata are not read: pyarrow aborts the process if they are damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    leaves = map(file.schema.column, range(file.metadata.num_columns))
    paths = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    size = 0
    if not paths:
        return
    with pq.ParquetFile(pa.BufferReader(data), read_dictionary=paths) as other:
        for batch in other.iter_batches(_BATCH_ROWS, columns=paths, use_threads=False):
            size += sum(map(array_size, batch.columns))
            if size > max_size:
                raise too_large("Parquet file", max_size)


def _arrow_batches(data: bytes, max_size: int) -> Iterator[Any]:
    import pyarrow as pa

    if decompressed_size(data) > max_size:
        raise too_large("Arrow table", max_size)
    if is_file(data):
        with pa.ipc.open_file(data) as file:
            batches = map(file.get_batch, range(file.num_record_batches))
            yield from _or_empty(batches, file.schema)
    else:
        with pa.ipc.open_stream(data) as stream:
            yield from _or_empty(stream, stream.schema)


def _or_empty(batches: Iterable[Any], schema: Any) -> Iterator[Any]:
    """Yield the batches, or else one without rows, which still has the columns."""
    import pyarrow as pa

    check_columns(len(schema))
    batch = None
    for batch in batches:
        yield batch
    if batch is None:
        yield pa.RecordBatch.from_pylist([], schema=schema)


def _arrow_table(value: pd.DataFrame) -> Any:
    """Return pyarrow's table; TypeError or ValueError if a column mixes types."""
    import pyarrow as pa

    check_width(value)
    check_fields(value)
    try:
        return pa.Table.from_pandas(value, preserve_index=False)
    except (NotImplementedError, OverflowError) as error:
        raise TypeError(str(error)) from error

"""Tables as Parquet by pyarrow."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from .arrow_tables import REQUIRES, check_promised, or_empty, read, table_of
from .base import Codec, Kind, Options
from .formats import Format

if TYPE_CHECKING:
    import pandas as pd

_ROWS_AT_ONCE = 8192


class TableParquet(Codec["pd.DataFrame"]):
    """Columns with their types, categories, time zones and pandas' own metadata, both ways."""

    kind = Kind.TABLE
    format = Format.PARQUET
    requires: ClassVar = REQUIRES

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        return read(_batches, data, options, "Parquet file")

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        try:
            pq.write_table(table_of(value), buffer)
        except NotImplementedError as error:
            raise TypeError(str(error)) from error
        return buffer.getvalue()


def _batches(data: bytes, most: int) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(pa.BufferReader(data)) as file:
        footer = file.metadata
        groups = [footer.row_group(place) for place in range(footer.num_row_groups)]
        rows = sum(group.num_rows for group in groups)
        size = sum(group.total_byte_size for group in groups)
        check_promised(rows, footer.num_columns, size, most, "Parquet file")
        batches = file.iter_batches(batch_size=_ROWS_AT_ONCE, use_threads=False)
        yield from or_empty(batches, file.schema_arrow)

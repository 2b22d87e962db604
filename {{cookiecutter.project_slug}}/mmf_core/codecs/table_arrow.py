"""Tables as Arrow IPC by pyarrow: as a stream, and as a file, also known as Feather."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from .arrow_tables import REQUIRES, or_empty, read, table_of
from .base import Codec, Kind, Options
from .formats import Format

if TYPE_CHECKING:
    import pandas as pd

_FILE = b"ARROW1"  # how a file begins; a stream begins with a length


class TableArrow(Codec["pd.DataFrame"]):
    """A stream out; a stream or a file in, since both are called .arrow."""

    kind = Kind.TABLE
    format = Format.ARROW
    requires: ClassVar = REQUIRES

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        return read(_batches, data, options, "Arrow table")

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        table = table_of(value)
        buffer = io.BytesIO()
        with self._writer()(buffer, table.schema) as writer:
            writer.write_table(table)
        return buffer.getvalue()

    def _writer(self) -> Any:
        import pyarrow as pa

        return pa.ipc.new_stream


class TableFeather(TableArrow):
    """A file out; a stream or a file in."""

    format = Format.FEATHER

    def _writer(self) -> Any:
        import pyarrow as pa

        return pa.ipc.new_file


def _batches(data: bytes, _most: int) -> Iterator[Any]:
    import pyarrow as pa

    if data.startswith(_FILE):
        with pa.ipc.open_file(data) as file:
            batches = map(file.get_batch, range(file.num_record_batches))
            yield from or_empty(batches, file.schema)
    else:
        with pa.ipc.open_stream(data) as stream:
            yield from or_empty(stream, stream.schema)

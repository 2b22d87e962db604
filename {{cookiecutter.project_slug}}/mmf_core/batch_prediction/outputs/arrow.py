"""Parquet, Arrow and Feather: a batch or a row group for each part."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from ...codecs import Format
from ..errors import BatchError
from .base import Output


class ArrowOutput(Output):
    """Parts are Arrow streams; the columns of the file have the types that hold all of them."""

    part_format: ClassVar = Format.ARROW

    def write(self, parts: Iterable[Path], names: list[str], path: Path) -> None:
        """Write the file; if a part has a wider type, all parts are written again."""
        import pyarrow as pa

        seen: list[Path] = []
        schema: Any = None
        writer: Any = None
        try:
            for part in parts:
                table, seen = _table(part), [*seen, part]
                wider = table.schema if schema is None else _unified(schema, table.schema)
                pending = [part]
                if schema is None or not wider.equals(schema):
                    if writer is not None:
                        writer.close()
                    schema, pending = wider, seen
                    writer = self._writer(path, schema)
                for each in pending:
                    rows = table if each is part else _table(each)
                    writer.write_table(rows if rows.schema.equals(schema) else rows.cast(schema))
        except (pa.ArrowInvalid, pa.ArrowTypeError, NotImplementedError) as error:
            raise BatchError(f"the parts do not have the same types: {error}") from error
        finally:
            if writer is not None:
                writer.close()

    def _writer(self, path: Path, schema: Any) -> Any:
        import pyarrow as pa

        is_file = self.format is Format.FEATHER
        return (pa.ipc.new_file if is_file else pa.ipc.new_stream)(str(path), schema)


class ParquetOutput(ArrowOutput):
    """A row group for each part."""

    def _writer(self, path: Path, schema: Any) -> Any:
        import pyarrow.parquet as pq

        return pq.ParquetWriter(path, schema)


def _table(part: Path) -> Any:
    import pyarrow as pa

    with pa.memory_map(str(part)) as content, pa.ipc.open_stream(content) as stream:
        return stream.read_all()


def _unified(schema: Any, other: Any) -> Any:
    import pyarrow as pa

    if schema.equals(other):
        return schema
    return pa.unify_schemas([schema, other], promote_options="permissive").with_metadata(
        schema.metadata
    )

"""What Parquet and Arrow have in common: pyarrow's tables to pandas' and back, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from ..errors import RequestError
from ..settings import Settings
from .base import Options, refuse_sparse, too_large

if TYPE_CHECKING:
    import pandas as pd

_CELL, _OBJECT = 8, 40
"""Bytes that a cell counts for at least, and one that becomes a Python object."""
REQUIRES = {"pandas": "pandas", "pyarrow": "pyarrow"}


def read(
    batches: Callable[[bytes, int], Iterable[Any]], data: bytes, options: Options, name: str
) -> pd.DataFrame:
    """Return the table whose record batches `batches` yields; RequestError for anything wrong.

    Every batch is checked whole, since offsets that point anywhere else would be followed.
    """
    import pyarrow as pa

    most = options.get("max_decompressed", Settings.max_decompressed)
    try:
        kept = list(_checked(batches(data, most), most, name))
        return cast("pd.DataFrame", pa.Table.from_batches(kept).to_pandas())
    except RequestError:
        raise
    except pa.ArrowMemoryError:  # a forged length asks for more than there is
        raise too_large(name, most) from None
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - damaged files make pyarrow raise nearly anything
        raise RequestError(f"this is no {name} that can be read") from None


def _checked(batches: Iterable[Any], most: int, name: str) -> Iterator[Any]:
    left = most
    for batch in batches:
        left -= max(batch.nbytes, sum(map(_size, batch.columns)))
        if left < 0:
            raise too_large(name, most)
        batch.validate(full=True)
        yield batch


def or_empty(batches: Iterable[Any], schema: Any) -> Iterator[Any]:
    """Yield the batches, or one without rows where there is none: it still has columns."""
    import pyarrow as pa

    first = None
    for first in batches:
        yield first
    if first is None:
        yield pa.RecordBatch.from_pylist([], schema=schema)


def _size(column: Any) -> int:
    """Return what a column's cells count for; that of a null column has no bytes of its own."""
    import pyarrow.types as of

    kind = column.type
    flat = of.is_integer, of.is_floating, of.is_boolean, of.is_timestamp, of.is_duration
    texts = of.is_string, of.is_large_string, of.is_string_view, of.is_dictionary
    is_plain = any(is_one(kind) for is_one in (*flat, *texts))
    return len(column) * (_CELL if is_plain else _OBJECT)


def table_of(value: pd.DataFrame) -> Any:
    """Return pyarrow's table; TypeError or ValueError if a column has no one type."""
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(value, preserve_index=False)
    except NotImplementedError as error:
        raise TypeError(str(error)) from error


def check_promised(rows: int, columns: int, size: int, most: int, name: str) -> None:
    """Refuse what says itself that it is too large, before anything is read."""
    if size > most:
        raise too_large(name, most)
    refuse_sparse(rows, columns, most // 8)

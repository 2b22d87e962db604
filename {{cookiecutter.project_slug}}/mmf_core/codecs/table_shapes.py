"""The shapes that a table has in JSON: records, `{"columns", "data"}`, column → list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from ..errors import MAX_ERRORS, ErrorDetail
from . import json

MLFLOW_WRAPPERS = ("dataframe_split", "dataframe_records", "instances", "inputs")
"""The keys under which MLflow's scoring protocol sends a table."""
SPLIT_KEYS = {"columns", "data", "index"}

NOT_A_RECORD = "expected a record: an object of column name → value"
ONE_VALUE_PER_COLUMN = "expected one value for each column in every row"
EQUAL_LENGTHS = "expected the same number of values in every column"


def text_names(labels: Iterable[Any]) -> list[str]:
    """Return the names in a header as text, as CSV has them: 2020 is "2020"."""
    return [label if isinstance(label, str) else json.dumps(label).decode() for label in labels]


def uneven_rows(rows: Iterable[Sequence[Any]], width: int) -> list[ErrorDetail]:
    """List the first rows that have more or fewer values than there are columns."""
    uneven = (
        ErrorDetail(f"expected {width} values, got {len(cells)}", row=row)
        for row, cells in enumerate(rows)
        if len(cells) != width
    )
    return list(islice(uneven, MAX_ERRORS))


def unwrap(plain: Any) -> Any:
    """Return the table inside one of MLflow's wrappers; anything else as it is."""
    if isinstance(plain, dict) and len(plain) == 1:
        ((key, table),) = plain.items()
        return table if key in MLFLOW_WRAPPERS else plain
    return plain

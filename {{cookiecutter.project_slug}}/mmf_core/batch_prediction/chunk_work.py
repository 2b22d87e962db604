"""The work on one chunk, in any process of any machine: it is read, predicted and encoded."""

from __future__ import annotations

from typing import NamedTuple

from .chunks import AnyChunk
from .column_types import ColumnTypes
from .errors import BatchError
from .outputs import Output
from .predictor import BadRow, Predictor


class Task(NamedTuple):
    """A chunk, its number, the types of columns that no schema declares, and its place."""

    number: int
    chunk: AnyChunk
    types: ColumnTypes | None
    position: float


class Failure(NamedTuple):
    """A chunk that cannot be used as a whole."""

    number: int
    file: str
    message: str


class Encoded(NamedTuple):
    """The predictions for a chunk: `data` are empty and `names` None if every row is bad."""

    number: int
    file: str
    rows: int
    bad: list[BadRow]
    data: bytes
    names: list[str] | None
    position: float


def predict_chunk(predictor: Predictor, output: Output, task: Task) -> Encoded | Failure:
    """Return the encoded predictions for a chunk."""
    chunk = task.chunk
    try:
        predictions = predictor.predict(chunk, task.types)
        table = predictions.table
        data = b"" if table is None else output.encode(table)
    except (BatchError, OSError) as error:
        return Failure(task.number, chunk.file, str(error))
    names = None if table is None else table.columns.tolist()
    return Encoded(
        *(task.number, chunk.file, predictions.rows, predictions.bad), data, names, task.position
    )

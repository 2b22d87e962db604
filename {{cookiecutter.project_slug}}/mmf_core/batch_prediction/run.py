"""One run: chunks are read, predicted and written as parts, and the parts become the output."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from ..errors import listed
from . import readers
from .chunk_work import Encoded, Failure, Task, predict_chunk
from .chunks import AnyChunk, Limits
from .column_types import ColumnTypes, Typed
from .errors import BatchError, TooManyErrors
from .journal import Journal, Part
from .outputs import Output
from .predictor import Predictor
from .progress import Progress, counted
from .sources import Source
from .workers import Results

_COMPLETE = "complete"


class Done(NamedTuple):
    """A chunk that has become a part."""

    part: Part
    position: float


class Run:
    """Makes the parts of one output, in order, and the output of them."""

    def __init__(  # noqa: PLR0913 - the parts of a run
        self,
        predictor: Predictor,
        output: Output,
        journal: Journal,
        progress: Progress,
        *,
        sources: Sequence[Source],
        limits: Limits,
        typed: Typed | None,
        max_errors: int | None,
    ) -> None:
        self._predictor, self._output, self._journal = predictor, output, journal
        self._progress = progress
        self._sources, self._limits = sources, limits
        self._typed = typed
        self._max_errors = max_errors
        self._total_size = sum(source.size for source in sources)

    def write(self, workers: Results) -> Path | None:
        """Return the complete file, not yet in its place; None if no row has a prediction."""
        path = self._journal.folder / _COMPLETE
        with closing(self._tasks()) as tasks, closing(self._parts(workers.results(tasks))) as parts:
            if (first := next(parts, None)) is None:
                return None
            names = first.names or []
            same = self._with_names(names, chain([first], parts))
            self._output.write((self._journal.path(part.number) for part in same), names, path)
        return path

    def parts(self) -> Iterator[Part]:
        """Yield the parts in order, as far as they are complete."""
        parts = self._journal.parts
        for number in count():
            if number not in parts:
                return
            yield parts[number]

    def work(self, task: Task) -> Done | Failure:
        """Make the part of a chunk, in any process of this machine."""
        return self.save(predict_chunk(self._predictor, self._output, task))

    def save(self, result: Encoded | Failure) -> Done | Failure:
        """Write the part of a chunk."""
        if isinstance(result, Failure):
            return result
        number, file, rows, bad, data, names, position = result
        try:
            return Done(self._journal.write(number, file, rows, bad, data, names), position)
        except OSError as error:
            folder, reason = self._journal.folder, error.strerror or error
            return Failure(result.number, result.file, f"cannot write to {folder}: {reason}")

    def _parts(self, results: Iterator[Done | Failure]) -> Generator[Part, None, None]:
        """Yield the parts that have predictions in order, as they are made."""
        parts, number = self._journal.parts, 0
        for result in chain(results, [None]):
            if isinstance(result, Failure):
                raise self._error(result)
            if result is not None:
                self._journal.add(result.part)
                self._progress.add(result.part.rows, result.part.bad, result.position)
            self._check_errors()
            while number in parts:
                if parts[number].names is not None:
                    yield parts[number]
                number += 1

    def _tasks(self) -> Generator[Task, None, None]:
        """Yield the chunks that are not parts yet."""
        types, number, before = None, 0, 0
        for source in self._sources:
            reading = readers.chunks(source, self._predictor.options, self._limits)
            with closing(reading) as chunks:
                for chunk in chunks:
                    position = (before + chunk.position * source.size) / max(1, self._total_size)
                    if self._typed and types is None:
                        types = self._types(chunk)
                    if part := self._journal.parts.get(number):
                        self._progress.skip(part.rows, part.bad, position)
                    else:
                        yield Task(number, chunk, types, position)
                    number += 1
            before += source.size

    def _types(self, chunk: AnyChunk) -> ColumnTypes | None:
        """Return the types of the first chunk that has rows."""
        assert self._typed is not None  # noqa: S101 - only called then
        try:
            table, _ = self._predictor.read(chunk, None)
        except BatchError as error:
            raise BatchError(f"{chunk.file}: {error}") from error
        return ColumnTypes.of(table, self._typed.names_in(table)) if len(table) else None

    def _with_names(self, names: list[str], parts: Iterator[Part]) -> Iterator[Part]:
        for part in parts:
            if part.names != names:
                raise BatchError(
                    f"{part.file}: expected the columns of the first predictions, "
                    f"{listed(names)}, got {listed(part.names or [])}"
                )
            yield part

    def _check_errors(self) -> None:
        if self._max_errors is not None and self._progress.bad > self._max_errors:
            bad = counted(self._progress.bad, "bad row")
            raise TooManyErrors(f"{bad}, more than --max-errors={self._max_errors} allows")

    def _error(self, failure: Failure) -> BatchError:
        """Return the error of a chunk, and the rows before it if all their parts are there."""
        parts = [self._journal.parts.get(number) for number in range(failure.number)]
        before = [part for part in parts if part]
        where = failure.file
        if len(before) == len(parts):
            rows = sum(part.rows for part in before if part.file == failure.file)
            where = f"{failure.file}, from row {rows:,} on" if rows else where
        return BatchError(f"{where}: {failure.message}")

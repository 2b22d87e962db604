"""Tables larger than MMF_MAX_BODY_MIB: stored as files, and called for some rows at a time.

That is right only where each row's result depends on that row alone, which an author says by
`batch=`, and where a few bytes cannot become many: in texts. The result is stored as the results of
the pieces, one after the other, as each would be stored that is the only one.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, TypeAlias

from flask import Request, Response

from ..call_options import batch_argument
from ..capabilities import TableFiles, parts
from ..codecs import Format, as_frame
from ..descriptors import DataFrame
from ..errors import BodyTooLarge, RequestError, ResultError, listed, shortened
from ..execution import in_order
from ..reporting import reporter
from ..settings import MIB
from ..target import HEADER_QUERY, SHEET_QUERY, Target
from ..web.http.codec_options import options_of
from ..web.http.requests import parse_content_type
from ..web.http.responses import ResultWriter
from ..web.request_context import current_context
from .files import Files

if TYPE_CHECKING:
    import pandas as pd

TEXTS = {Format.CSV, Format.TSV, Format.JSONL}
Pieces: TypeAlias = Generator[tuple[float, dict[str, Any]], None, None]
Pair: TypeAlias = tuple[Any, Mapping[str, Any] | None]
"""A result, and the values that it is of if some of their columns go back."""
_UTF8 = {"", "utf-8", "utf8"}


class LargeTables:
    """The table of one target, which is the argument `argument`; `limits` are the operator's.

    A result has `max_kept` bytes at most: a short row may have many cells, and a longer result.
    """

    def __init__(
        self,
        target: Target,
        argument: str,
        files: TableFiles,
        limits: Mapping[str, Any],
        max_kept: int,
    ) -> None:
        self._route = target.route
        self._argument = argument
        self._keeps = target.kept is not None
        self._options = options_of(target.arguments[argument], limits)
        self._max_body: int = limits["max_body"]
        self._max_kept = max_kept
        self._files = files
        self._writer = ResultWriter(target, limits)
        self.writes = files.writes

    @classmethod
    def of(cls, target: Target, limits: Mapping[str, Any], max_kept: int) -> Self | None:
        """Return how large tables of a target are read; None if they cannot be."""
        for files in parts("table_files"):
            if not target.call_options.batch or target.trains:
                return None
            argument = batch_argument(target.arguments, target.returns)
            ends = target.arguments[argument], target.returns
            if all(isinstance(end, DataFrame) and not end.needs_whole_table for end in ends):
                return cls(target, argument, files, limits, max_kept)
        return None

    def accepts(self, request: Request) -> bool:
        """Return whether a body is larger than others may be, and can be read in pieces."""
        environ = request.environ
        if (request.content_length or 0) <= self._max_body or "HTTP_CONTENT_ENCODING" in environ:
            return False
        media_type, charset = parse_content_type(environ.get("CONTENT_TYPE", ""))
        is_workbook = any(name in request.args for name in (SHEET_QUERY, HEADER_QUERY))
        is_text = Format.of_media_type(media_type) in TEXTS.intersection(self._files.reads)
        return is_text and charset.lower() in _UTF8 and not is_workbook

    def pieces(self, request: Request, path: Path) -> Pieces:
        """Yield the values of the argument for some rows at a time, and the share that was read.

        RequestError if rows cannot be decoded.
        """
        format = Format.of_media_type(parse_content_type(request.environ["CONTENT_TYPE"])[0])
        assert format is not None  # noqa: S101 - see `accepts`
        name = self._argument
        with closing(
            self._files.read(path, format, self._options, name=name, keeps=self._keeps)
        ) as tables:
            for position, table in tables:
                yield position, {name: table}

    def run(
        self,
        pieces: Pieces,
        call: Callable[[dict[str, Any]], Any],
        files: Files,
    ) -> IO[bytes]:
        """Call a target for each piece; return a file of the results, each with its values.

        RequestError counts rows from the first of the table; ResultError if a result does not have
        the rows of its piece, or the columns of the first; BodyTooLarge if the result is.
        """
        file, rows = files.temporary(), 0
        dtypes: list[Mapping[str, Any]] = []
        try:
            for position, values in pieces:
                table = values[self._argument]
                result = self._checked(_called(call, values, rows), table)
                dtypes.append(dict(result.dtypes))
                self._check_names([*dtypes[0]], [*result.columns])
                self._append(file, result, values if self._keeps else None, files)
                rows += len(table)
                reporter.progress(min(position, 1.0), f"{rows:,} rows")
            if any(dtypes[0] != other for other in dtypes):
                return self._alike(file, files)
        except BaseException:
            with suppress(OSError):  # what it could not write is still in its buffer
                file.close()
            raise
        if context := current_context():
            context.rows_out = rows
        return file

    def respond(
        self, tables: Iterator[pd.DataFrame], format: Format, *, is_negotiated: bool
    ) -> Response:
        """Respond with the rows of tables, in one of the formats that `writes` has."""
        file = self._files.write(tables, format, self._writer.options)
        return self._writer.write_file(file, format, is_negotiated=is_negotiated)

    def _check_names(self, expected: list[str], names: list[str]) -> None:
        if names != expected:
            raise ResultError(
                f"{self._route}: expected the columns of the first rows, {listed(expected)}, "
                f"got {listed(names)}"
            )

    def _checked(self, result: Any, table: pd.DataFrame) -> pd.DataFrame:
        frame: pd.DataFrame | None = in_order(as_frame(result))
        if frame is None or len(frame) != len(table):
            got = "others" if frame is None else f"{len(frame):,} for {len(table):,}"
            raise ResultError(
                f"{self._route}: batch= needs a row for each row, in the same order, got {got}"
            )
        return frame.reset_index(drop=True)

    def _append(
        self, file: IO[bytes], result: pd.DataFrame, values: Mapping[str, Any] | None, files: Files
    ) -> None:
        content = self._stored(result, values)
        if file.tell() + len(content) > self._max_kept:
            raise BodyTooLarge(
                f"the result exceeds {self._max_kept / MIB:g} MiB (set MMF_TASK_KEEP_MIB); "
                f"send its rows in smaller pieces"
            )
        files.append(file, content)

    def _stored(self, result: pd.DataFrame, values: Mapping[str, Any] | None) -> bytes:
        try:
            return pickle.dumps((result, values), protocol=5)
        except Exception as error:
            raise ResultError(
                f"{self._route}: the result cannot be stored: {shortened(str(error))}"
            ) from error

    def _alike(self, file: IO[bytes], files: Files) -> IO[bytes]:
        """Return a file of the same results, each column of the type that holds all of it."""
        import pandas as pd

        file.seek(0)
        first = [result.iloc[:1] for result, _ in stored_pairs(file)]
        dtypes = pd.concat(first, ignore_index=True).dtypes
        file.seek(0)
        other = files.temporary()
        for result, values in stored_pairs(file):
            self._append(other, result.astype(dtypes), values, files)
        file.close()
        return other


def stored_pairs(file: IO[bytes]) -> Iterator[Pair]:
    """Yield the results in a file, each with its values, or None where these are not kept."""
    while True:
        try:
            pair = pickle.load(file)  # noqa: S301 - from our own folder
        except EOFError:
            return
        yield pair


def whole(pairs: Iterable[Pair]) -> Pair:
    """Return a result and its values as they would have been stored in one piece."""
    import pandas as pd

    results, values = zip(*pairs, strict=True)
    result = pd.concat(results, ignore_index=True)
    if values[0] is None:
        return result, None
    (name,) = values[0]
    return result, {name: pd.concat([each[name] for each in values], ignore_index=True)}


def _called(call: Callable[[dict[str, Any]], Any], values: dict[str, Any], rows: int) -> Any:
    try:
        return call(values)
    except RequestError as error:
        raise error.after(rows) from error

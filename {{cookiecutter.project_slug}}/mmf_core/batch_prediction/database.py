"""Tables of a database, by SQLAlchemy: `postgresql://user@host/database/table`.

An input may be a query, `postgresql://user@host/database?query=SELECT …`, written as it is. An
output is a table that appears with all of its rows, in one transaction. Options of the driver are
at the end of a table's name, and before a query: `…/database/table?sslmode=require`.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..packages import OptionalDependency
from .errors import BatchError

if TYPE_CHECKING:
    import pandas as pd

_SCHEMES = {"postgresql", "mysql", "mariadb", "sqlite", "oracle", "mssql"}
_QUERY = re.compile("[?&]query=")
_ROWS_AT_ONCE = 1_000


class _Library(OptionalDependency):
    requires: ClassVar = {"sqlalchemy": "sqlalchemy"}


@dataclass(frozen=True, slots=True)
class Place:
    """A table, or a query, of a database; `url` is SQLAlchemy's."""

    url: str
    table: str
    query: str = ""

    @classmethod
    def of(cls, name: str) -> Place | None:
        """Return the table of a name; None if it is not the name of a database."""
        scheme, _, rest = name.partition("://")
        if not rest or scheme.partition("+")[0] not in _SCHEMES:
            return None
        _Library().require(f"{scheme}://")
        if mark := _QUERY.search(name):
            return cls(name[: mark.start()], "", name[mark.end() :])
        path, question_mark, options = name.partition("?")
        url, _, table = path.rpartition("/")
        if not table or url.endswith(":/"):
            raise BatchError(f"{scheme}://…: expected a table, {scheme}://host/database/table")
        return cls(f"{url}{question_mark}{options}", table)

    @property
    def shown(self) -> str:
        """The URI for messages, without the password and the options, which may have one, too."""
        from sqlalchemy import make_url

        with _errors("the database"):
            url = make_url(self.url).set(query={}).render_as_string(hide_password=True)
        return f"{url}?query={self.query}" if self.query else f"{url}/{self.table}"

    def exists(self) -> bool:
        """Return whether the table is there."""
        from sqlalchemy import inspect

        with self._connected() as connection:
            schema, name = self._names
            return bool(inspect(connection).has_table(name, schema))

    def rows(self, count: int) -> Generator[tuple[list[str], list[Any]], None, None]:
        """Yield the names of the columns, and the next rows, by a cursor of the server.

        At least once, without rows if there are none.
        """
        from sqlalchemy import MetaData, Table, select, text

        with self._connected() as connection:
            streaming = connection.execution_options(stream_results=True, max_row_buffer=count)
            if self.query:
                result = streaming.execute(text(self.query.replace(":", r"\:")))  # no parameters
            else:
                schema, name = self._names
                table = Table(name, MetaData(), schema=schema, autoload_with=connection)
                result = streaming.execute(select(table))
            with closing(result):
                names = list(result.keys())
                rows: list[Any] = []
                for rows in result.partitions(count):
                    yield names, rows
                if not rows:
                    yield names, []

    def insert(self, parts: Iterable[Path], *, overwrite: bool) -> None:
        """Create the table with all rows; or nothing, if transactions include tables."""
        from sqlalchemy import MetaData, Table

        schema, name = self._names
        with self._connected() as connection, connection.begin():
            if overwrite:
                Table(name, MetaData(), schema=schema).drop(connection, checkfirst=True)
            copies = connection.engine.driver == "psycopg"
            for number, part in enumerate(parts):
                table: pd.DataFrame = pickle.loads(part.read_bytes())  # noqa: S301 - our own
                table.to_sql(
                    name,
                    connection,
                    schema=schema,
                    if_exists="append" if number else "fail",
                    index=False,
                    chunksize=None if copies else _ROWS_AT_ONCE,
                    method=_copy if copies else None,
                )

    @property
    def _names(self) -> tuple[str | None, str]:
        schema, _, name = self.table.rpartition(".")
        return schema or None, name

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        from sqlalchemy import create_engine

        with _errors(self.shown):
            engine = create_engine(self.url)
            try:
                with engine.connect() as connection:
                    yield connection
            finally:
                engine.dispose()


def _copy(table: Any, connection: Any, names: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows into PostgreSQL several times faster than by INSERT, as pandas calls it."""
    from psycopg import sql

    path = [table.schema, table.name] if table.schema else [table.name]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(*path), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


@contextmanager
def _errors(name: str) -> Iterator[None]:
    """Raise BatchError for an error of the database."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, ValueError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise BatchError(f"{name}: {reason}") from error

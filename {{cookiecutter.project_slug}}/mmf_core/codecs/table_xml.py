"""Tables as XML: `<table><row><a>1</a></row></table>`, under any names (XML 1.0)."""

from __future__ import annotations

import csv
import io
import re
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar
from xml.sax.saxutils import escape

from ..errors import RequestError
from .base import Codec, Kind, Options
from .cell_text import cell_texts, text_rows
from .csv_reader import read
from .decoded_size import refuse_sparse
from .encoded_size import (
    EscapeLimit,
    check_cells,
    check_names,
    check_nested_texts,
    joined,
)
from .formats import Format
from .xml_text import check_characters, new_parser

if TYPE_CHECKING:
    import pandas as pd

_LETTER = "A-Za-z\u0401\u0410-\u044f\u0451"  # of the many that XML accepts: Latin and Russian
_NAME = re.compile(rf"(?!cell\Z|[Xx][Mm][Ll])[{_LETTER}_][{_LETTER}0-9_.-]*")
_ESCAPES = {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;", '"': "&quot;"}
_TYPE_OPTIONS = ("keep", "types", "dtype", "converters", "parse_dates", "date_format")
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XSI_PREFIX = f"{{{_XSI}}}"
_NIL = f"{_XSI_PREFIX}nil"
_ROW_DEPTH, _CELL_DEPTH = 2, 3
_QUOTED_LENGTH = 20
_NULL = re.compile(rb"<([^<>]*)>\0</[^<>]*>")
_MOST_CELLS = 7_000_000


class TableXML(Codec["pd.DataFrame"]):
    """A root, an element for each row, in it an element or an attribute for each column.

    `xsi:nil="true"` and a missing element are null; an empty one is an empty text in a column of
    texts, else null. A name that no element may have is written as `<cell name="my column">`.
    Text becomes numbers as it does in CSV. A DTD, and with it any entity of its own, is refused.
    Of the options only those on types have an effect.
    """

    kind = Kind.TABLE
    format = Format.XML
    requires: ClassVar = {"pandas": "pandas", "defusedxml.ElementTree": "defusedxml"}
    memory_weights: ClassVar = {b"<": 120, b"=": 180}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        import pandas as pd

        rows = _parse(data)
        columns = list(dict.fromkeys(name for row in rows for name in row))
        refuse_sparse(len(rows), len(columns), len(data))
        if not columns:
            return pd.DataFrame(index=range(len(rows)))
        buffer = io.BytesIO()
        writer = csv.writer(io.TextIOWrapper(buffer, "utf-8", newline="", write_through=True))
        writer.writerows([row.get(name) for name in columns] for row in rows)
        reading = {key: options[key] for key in _TYPE_OPTIONS if key in options}
        layout = {"header": None, "names": columns, "skip_blank_lines": False}
        table = read(buffer.getvalue(), {**reading, **layout}, "XML")
        types = options.get("types", {})
        texts = [name for name in columns if types.get(name, str) is str]
        return _with_empty_texts(table, rows, texts)

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        check_cells(value, "XML", _MOST_CELLS)
        check_nested_texts(value, options)
        limit = EscapeLimit("XML", b'&<>"\r\n\t', options)
        check_names(value, "XML", limit, options)
        cells = "".join(map(_element, value.columns)).encode()
        rows = text_rows(value, b"<row>%b</row>\n" % cells, b"", partial(_format_cells, limit))
        pieces = (_NULL.sub(rb'<\1 xsi:nil="true"/>', row) if b"\0" in row else row for row in rows)
        head = f'<?xml version="1.0" encoding="UTF-8"?>\n<table xmlns:xsi="{_XSI}">\n'
        return joined(chain([head.encode()], pieces, [b"</table>\n"]), "XML", options)


CODECS = (TableXML(),)


def _with_empty_texts(table: pd.DataFrame, rows: _Rows, columns: list[str]) -> pd.DataFrame:
    """Put empty texts back into columns of text: the CSV in between has no other null."""
    for name in columns:
        if table[name].dtype == "str" and table[name].hasnans:
            table.loc[[row.get(name) == "" for row in rows], name] = ""
    return table


def _element(name: Any) -> str:
    """Return a column's element, with a `%b` for its text."""
    start = end = str(name)
    if not _NAME.fullmatch(start):
        start, end = f'cell name="{_escape(start)}"'.replace("%", "%%"), "cell"
    return f"<{start}>%b</{end}>"


def _format_cells(limit: EscapeLimit, cells: Any) -> list[bytes]:
    """Return the texts of cells; a zero, which no XML has, is null."""
    texts = cell_texts(cells)
    limit.check_each(texts)
    return [b"\0" if text is None else _escape(text).encode() for text in texts]


def _escape(text: str) -> str:
    check_characters(text)
    return escape(text, _ESCAPES)


def _parse(data: bytes) -> _Rows:
    """Return the rows; RequestError says why the text cannot be read."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException

    rows = _Rows()
    parser = new_parser(data, rows)
    try:
        parser.feed(data)
        parser.close()
    except DefusedXmlException:
        raise RequestError("this XML has a DTD or entities, which are not supported") from None
    except RequestError:
        raise
    except (ParseError, ValueError, LookupError) as error:  # LookupError: of an encoding
        raise RequestError(f"this XML cannot be read: {error}") from None
    return rows


class _Rows(list[dict[str, str | None]]):
    """The parser's target: collects column → text for each row, without building a tree."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._column = ""
        self._is_null = False
        self._text: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == _ROW_DEPTH:
            self.append({})
            for name, text in attributes.items():
                if not name.startswith(_XSI_PREFIX):
                    self._add(_local_name(name), text)
        elif self._depth == _CELL_DEPTH:
            self._start_cell(_local_name(tag), attributes)
        elif self._depth > _CELL_DEPTH:
            raise _not_a_table(f"<{_local_name(tag)}> is inside a cell, which may hold text only")

    def data(self, text: str) -> None:
        if self._depth == _CELL_DEPTH:
            self._text.append(text)
        elif text.strip():
            raise _not_a_table(f"{text.strip()[:_QUOTED_LENGTH]!r} is outside any cell")

    def end(self, tag: str) -> None:
        if self._depth == _CELL_DEPTH:
            self._add(self._column, None if self._is_null else "".join(self._text))
        self._depth -= 1

    def close(self) -> _Rows:
        return self

    def _start_cell(self, tag: str, attributes: dict[str, str]) -> None:
        extra = {
            name: text for name, text in attributes.items() if not name.startswith(_XSI_PREFIX)
        }
        self._column = extra.pop("name", tag) if tag == "cell" else tag
        if extra:
            attribute = _local_name(next(iter(extra)))
            raise _not_a_table(f"<{tag}> has the attribute {attribute}; a cell may hold text only")
        self._is_null = attributes.get(_NIL) in {"true", "1"}
        self._text = []

    def _add(self, name: str, text: str | None) -> None:
        row = self[-1]
        if name in row:
            raise _not_a_table(f"row {len(self) - 1} has {name} twice")
        row[name] = text


def _not_a_table(reason: str) -> RequestError:
    return RequestError(f"this XML is not a table: {reason}")


def _local_name(name: str) -> str:
    """Return a name without its namespace, which says nothing about a column."""
    return name.rpartition("}")[2] if name.startswith("{") else name

"""Tables as XML: `<table><row><a>1</a></row></table>`, under any names (XML 1.0)."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, ClassVar
from xml.sax.saxutils import escape

from .base import Codec, Kind, Options, refuse_sparse
from .cell_text import NOT_XML, texts
from .formats import Format
from .table_csv import read
from .xml_rows import XSI, Rows

if TYPE_CHECKING:
    import pandas as pd

_LETTER = "A-Za-z\u0401\u0410-\u044f\u0451"  # of the many that XML takes: Latin and Russian ones
_NAME = re.compile(rf"(?!cell\Z|[Xx][Mm][Ll])[{_LETTER}_][{_LETTER}0-9_.-]*")
_ESCAPED = {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;", '"': "&quot;"}
_TYPING = ("dtype", "converters", "parse_dates", "date_format")


class TableXML(Codec["pd.DataFrame"]):
    """A root, an element for each row, in it an element or an attribute for each column.

    `xsi:nil="true"` and a missing element are null; an empty one is an empty text in a column of
    texts, else null. What no element may be called is written as `<cell name="my column">`. Text
    becomes numbers as it does in CSV. A DTD, and with it any entity of the author's own, is
    refused. Of the options those on types count.
    """

    kind = Kind.TABLE
    format = Format.XML
    requires: ClassVar = {"pandas": "pandas", "defusedxml": "defusedxml"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        import pandas as pd

        rows = Rows.of(data)
        columns = list(dict.fromkeys(name for row in rows for name in row))
        refuse_sparse(len(rows), len(columns), len(data))
        if not columns:
            return pd.DataFrame(index=range(len(rows)))
        buffer = io.BytesIO()
        writer = csv.writer(io.TextIOWrapper(buffer, "utf-8", newline="", write_through=True))
        writer.writerows([row.get(name) for name in columns] for row in rows)
        known = {key: options[key] for key in _TYPING if key in options}
        form = {"header": None, "names": columns, "skip_blank_lines": False}
        return _with_empty(read(buffer.getvalue(), {**known, **form}, "XML"), rows)

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        columns = [
            _elements(str(name), value.iloc[:, place]) for place, name in enumerate(value.columns)
        ]
        rows = "\n".join(f"<row>{''.join(row)}</row>" for row in zip(*columns, strict=True))
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<table xmlns:xsi="{XSI}">\n{rows}\n</table>\n'
        ).encode()


def _with_empty(table: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """Put empty texts where CSV, which has no other null, reads null."""
    for name in table.columns:
        if table[name].dtype == "str" and table[name].hasnans:
            table.loc[[row.get(name) == "" for row in rows], name] = ""
    return table


def _elements(name: str, column: pd.Series) -> list[str]:
    """Return a column's cells."""
    start = end = name
    if not _NAME.fullmatch(name):
        start, end = f'cell name="{_escaped(name)}"', "cell"
    return [
        f'<{start} xsi:nil="true"/>' if text is None else f"<{start}>{_escaped(text)}</{end}>"
        for text in texts(column)
    ]


def _escaped(text: str) -> str:
    if found := NOT_XML.search(text):
        raise ValueError(f"XML has no way to write the character {found[0]!r}")
    return escape(text, _ESCAPED)

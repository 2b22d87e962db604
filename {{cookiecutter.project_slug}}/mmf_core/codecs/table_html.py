"""Tables as HTML pages, for people: written, never read."""

from __future__ import annotations

from functools import partial
from html import escape
from itertools import chain
from string import Template
from typing import TYPE_CHECKING, Any, ClassVar

from .base import Codec, Kind, Options
from .cell_text import cell_texts, text_rows
from .encoded_size import EscapeLimit, check_cells, check_nested_texts, joined
from .formats import Format

if TYPE_CHECKING:
    import pandas as pd

_MOST_CELLS = 7_000_000
_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$caption</title>
<style>
body { font: 1rem/1.4 system-ui, sans-serif; margin: 1rem; }
table { border-collapse: collapse; }
caption { text-align: left; padding: .5rem 0; }
th, td { border: 1px solid #bbb; padding: .25rem .5rem; text-align: left; white-space: pre-wrap; }
th { background: #eee; position: sticky; top: 0; }
.number { text-align: right; }
</style>
</head>
<body>
<table>
<caption>$caption</caption>
<thead>
$header
</thead>
<tbody>
$rows
</tbody>
</table>
</body>
</html>
""")


class TableHTML(Codec["pd.DataFrame"]):
    """A whole page with one table; it needs no script and no other file."""

    kind = Kind.TABLE
    format = Format.HTML
    reads = False
    requires: ClassVar = {"pandas": "pandas"}

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        check_cells(value, "HTML", _MOST_CELLS)
        check_nested_texts(value, options)
        limit = EscapeLimit("HTML", b"&<>\"'", options)
        limit.check_each(map(str, value.columns))
        names = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in value.columns)
        caption = f"{len(value):,} rows"
        page = _PAGE.substitute(caption=caption, header=f"<tr>{names}</tr>", rows="\0")
        start, _, end = page.encode().rpartition(b"\0")
        cells = b"".join(
            b'<td class="number">%b</td>' if dtype.kind in "iuf" else b"<td>%b</td>"
            for dtype in value.dtypes.tolist()
        )
        rows = text_rows(value, b"<tr>%b</tr>\n" % cells, b"", partial(_format_cells, limit))
        return joined(chain([start], rows, [end.removeprefix(b"\n")]), "HTML", options)


CODECS = (TableHTML(),)


def _format_cells(limit: EscapeLimit, cells: Any) -> list[bytes]:
    texts = cell_texts(cells)
    limit.check_each(texts)
    return [escape(text or "").encode() for text in texts]

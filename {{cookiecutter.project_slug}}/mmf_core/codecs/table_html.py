"""Tables as HTML pages, for people: written, never read."""

from __future__ import annotations

from html import escape
from string import Template
from typing import TYPE_CHECKING, ClassVar

from .base import Codec, Kind, Options
from .cell_text import cell_texts
from .formats import Format

if TYPE_CHECKING:
    import pandas as pd

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
        names = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in value.columns)
        columns = [_cells(value.iloc[:, index]) for index in range(value.shape[1])]
        rows = "\n".join(f"<tr>{''.join(row)}</tr>" for row in zip(*columns, strict=True))
        caption = f"{len(value):,} rows"
        page = _PAGE.substitute(caption=caption, header=f"<tr>{names}</tr>", rows=rows)
        return page.encode()


CODECS = (TableHTML(),)


def _cells(column: pd.Series) -> list[str]:
    start = '<td class="number">' if column.dtype.kind in "iuf" else "<td>"
    return [f"{start}{escape(text or '')}</td>" for text in cell_texts(column)]

"""Decoding times of the slowest bodies of every format: `make decoding`.

Writes the table of docs/reliability.md: seconds of the processor for 1, 2 and 4 MiB, and the
longest of any size up to the default limits, beyond which such a body is refused. It ends with 1 if
anything takes more than `MOST` seconds.
"""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hostile_inputs import xlsx

from mmf_core.codecs import Codec, Format, Kind, find
from mmf_core.errors import RequestError
from mmf_core.settings import MIB, Settings
from worst_case_inputs import WORST, Make, ods, ods_row, repeated

MOST = 8.0
"""Seconds on a shared machine."""
SIZES = (1, 2, 4)
LARGE = (12, 24, 49)
DECOMPRESSED = (*LARGE, 98)
"""MiB of a workbook's XML, which is compressed in the body."""
KINDS = {"picture": Kind.IMAGE, "text": Kind.SCALAR, "tree": Kind.JSON}
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def _sheet(unit: bytes) -> Make:
    return lambda most: xlsx(repeated(b"<sheetData>", unit, b"</sheetData>")(most))


SLOW: dict[str, dict[str, dict[str, Make]]] = {
    "table": {
        "csv": {
            "long numbers": repeated(b"a,b\n", b"1,\n", ends_with=b"12345678901234567890,x\n"),
            "a text after dates": repeated(b"a\n", b"2020-01-01\n", ends_with=b"x\n"),
        },
        "json": {"a long number": repeated(b'{"a":[12345678901234567890123', b",1", b"]}")},
        "xml": {
            "line breaks": repeated(b"<t><r><a>", b"\n", b"</a></r></t>"),
            "comments": repeated(b"<t>", b"<!---->", b"</t>"),
        },
        "xlsx": {
            "empty rows": _sheet(b"<row/>"),
            "blank cells": _sheet(b"<c/>"),
            "rows of blank cells": _sheet(b"<row><c/></row>"),
            "other elements": _sheet(b"<d/>"),
            "shared strings": lambda most: xlsx(b"<sheetData/>", b"<si/>" * (most // 5)),
        },
        "ods": {
            "ten numbers in a row": ods(
                ods_row(*[b'office:value-type="float" office:value="1"'] * 10)
            ),
            "dates": ods(
                ods_row(*[b'office:value-type="date" office:date-value="2020-01-01"'] * 4)
            ),
            "formulas": ods(ods_row(*[b'table:formula="of:=1"'] * 4)),
            "empty cells": ods(b"<table:table-cell/>", b"<table:table-row>", b"</table:table-row>"),
            "attributes": ods(b'<a b="" c="" d="" e="" f="" g="" h="" i="" j=""/>'),
        },
    },
    "array": {"csv": {"quoted": repeated(b"", b'"1"\n')}},
    "tree": {
        "xml": {"instructions": repeated(b"<a>", b"<?a?>", b"</a>")},
        "yaml": {
            "lines": repeated(b"a:\n", b"- x\n"),
            "documents": repeated(b"", b"--- a\n"),
            "quoted": repeated(b'a: "', b"\\n", b'"'),
        },
        "msgpack": {"nulls": WORST["tree"]["msgpack"]["nulls"]},
    },
}


def inputs() -> Iterator[tuple[str, str, str, Make]]:
    """Yield kind, format, description and generator."""
    for kind, forms in WORST.items():
        for form, makes in forms.items():
            for label, make in (makes | SLOW.get(kind, {}).get(form, {})).items():
                yield kind, form, label, make


def seconds(codec: Codec[object], data: bytes) -> float:
    """Return the CPU seconds until a body is decoded or rejected."""
    started = time.process_time()
    with suppress(RequestError):
        codec.read(data, {})
    return time.process_time() - started


def main() -> int:
    rows, slowest = [], 0.0
    for kind, form, label, make in inputs():
        format_ = Format.of_extension(form)
        codec = find(KINDS.get(kind) or Kind[kind.upper()], format_) if format_ else None
        if codec is None:
            continue
        large = DECOMPRESSED if form in {"xlsx", "ods"} else LARGE
        assert max(LARGE) * MIB <= Settings.max_body
        times = [seconds(codec, make(size * MIB)) for size in SIZES]
        longest = max(*times, *(seconds(codec, make(size * MIB)) for size in large))
        slowest = max(slowest, longest)
        cells = [kind, form, label, *(f"{each:.2f}" for each in (*times, longest))]
        rows.append(f"| {' | '.join(cells)} |")
        print(rows[-1], flush=True)
    page = PAGE.read_text(encoding="utf-8")
    table = re.search(r"<!-- decoding -->\n(\|.*\n\|.*\n)((?:\|.*\n)*)<!-- end -->", page)
    assert table, f"no <!-- decoding --> in {PAGE}"
    start, end = table.span(2)
    PAGE.write_text(page[:start] + "".join(row + "\n" for row in rows) + page[end:], "utf-8")
    return int(slowest > MOST)


if __name__ == "__main__":
    sys.exit(main())

"""An Excel workbook of one sheet as a file: the parts that every one has, and rows of cells.

ECMA-376, part 1: 18.3.1 (sheets), 18.8 (styles). Texts are inline, so that rows can be written as
they come. Readers need each cell's reference, although it is optional there.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from zipfile import ZIP_DEFLATED, ZipFile

_LEVEL = 1  # of deflating: twice as fast as 6, and a quarter larger
_CHUNK = 1_000  # rows
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

FORMATS = ("General", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss", "[hh]:mm:ss")
"""How numbers are shown, by the number of a cell's style."""
GENERAL, DATE, DATETIME, TIME, DURATION = range(len(FORMATS))

_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts count="{len(FORMATS) - 1}">'
    + "".join(
        f'<numFmt numFmtId="{163 + place}" formatCode="{code}"/>'
        for place, code in enumerate(FORMATS)
        if place
    )
    + '</numFmts><fonts count="1"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
    '</fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill '
    'patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/>'
    '<bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" '
    f'fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="{len(FORMATS)}">'
    + "".join(
        f'<xf numFmtId="{place and 163 + place}" fontId="0" fillId="0" borderId="0" xfId="0"'
        ' applyNumberFormat="1"/>'
        for place, _ in enumerate(FORMATS)
    )
    + '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/>'
    "</cellStyles></styleSheet>",
}


def number(value: float | str, style: int = GENERAL) -> str:
    """Return a cell of a number, all but its reference."""
    return f'"><v>{value}</v></c>' if style == GENERAL else f'" s="{style}"><v>{value}</v></c>'


def text(value: str) -> str:
    """Return a cell of a text; whoever calls has replaced what XML cannot hold."""
    safe = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = safe.replace("\r", "&#13;")  # a bare one would be read as a line feed
    return f'" t="inlineStr"><is><t xml:space="preserve">{safe}</t></is></c>'


EMPTY = '"/>'
TRUE, FALSE = '" t="b"><v>1</v></c>', '" t="b"><v>0</v></c>'


def written(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return the file of a sheet with this header and these rows of cells."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name, part in _PARTS.items():
            with archive.open(name, "w") as file:  # writestr() would add the time of writing
                file.write((_HEAD + part).encode())
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            lines = _lines(len(header), chain([header], rows))
            while chunk := "".join(islice(lines, _CHUNK)):
                sheet.write(chunk.encode())
            sheet.write(b"</sheetData></worksheet>")
    return buffer.getvalue()


def _lines(width: int, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    line = '<row r="#">' + "".join(f'<c r="{_letters(place)}#%s' for place in range(width))
    for place, cells in enumerate(rows, start=1):
        yield line.replace("#", str(place)) % tuple(cells) + "</row>"


def _letters(place: int) -> str:
    """Return what a column is called: 27 is AB."""
    more, last = divmod(place, 26)
    return (_letters(more - 1) if more else "") + chr(ord("A") + last)

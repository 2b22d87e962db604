"""Write an Excel workbook of one sheet: the parts that every workbook has, and rows of cells.

ECMA-376, part 1: 18.3.1 (sheets), 18.8 (styles). Texts are inline, so that rows can be written one
by one. Readers need each cell's reference, although it is optional there.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from xml.sax.saxutils import quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

from .xml_text import replace_invalid

_COMPRESSION_LEVEL = 1  # twice as fast as 6, and a quarter larger
_CHUNK_CELLS = 10_000
_LAST_ROW = 1_048_576
_LONGEST_NOTE = 255
_TEXT_START = '" t="inlineStr"><is><t xml:space="preserve">'
_TEXT_END = "</t></is></c>"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

FORMATS = ("General", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss", "[hh]:mm:ss")
"""The number formats, by the index of a cell's style."""
GENERAL, DATE, DATETIME, TIME, DURATION = range(len(FORMATS))
SHEET, STYLES = "xl/worksheets/sheet1.xml", "xl/styles.xml"
"""Parts of a workbook: the cells, and what their styles are."""

PARTS = {
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
    STYLES: f'<styleSheet xmlns="{_MAIN}"><numFmts count="{len(FORMATS) - 1}">'
    + "".join(
        f'<numFmt numFmtId="{163 + index}" formatCode="{code}"/>'
        for index, code in enumerate(FORMATS)
        if index
    )
    + '</numFmts><fonts count="1"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
    '</fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill '
    'patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/>'
    '<bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" '
    f'fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="{len(FORMATS)}">'
    + "".join(
        f'<xf numFmtId="{index and 163 + index}" fontId="0" fillId="0" borderId="0" xfId="0"'
        ' applyNumberFormat="1"/>'
        for index, _ in enumerate(FORMATS)
    )
    + '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/>'
    "</cellStyles></styleSheet>",
}
"""All parts but the sheet."""
SHEET_START, SHEET_END = f'<worksheet xmlns="{_MAIN}"><sheetData>', "</sheetData>"


def number(value: float | str, style: int = GENERAL) -> str:
    """Return a cell of a number without its reference."""
    return f'"><v>{value}</v></c>' if style == GENERAL else f'" s="{style}"><v>{value}</v></c>'


def text(value: str) -> str:
    """Return a cell of a text, in which the caller has replaced characters that XML cannot hold."""
    return f"{_TEXT_START}{_escaped(value)}{_TEXT_END}"


def texts(values: str, separator: str) -> list[str]:
    """Return the cells of texts that a separator joins, one that escaping leaves as it is."""
    cells = _escaped(values).replace(separator, f"{_TEXT_END}{separator}{_TEXT_START}")
    return f"{_TEXT_START}{cells}{_TEXT_END}".split(separator)


def _escaped(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("\r", "&#13;")  # a bare one would be read as a line feed


EMPTY = '"/>'
TRUE, FALSE = '" t="b"><v>1</v></c>', '" t="b"><v>0</v></c>'


def write(
    header: Sequence[str], rows: Iterable[Sequence[str]], notes: Mapping[int, str] | None = None
) -> bytes:
    """Return the file of a sheet with a header and rows of cells.

    `notes`, by the index of a column, are shown beside the column's cells as one is selected.
    """
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED, compresslevel=_COMPRESSION_LEVEL) as archive:
        for name, part in PARTS.items():
            with archive.open(name, "w") as file:  # writestr() would add the current time
                file.write((_HEAD + part).encode())
        with archive.open(SHEET, "w") as sheet:
            sheet.write(f"{_HEAD}{SHEET_START}".encode())
            lines = _lines(len(header), chain([header], rows))
            rows_at_once = max(1, _CHUNK_CELLS // max(1, len(header)))
            while chunk := "".join(islice(lines, rows_at_once)):
                sheet.write(chunk.encode())
            sheet.write(f"{SHEET_END}{_notes(notes or {})}</worksheet>".encode())
    return buffer.getvalue()


def _lines(width: int, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    line = '<row r="#">' + "".join(f'<c r="{letters(index)}#%s' for index in range(width))
    for number, cells in enumerate(rows, start=1):
        yield line.replace("#", str(number)) % tuple(cells) + "</row>"


def _notes(notes: Mapping[int, str]) -> str:
    """Return the input messages of columns (18.3.1.32), which readers of cells ignore."""
    texts = {index: replace_invalid(" ".join(text.split())) for index, text in notes.items()}
    messages = [
        f'<dataValidation allowBlank="1" showInputMessage="1" prompt={quoteattr(_short(text))} '
        f'sqref="{letters(index)}1:{letters(index)}{_LAST_ROW}"/>'
        for index, text in texts.items()
    ]
    count = len(messages)
    return f'<dataValidations count="{count}">{"".join(messages)}</dataValidations>' * bool(count)


def _short(note: str) -> str:
    """Return a note that Excel accepts; it counts in UTF-16."""
    units = note.encode("utf-16-le")
    if len(units) <= 2 * _LONGEST_NOTE:
        return note
    return units[: 2 * (_LONGEST_NOTE - 1)].decode("utf-16-le", "ignore") + "…"


def letters(index: int) -> str:
    """Return the name of a column: AB of 27."""
    more, last = divmod(index, 26)
    return (letters(more - 1) if more else "") + chr(ord("A") + last)

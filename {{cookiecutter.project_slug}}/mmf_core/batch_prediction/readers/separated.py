"""CSV and TSV: cut between records, each piece below the file's own header.

The codec would find the encoding, the separator and the decimal sign of each piece by itself. So
they are detected in what has been read so far, and fixed; where a later piece contradicts, the file
is refused, since the codec would have read the whole of it in another way.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from typing import Any

from ...codecs import Format, csv_dialect
from ..chunks import AnyChunk, Limits, TextChunk
from ..errors import BatchError
from ..records import Records
from ..sources import Source
from .whole import small_text

_SAFE_OPTIONS = {
    *("sep", "delimiter", "decimal", "thousands", "dtype", "converters", "usecols"),
    *("na_values", "keep_default_na", "na_filter", "true_values", "false_values"),
    *("encoding", "encoding_errors", "float_precision", "low_memory", "date_format"),
    *("types", "floats", "keep", "max_body", "max_decompressed", "escape_formulas"),
}
"""Options that mean the same for each piece of a file."""
_WIDE_MARKS = (
    *(codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    *(codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
)
_ASCII = bytes(range(128))
_UTF8, _FALLBACK = "utf-8", "cp1251"


def chunks(source: Source, options: Mapping[str, Any], limits: Limits) -> Iterator[AnyChunk]:
    """Yield the records of a file, each chunk of them with the header."""
    with source.open() as (stream, file):
        start = stream.read(limits.size)
        if len(start) < limits.size:
            yield from small_text(
                TextChunk(source.name, 1.0, source.format, start), options, limits
            )
            return
        dialect = _Dialect(source, start, options)
        records = Records(dialect.separator)
        head, start = _split_header(start, records, source.name)
        for text in records.blocks(stream, start, limits, source.name):
            yield TextChunk(
                source.name,
                source.position(file),
                source.format,
                text,
                dialect.options(head, text),
                head=head,
                separator=dialect.separator,
            )


class _Dialect:
    """How a file is read that is larger than a chunk: from its start, confirmed by each chunk."""

    def __init__(self, source: Source, start: bytes, options: Mapping[str, Any]) -> None:
        self._name = source.name
        if unsafe := sorted(options.keys() - _SAFE_OPTIONS):
            raise self._error(f"pandas_params: {unsafe[0]} is for files that are read whole")
        self._encoding: str = options.get("encoding") or ""
        if start.startswith(codecs.BOM_UTF8):
            self._encoding = self._encoding or _UTF8
        if start.startswith(_WIDE_MARKS) or not _extends_ascii(self._encoding or _UTF8):
            raise self._error("expected UTF-8; convert it first, for example with iconv")
        declared, body = csv_dialect.split_separator_line(start)
        separator = options.get("sep") or options.get("delimiter") or declared
        if separator is None:
            separator = (
                "\t" if source.format is Format.TSV else csv_dialect.separator(_whole_lines(body))
            )
        if len(separator) != 1:
            raise self._error(f"pandas_params: expected sep= of one character, got {separator!r}")
        self.separator: bytes = separator.encode()
        self._thousands: str = options.get("thousands") or ""
        self._decimal: str = options.get("decimal") or ("" if separator == ";" else ".")
        self._needs_proof = "types" not in options

    def options(self, head: bytes, text: bytes) -> dict[str, Any]:
        """Return the codec's options for a chunk; BatchError if it contradicts an earlier one."""
        self._check_encoding(text)
        if self.separator == b";":
            self._check_numbers(head, text)
        options = {"sep": self.separator.decode()}
        if self._encoding:
            options["encoding"] = self._encoding
        if self._decimal:
            options["decimal"] = self._decimal
        return options

    def _check_encoding(self, text: bytes) -> None:
        """Settle the encoding by the first text that is not ASCII; a later one may be damaged."""
        if not self._encoding and not text.isascii():
            try:
                text.decode(_UTF8)
                self._encoding = _UTF8
            except UnicodeDecodeError:
                self._encoding = _FALLBACK

    def _check_numbers(self, head: bytes, text: bytes) -> None:
        if b"," not in text and b"." not in text:
            return
        numbers = csv_dialect.number_format(head + text, self._thousands)
        if not numbers.is_proven:
            if self._needs_proof and not self._decimal:
                raise self._error(
                    'no number shows which sign is the decimal one; write pandas_params={"decimal":'
                    ' ","}, or declare the columns in schema='
                )
            return
        self._decimal = self._decimal or numbers.decimal
        if numbers.decimal != self._decimal:
            raise self._error(
                f"the first numbers have the decimal sign {self._decimal}, later ones "
                f'{numbers.decimal}; write pandas_params={{"decimal": "{numbers.decimal}"}}'
            )

    def _error(self, message: str) -> BatchError:
        return BatchError(f"{self._name}: {message}")


def _whole_lines(text: bytes) -> bytes:
    """Return a text without its last line, half of which may be missing."""
    end = max(text.rfind(b"\n"), text.rfind(b"\r"))
    return text[: end + 1] or text


def _split_header(start: bytes, records: Records, name: str) -> tuple[bytes, bytes]:
    """Return a text up to the end of its header, and the rest."""
    body = csv_dialect.split_separator_line(start)[1].removeprefix(codecs.BOM_UTF8)
    begin = len(start) - len(body)
    first = 0
    for end in records.ends(body).tolist():
        if body[first:end].strip():
            return start[: begin + end], body[end:]
        first = end
    raise BatchError(f"{name}: expected a header, got a line of more than {len(body):,} bytes")


def _extends_ascii(encoding: str) -> bool:
    """Return whether each byte of an ASCII character is that character, wherever it is."""
    if codecs.lookup(encoding).name == _UTF8:
        return True
    is_single = len(bytes(range(256)).decode(encoding, "replace")) == len(bytes(range(256)))
    return is_single and _ASCII.decode(encoding, "replace") == _ASCII.decode()

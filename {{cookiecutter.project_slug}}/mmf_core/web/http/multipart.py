"""The parts of a multipart/form-data (RFC 7578), with bounds on all that is not a value.

Werkzeug decodes; it does not limit a part's headers, whose characters it reads one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from werkzeug.datastructures import FileStorage, Headers
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Event,
    Field,
    File,
    MultipartDecoder,
    NeedData,
    Preamble,
    State,
)

from ...errors import BodyTooLarge, RequestError, shortened

MAX_HEADERS = 8 * 1024
"""Bytes of one part's headers, and of what precedes the first part."""
MAX_ALL_HEADERS = 1024 * 1024
"""Bytes of the headers of all parts."""
_CHUNK = 64 * 1024
_NAME_CHARSET = re.compile(r"name\*(?:0\*)?=([^']{0,64})'", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TextField:
    """A part without a file name; `charset` is that of its own Content-Type, if it has one.

    Werkzeug has None for the name of a part without one.
    """

    name: str
    data: bytes
    charset: str


class PartReader:
    """Reads all parts of a form; `open_file` makes what a file is kept in, by keywords."""

    def __init__(self, open_file: Callable[..., IO[bytes]], max_parts: int | None) -> None:
        self.texts: list[TextField] = []
        self.files: list[tuple[str, FileStorage]] = []
        self._open_file = open_file
        self._max_parts = max_parts
        self._part: Field | File
        self._body: IO[bytes] = BytesIO()

    def read(self, stream: IO[bytes], boundary: bytes, length: int | None) -> None:
        """Fill `texts` and `files`; ValueError, RequestError or BodyTooLarge if that fails."""
        try:
            for event in _events(_Decoder(boundary, max_parts=self._max_parts), stream):
                if isinstance(event, Field | File):
                    self._begin(event, length)
                elif isinstance(event, Data):
                    self._body.write(event.data)
                    if not event.more_data:
                        self._end()
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Close the files of a form that cannot be read; large ones are on the disk."""
        self._body.close()
        for _, file in self.files:
            file.close()

    def _begin(self, part: Field | File, length: int | None) -> None:
        _check_transfer_encoding(part.headers, part.name)
        self._part, self._body = part, BytesIO()
        if isinstance(part, File):
            self._body = self._open_file(
                total_content_length=length,
                content_type=part.headers.get("Content-Type"),
                filename=part.filename,
                content_length=0,
            )

    def _end(self) -> None:
        part, body = self._part, self._body
        if isinstance(part, File):
            body.seek(0)
            file = FileStorage(body, part.filename, part.name, headers=part.headers)
            self.files.append((part.name, file))
            return
        disposition_parameters(part.headers["Content-Disposition"])
        parameters = parse_options_header(part.headers.get("Content-Type"))[1]
        body.seek(0)
        self.texts.append(TextField(part.name, body.read(), parameters.get("charset", "")))


def disposition_parameters(header: str) -> dict[str, str]:
    """Return the parameters of a Content-Disposition; RequestError for names not in UTF-8."""
    parameters = parse_options_header(header)[1]
    charsets = _NAME_CHARSET.findall(header)
    is_utf8 = {charset.lower() for charset in charsets} <= {"utf-8", "us-ascii"}
    if not is_utf8 or (charsets and any("\ufffd" in text for text in parameters.values())):
        raise RequestError("Content-Disposition: expected a name*=UTF-8''… in UTF-8 (RFC 8187)")
    return parameters


class _Decoder(MultipartDecoder):
    """Refuses long headers before they are parsed, and a long preamble."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_bytes = 0

    def next_event(self) -> Event:
        event = super().next_event()
        if isinstance(event, Preamble):
            _check_size(len(event.data))
        elif isinstance(event, NeedData) and self.state in {State.PREAMBLE, State.PART}:
            _check_size(len(self.buffer))
        return event

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        _check_size(len(data))
        self._header_bytes += len(data)
        if self._header_bytes > MAX_ALL_HEADERS:
            raise BodyTooLarge(
                f"the headers of all parts of a form may have at most {MAX_ALL_HEADERS} bytes"
            )
        return super()._parse_headers(data)


def _events(decoder: _Decoder, stream: IO[bytes]) -> Iterator[Event]:
    chunk: bytes | None = b""
    while chunk is not None:
        chunk = stream.read(_CHUNK) or None
        decoder.receive_data(chunk)
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            yield event


def _check_size(size: int) -> None:
    if size > MAX_HEADERS:
        raise BodyTooLarge(
            f"the headers of a form's part, and what precedes the first part, may have at most "
            f"{MAX_HEADERS} bytes each"
        )


def _check_transfer_encoding(headers: Headers, name: str | None) -> None:
    """Refuse base64 and others, whose text would be taken for the value (RFC 7578, 4.7)."""
    encoding = headers.get("Content-Transfer-Encoding", "binary")
    if encoding.strip().lower() not in {"7bit", "8bit", "binary"}:
        raise RequestError(
            f"{shortened(name or 'a part')}: expected a part without Content-Transfer-Encoding, "
            f"got {shortened(encoding)}; send it as it is"
        )

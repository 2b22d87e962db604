"""The format of a body, and the format of the response (RFC 9110, 8.3 and 12.5.1)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from flask import Request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from ...codecs import Codec, Format, Kind, find, readable, workbook_format
from ...descriptors import Descriptor
from ...errors import MissingPackage, NotAcceptable, UnsupportedFormat
from ...target import FORMAT_QUERY
from .requests import MAX_HEADER, check_header


def body_codec(kind: Kind, media_type: str, filename: str, *, prefer_name: bool) -> Codec[Any]:
    """Return the codec of a body or a part; UnsupportedFormat lists what can be sent instead.

    A part's file name takes precedence over its media type, since browsers derive the type from
    the programs installed (Windows with Excel calls a .csv application/vnd.ms-excel).
    """
    by_type = Format.of_media_type(media_type)
    by_name = Format.of_extension(PurePosixPath(filename).suffix) if filename else None
    guesses: tuple[Format | None, ...] = (
        (by_name, by_type) if prefer_name or by_type is Format.BINARY else (by_type,)
    )
    if kind is Kind.FILE:  # any content is accepted; only a whole JSON body is base64
        whole_json = by_type is Format.JSON and not prefer_name
        guesses = (Format.JSON if whole_json else Format.BINARY,)
    for guess in guesses:
        if guess and (codec := _find(kind, guess)) and codec.reads:
            return codec
    raise unsupported_content_type(media_type, f"send {', '.join(media_types(readable(kind)))}")


def content_codec(codec: Codec[Any], data: bytes) -> Codec[Any]:
    """Return the codec of a table's bytes, if these are a workbook that is sent as another format.

    Programs call an .xlsx .xls, and the media type of an .xls is any of Excel's files.
    """
    format = workbook_format(data)
    if format is None or format is codec.format:
        return codec
    return _find(Kind.TABLE, format) or codec


def unsupported_content_type(media_type: str, advice: str) -> UnsupportedFormat:
    """Return the error of a body whose media type is unsupported, or empty."""
    if not media_type:
        return UnsupportedFormat(f"missing Content-Type; {advice}")
    return UnsupportedFormat(f"unsupported Content-Type {media_type}; {advice}")


def response_formats(returns: Descriptor[Any] | None) -> tuple[Format, ...]:
    """Return the formats that a result can be sent in, the declared format first."""
    if returns is None:
        return ()
    declared = returns.output_format
    return (declared, *(format for format in returns.output_formats if format is not declared))


def negotiate(formats: tuple[Format, ...], request: Request) -> tuple[Format | None, bool]:
    """Choose the format of a response: `?format=`, else `Accept`, else the first format.

    None if there are no formats; NotAcceptable lists them. Also return whether `Accept` decided.
    """
    if not formats:
        return None, False
    if (query := requested_format(request)) is not None:
        format = Format.of_extension(query) or Format.of_media_type(query)
        if format not in formats:
            names = ", ".join(available.extension for available in formats)
            raise NotAcceptable(f"?format={query}: expected one of {names}")
        return format, False
    accept: str = request.environ.get("HTTP_ACCEPT", "")
    if len(accept) > MAX_HEADER:
        check_header("Accept", accept)
    best = _accepted(formats, accept) if accept else formats[0]
    if best is None:
        raise NotAcceptable(
            f"Accept: {accept} matches no available format; "
            f"accept {', '.join(media_types(formats))}"
        )
    return best, len(formats) > 1


def requested_format(request: Request) -> str | None:
    """Return the value of `?format=`; it takes precedence over `Accept`."""
    return request.args.get(FORMAT_QUERY) if request.query_string else None


@lru_cache(maxsize=256)  # callers send the same few headers
def _accepted(formats: tuple[Format, ...], accept: str) -> Format | None:
    parsed = parse_accept_header(accept, MIMEAccept)
    # Parameters are ignored: ours are charset=utf-8 or none, and callers need not name them.
    ranges = MIMEAccept([(item.partition(";")[0].strip(), weight) for item, weight in parsed])
    best = max(formats, key=lambda format: _weight(format, ranges))  # of equals, the first
    return best if _weight(best, ranges) else None


def _weight(format: Format, ranges: MIMEAccept) -> float:
    """Weigh a format by the most specific range for the type it is sent as, or by an alias."""
    sent, *aliases = format.media_types
    named = {media_type.lower() for media_type in ranges.values()}
    return max(ranges.quality(name) for name in (sent, *named.intersection(aliases)))


def media_types(formats: Iterable[Format]) -> list[str]:
    """Return the media types of the formats."""
    return [format.media_type for format in formats]


def _find(kind: Kind, format: Format) -> Codec[Any] | None:
    try:
        return find(kind, format)
    except MissingPackage as error:
        raise UnsupportedFormat(f"{error}") from None

"""Which format a body is in, and which one the answer should be in (RFC 9110, 8.3 and 12.5.1)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from ...codecs import Codec, Format, Kind, find, readable, writable
from ...descriptors import Descriptor
from ...errors import MissingPackage, NotAcceptable, UnsupportedFormat


def body_codec(kind: Kind, media_type: str, filename: str, *, prefer_name: bool) -> Codec[Any]:
    """Return what reads a body or a part; UnsupportedFormat lists what can be sent instead.

    A part's file name counts for more than its media type, since browsers take the type from
    whatever is installed (Windows with Excel calls a .csv application/vnd.ms-excel).
    """
    by_type = Format.of_media_type(media_type)
    by_name = Format.of_extension(PurePosixPath(filename).suffix) if filename else None
    guesses: tuple[Format | None, ...] = (
        (by_name, by_type) if prefer_name or by_type is Format.BINARY else (by_type,)
    )
    if kind is Kind.FILE:  # taken whatever it is; only a whole JSON body is base64
        whole_json = by_type is Format.JSON and not prefer_name
        guesses = (Format.JSON if whole_json else Format.BINARY,)
    for guess in guesses:
        if guess and (codec := _find(kind, guess)) and codec.reads:
            return codec
    what = media_type or "a body without a Content-Type"
    raise UnsupportedFormat(
        f"{what} cannot be read here; send {', '.join(media_types(readable(kind)))}"
    )


def offered(returns: Descriptor[Any]) -> tuple[Format, ...]:
    """Return the formats of an answer, the declared one first."""
    declared = returns.answer_format
    return (declared, *(one for one in writable(returns.kind) if one is not declared))


def answer_format(possible: tuple[Format, ...], asked: str | None, accept: str) -> Format:
    """Return the format of the answer: `?format=`, else `Accept`, else the first possible.

    NotAcceptable lists what can be asked for.
    """
    if asked is not None:
        found = Format.of_extension(asked) or Format.of_media_type(asked)
        if found not in possible:
            raise NotAcceptable(f"format={asked} is not possible here; ask for {_names(possible)}")
        return found
    best = _accepted(possible, accept) if accept else possible[0]
    if best is None:
        raise NotAcceptable(
            f"none of Accept: {accept} is possible here; "
            f"accept {', '.join(one.media_type for one in possible)}"
        )
    return best


@lru_cache(maxsize=256)  # callers send the same few headers
def _accepted(possible: tuple[Format, ...], accept: str) -> Format | None:
    parsed = parse_accept_header(accept, MIMEAccept)
    # The parameters are cut off: ours are charset=utf-8 or none, which no caller has to know.
    ranges = MIMEAccept([(item.partition(";")[0].strip(), weight) for item, weight in parsed])
    best = max(possible, key=lambda one: _weight(one, ranges))  # the earlier of equals
    return best if _weight(best, ranges) else None


def _weight(form: Format, ranges: MIMEAccept) -> float:
    """Weigh a format by the most specific range for what is sent, or by another of its names."""
    sent, *others = form.media_types
    named = {item.lower() for item in ranges.values()}
    return max(ranges.quality(one) for one in (sent, *named.intersection(others)))


def media_types(forms: Iterable[Format]) -> list[str]:
    """Return what the formats are called in headers."""
    return [one.media_type for one in forms]


def _find(kind: Kind, format: Format) -> Codec[Any] | None:
    try:
        return find(kind, format)
    except MissingPackage as error:
        raise UnsupportedFormat(f"{error}") from None


def _names(possible: Iterable[Format]) -> str:
    return ", ".join(one.extension for one in possible)

"""From a request to the values of a target's arguments.

One argument: the body *is* the argument. Several: multipart parts, or a JSON object by argument
name; scalars also from the query string, which leaves the body to the one argument that is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Request

from ..codecs import Format, Kind, json, json_of
from ..descriptors import Descriptor
from ..errors import Fault, InvalidValue, RequestError, UnsupportedFormat
from ..target import Target
from .negotiation import body_codec

FORMS = {"multipart/form-data", "application/x-www-form-urlencoded"}
RESERVED_QUERY = {"format"}


def read(target: Target, request: Request) -> dict[str, Any]:
    """Return the decoded values by argument; what is missing is left out.

    RequestError, UnsupportedFormat or InvalidValue name the argument and say what to send.
    """
    values = _from_query(target, request)
    if request.mimetype in FORMS:
        values |= _from_form(target, request)
    elif body := request.get_data(cache=False):
        _refuse_cut_off(request)
        values |= _from_body(target, request, body, taken=values.keys())
    elif not values and any(one.required for one in target.arguments.values()):
        raise RequestError(f"this request has no body; {how_to_send(target)}")
    return values


def how_to_send(target: Target) -> str:
    """Say in one sentence what a request to this target looks like."""
    match list(target.arguments):
        case []:
            return "send an empty body"
        case [only]:
            return f"send {only} as the body, with its Content-Type"
        case several:
            return f"send multipart/form-data or a JSON object with {', '.join(several)}"


def _from_query(target: Target, request: Request) -> dict[str, Any]:
    scalars = {name for name, one in target.arguments.items() if one.kind is Kind.SCALAR}
    _refuse_unknown(request.args.keys() - RESERVED_QUERY, scalars, "query string")
    return {name: request.args[name] for name in request.args.keys() & scalars}


def _refuse_cut_off(request: Request) -> None:
    """Refuse a body without Content-Length that goes on after the limit.

    Werkzeug stops reading there in silence; reading on makes it raise RequestEntityTooLarge.
    """
    if request.content_length is None:
        request.stream.read(1)


def _from_form(target: Target, request: Request) -> dict[str, Any]:
    _ = request.files  # reads the whole form
    _refuse_cut_off(request)
    _refuse_unknown([*request.form, *request.files], target.arguments.keys(), "form")
    values: dict[str, Any] = {}
    for name, text in request.form.items():
        values[name] = _decode_text(name, target.arguments[name], text)
    for name, part in request.files.items():
        values[name] = _decode(
            name,
            target.arguments[name],
            part.read(),
            part.mimetype,
            part.filename or "",
            prefer_name=True,
        )
    return values


def _from_body(
    target: Target, request: Request, body: bytes, taken: Iterable[str]
) -> dict[str, Any]:
    name = _body_argument(target, request.mimetype, taken)
    if name is None:
        return _from_json_object(target, request.mimetype, body)
    filename = request.headers.get("Content-Disposition", "")
    return {
        name: _decode(
            name,
            target.arguments[name],
            body,
            request.mimetype,
            _filename(filename),
            prefer_name=False,
        )
    }


def _body_argument(target: Target, media_type: str, taken: Iterable[str]) -> str | None:
    """Return the argument that the body is, or None where it is an object of several."""
    if len(target.arguments) == 1:
        return next(iter(target.arguments))
    if Format.of_media_type(media_type) is Format.JSON:
        return None
    open_ones = [
        name
        for name, one in target.arguments.items()
        if name not in taken and not (one.kind is Kind.SCALAR and not one.required)
    ]
    return open_ones[0] if len(open_ones) == 1 else None


def _from_json_object(target: Target, media_type: str, body: bytes) -> dict[str, Any]:
    if Format.of_media_type(media_type) is not Format.JSON:
        what = media_type or "a body without a Content-Type"
        raise UnsupportedFormat(f"{what} cannot be read here; {how_to_send(target)}")
    whole = json.loads(body)
    if not isinstance(whole, dict):
        raise InvalidValue(f"a JSON object by argument name is needed; {how_to_send(target)}")
    _refuse_unknown(whole, target.arguments.keys(), "JSON object")
    return {name: _from_plain(name, target.arguments[name], part) for name, part in whole.items()}


def _decode_text(name: str, descriptor: Descriptor[Any], text: str) -> Any:
    """Return a form's text field: a scalar as it is, anything else as JSON."""
    if descriptor.kind is Kind.SCALAR:
        return text
    try:
        plain = json.loads(text)
    except RequestError as error:
        raise error.within(name) from None
    return _from_plain(name, descriptor, plain)


def _decode(
    name: str,
    descriptor: Descriptor[Any],
    data: bytes,
    media_type: str,
    filename: str,
    *,
    prefer_name: bool,
) -> Any:
    try:
        codec = body_codec(descriptor.kind, media_type, filename, prefer_name=prefer_name)
        return codec.decode(data, descriptor.options)
    except RequestError as error:
        raise error.within(name) from None


def _from_plain(name: str, descriptor: Descriptor[Any], plain: Any) -> Any:
    try:
        return json_of(descriptor.kind).from_plain(plain, descriptor.options)
    except RequestError as error:
        raise error.within(name) from None


def _filename(disposition: str) -> str:
    from werkzeug.http import parse_options_header

    return parse_options_header(disposition)[1].get("filename", "")


def _refuse_unknown(given: Iterable[str], known: Iterable[str], place: str) -> None:
    """Refuse what no argument is called, so that a typing error is not taken for a default."""
    known = list(known)
    unknown = [name for name in given if name not in known]
    if unknown:
        wanted = ", ".join(known) or "none"
        raise InvalidValue(
            f"unknown in the {place}: {', '.join(unknown)}; possible: {wanted}",
            [Fault("is no argument of this target", where=name) for name in unknown],
        )

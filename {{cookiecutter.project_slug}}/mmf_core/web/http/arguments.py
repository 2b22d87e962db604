"""From a request to the values of a target's arguments.

One argument: the body *is* the argument. Several: multipart parts, or a JSON object by argument
name; scalars also from the query string, which leaves the body to the one argument that is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.http import parse_options_header

from ...codecs import Format, Kind, check_decoded_size, json, json_of
from ...errors import ErrorDetail, InvalidValue, RequestError, UnsupportedFormat
from ...target import ERRORS_QUERY, FORMAT_QUERY, SHEET_QUERY, Target
from .bodies import FORMS, read_form, read_whole
from .codec_options import limits
from .request_parts import EncodedPart, JSONPart, Part, TextPart

MAX_UNKNOWN = 20  # what is unknown may be a whole file, sent as if it were a form
LONGEST_NAME = 60


def read_arguments(target: Target, request: Request) -> dict[str, Any]:
    """Return the decoded values by argument; what is missing is left out.

    RequestError, UnsupportedFormat or InvalidValue name the argument and say what to send.
    """
    queried = _query(target, request)
    if request.mimetype in FORMS:
        sent = _form(target, request)
    elif body := read_whole(request):
        sent = _body(target, request, body, taken=queried)
    elif not queried and any(one.required for one in target.arguments.values()):
        raise RequestError(f"this request has no body; {how_to_send(target)}")
    else:
        sent = {}
    _refuse_twice(queried.keys() & sent.keys())
    return {name: _decode(target, name, part) for name, part in (queried | sent).items()}


def how_to_send(target: Target) -> str:
    """Say in one sentence what a request to this target looks like."""
    match list(target.arguments):
        case []:
            return "send an empty body"
        case [only]:
            return f"send {only} as the body, with its Content-Type"
        case several:
            return f"send multipart/form-data or a JSON object with {', '.join(several)}"


def _query(target: Target, request: Request) -> dict[str, Part]:
    if not request.query_string:
        return {}
    scalars = [name for name, one in target.arguments.items() if one.kind is Kind.SCALAR]
    takes_table = any(one.kind is Kind.TABLE for one in target.arguments.values())
    own = {FORMAT_QUERY, ERRORS_QUERY, *([SHEET_QUERY] if takes_table else [])}
    _refuse_unknown(request.args.keys() - own, scalars, "query string")
    return {name: TextPart(request.args[name]) for name in _once(request.args) if name in scalars}


def _form(target: Target, request: Request) -> dict[str, Part]:
    read_form(request)
    texts, files = _once(request.form), _once(request.files)
    _refuse_unknown([*texts, *files], target.arguments.keys(), "form")
    _refuse_twice(set(texts) & set(files))
    parts: dict[str, Part] = {name: TextPart(request.form[name]) for name in texts}
    for name, file in request.files.items():
        parts[name] = of_file(file, request)
    return parts


def _body(target: Target, request: Request, body: bytes, taken: Iterable[str]) -> dict[str, Part]:
    name = _body_argument(target, request.mimetype, taken)
    if name is None:
        return _json_object(target, request.mimetype, body)
    return {name: of_body(body, request)}


def of_file(file: FileStorage, request: Request) -> EncodedPart:
    """Return what a form's file brings, read from where it stands."""
    return EncodedPart(
        file.read(),
        file.mimetype,
        file.filename or "",
        prefer_name=True,
        charset=file.mimetype_params.get("charset", ""),
        sheet=_sheet(request),
    )


def of_body(body: bytes, request: Request) -> EncodedPart:
    """Return what a whole body brings."""
    disposition = request.headers.get("Content-Disposition")
    filename = parse_options_header(disposition)[1].get("filename", "") if disposition else ""
    return EncodedPart(
        body,
        request.mimetype,
        filename,
        prefer_name=False,
        charset=request.mimetype_params.get("charset", ""),
        sheet=_sheet(request),
    )


def _sheet(request: Request) -> str | None:
    return request.args.get(SHEET_QUERY) if request.query_string else None


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


def _json_object(target: Target, media_type: str, body: bytes) -> dict[str, Part]:
    if Format.of_media_type(media_type) is not Format.JSON:
        what = media_type or "a body without a Content-Type"
        raise UnsupportedFormat(f"{what} cannot be read here; {how_to_send(target)}")
    check_decoded_size(json_of(Kind.JSON), body, limits())
    whole = json.loads(body)
    if not isinstance(whole, dict):
        raise InvalidValue(f"a JSON object by argument name is needed; {how_to_send(target)}")
    _refuse_unknown(whole, target.arguments.keys(), "JSON object")
    return {name: JSONPart(value) for name, value in whole.items()}


def _decode(target: Target, name: str, part: Part) -> Any:
    try:
        return part.decode(target.arguments[name])
    except RequestError as error:
        raise error.within(name) from None


def _once(given: MultiDict[str, Any]) -> list[str]:
    """Return the names in a query or a form, each of which may be there once."""
    _refuse_twice(name for name, values in given.lists() if len(values) > 1)
    return list(given)


def _refuse_twice(names: Iterable[str]) -> None:
    if faults := [ErrorDetail("give one value", where=_short(name)) for name in names]:
        raise InvalidValue("given twice: " + ", ".join(str(one.where) for one in faults), faults)


def _refuse_unknown(given: Iterable[str], known: Iterable[str], place: str) -> None:
    """Refuse what no argument is called, so that a typing error is not taken for a default."""
    known = list(known)
    unknown = [_short(name) for name in given if name not in known][:MAX_UNKNOWN]
    if unknown:
        wanted = ", ".join(known) or "none"
        raise InvalidValue(
            f"unknown in the {place}: {', '.join(unknown)}; possible: {wanted}",
            [ErrorDetail("is no argument of this target", where=name) for name in unknown],
        )


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"

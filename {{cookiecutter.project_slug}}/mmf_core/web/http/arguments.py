"""From a request to the values of a target's arguments.

One required argument: a body that is not a form *is* that argument, whatever optional ones exist;
a JSON object by argument name is read, too, if it is a scalar. Several: multipart parts, or a JSON
object by argument name. Scalars and lists may also be in the query string, which leaves a body that
is not JSON to the only other required argument.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any

from flask import Request
from werkzeug.datastructures import MultiDict

from ...codecs import Format, Kind, RepeatedNames, read_json, with_repeated_names
from ...errors import ErrorDetail, InvalidValue, RequestError
from ...target import ERRORS_QUERY, FORMAT_QUERY, HEADER_QUERY, SHEET_QUERY, Target
from .bodies import FORMS, read_form, read_whole
from .negotiation import unsupported_content_type
from .request_parts import (
    Argument,
    EncodedPart,
    JSONPart,
    Part,
    TextPart,
    TextsPart,
    workbook_place,
)
from .requests import FIELDS, parse_content_type

MAX_UNKNOWN = 20  # an unknown name may be a whole file, sent as if it were a form
MAX_NAME_LENGTH = 60
_NO_FORM = "; if this is not a form, name its type, with curl by -H 'Content-Type: …'"


class ArgumentReader:
    """Reads the arguments of one target; `limits` are the operator's codec options."""

    def __init__(self, target: Target, limits: Mapping[str, Any]) -> None:
        self._arguments = {
            name: Argument.of(descriptor, limits) for name, descriptor in target.arguments.items()
        }
        self._limits = limits
        self._names = list(self._arguments)
        self._required = list(target.required)
        self._body_argument = target.body_argument
        descriptors = target.arguments.items()
        self._scalars = [name for name, descriptor in descriptors if descriptor.kind is Kind.SCALAR]
        self._queried = [name for name, descriptor in descriptors if descriptor.fits_query]
        self._lists = {*self._queried}.difference(self._scalars)
        self._takes_table = any(descriptor.kind is Kind.TABLE for _, descriptor in descriptors)
        self._service_queries = {
            FORMAT_QUERY,
            ERRORS_QUERY,
            *([SHEET_QUERY, HEADER_QUERY] if self._takes_table else []),
        }

    def read(self, request: Request) -> dict[str, Any]:
        """Return the decoded values by argument; those that are missing are left out.

        RequestError, UnsupportedFormat or InvalidValue name the argument and say what to send.
        """
        queried = self._query(request) if request.query_string else {}
        parts: Mapping[str, Part]
        media_type, _ = parse_content_type(request.environ.get("CONTENT_TYPE", ""))
        if media_type in FORMS:
            parts = self._form(request, media_type)
        elif body := read_whole(request):
            parts = self._body(request, body, media_type, queried)
        elif not queried and self._required:
            raise RequestError(f"the request has no body; {self._how_to_send()}")
        else:
            parts = {}
        if queried:
            _refuse_duplicates(queried.keys() & parts.keys())
            parts = queried | parts
        values: dict[str, Any] = {}
        for name, part in parts.items():
            try:
                values[name] = part.decode(self._arguments[name])
            except RequestError as error:
                raise error.within(name) from None
        return values

    def read_query(self, request: Request) -> dict[str, Any]:
        """Return the decoded values in the query string of a request without a body."""
        return self.read(request) if self._query(request) else {}

    def _query(self, request: Request) -> dict[str, Part]:
        names = request.args.keys() - self._service_queries
        _refuse_unknown(names, self._queried, "query string")
        workbook_place(request)  # checked, even if no part of the request is a workbook
        texts = self._texts(request.args)
        return {name: part for name, part in texts.items() if name in self._queried}

    def _form(self, request: Request, media_type: str) -> dict[str, Part]:
        read_form(request)
        parts, files = self._texts(request.form), _unique_names(request.files)
        hint = _NO_FORM if media_type == FIELDS else ""  # which is what curl -d sends
        _refuse_unknown([*parts, *files], self._names, "form", hint)
        _refuse_duplicates(parts.keys() & set(files))
        for name, file in request.files.items():
            parts[name] = EncodedPart.of_file(file, request)
        return parts

    def _texts(self, values: MultiDict[str, str]) -> dict[str, Part]:
        """Return the texts of a query or a form, of which a list may have several of its name."""
        names = _unique_names(values, self._lists)
        return {
            name: TextsPart(values.getlist(name)) if name in self._lists else TextPart(values[name])
            for name in names
        }

    def _body(
        self, request: Request, body: bytes, media_type: str, queried: Iterable[str]
    ) -> dict[str, Part]:
        name = self._body_argument
        if name is None or name in self._scalars:
            if Format.of_media_type(media_type) is Format.JSON:
                return self._json(body)
            name = name or self._only_missing(queried)
        if name is None:
            raise unsupported_content_type(media_type, self._how_to_send())
        return {name: EncodedPart.of_body(body, request)}

    def _only_missing(self, queried: Iterable[str]) -> str | None:
        """Return the one of several required arguments that the query does not have."""
        missing = [name for name in self._required if name not in queried]
        return missing[0] if len(missing) == 1 else None

    def _json(self, body: bytes) -> dict[str, Part]:
        """Return the members of an object by argument name, or the only required scalar."""
        scalar = self._body_argument
        try:
            value = read_json(body, self._limits)
        except RequestError as error:
            raise (error.within(scalar) if scalar else error) from None
        if isinstance(value, dict):
            marked = with_repeated_names(body, value)
            if isinstance(marked, RepeatedNames):
                _refuse_duplicates([marked.repeated])
            value = marked if self._takes_table else value
            _refuse_unknown(value, self._names, "JSON object")
            return {name: JSONPart(member) for name, member in value.items()}
        if scalar is None:
            raise InvalidValue(f"expected a JSON object by argument name; {self._how_to_send()}")
        return {scalar: JSONPart(value)}

    def _how_to_send(self) -> str:
        if not self._names:
            return "send an empty body"
        if self._body_argument:
            return f"send {self._body_argument} as the body, with its Content-Type"
        return f"send multipart/form-data or a JSON object with {', '.join(self._names)}"


def _unique_names(values: MultiDict[str, Any], lists: Collection[str] = ()) -> list[str]:
    """Return the names in a query or a form; InvalidValue for duplicates of others than `lists`.

    RequestError for a part of a form without a name, for which Werkzeug has None.
    """
    if None in values:
        raise RequestError('a part of the form has no name; expected name="…" in each part')
    repeated = (name for name, same_name in values.lists() if len(same_name) > 1)
    _refuse_duplicates(name for name in repeated if name not in lists)
    return list(values)


def _refuse_duplicates(names: Iterable[str]) -> None:
    first = islice(names, MAX_UNKNOWN)
    if errors := [ErrorDetail("duplicate argument", where=_shorten(name)) for name in first]:
        listed = ", ".join(str(detail.where) for detail in errors)
        raise InvalidValue(f"duplicate argument: {listed}; send one value", errors)


def _refuse_unknown(
    names: Iterable[str], expected: Iterable[str], place: str, hint: str = ""
) -> None:
    """Refuse unknown names: a misspelt argument must not silently get its default."""
    expected = list(expected)
    unknown = [_shorten(name) for name in names if name not in expected][:MAX_UNKNOWN]
    if unknown:
        raise InvalidValue(
            f"unknown argument in the {place}: {', '.join(unknown)}; "
            f"expected {', '.join(expected) or 'none'}{hint}",
            [ErrorDetail("unknown argument", where=name) for name in unknown],
        )


def _shorten(name: str) -> str:
    return name if len(name) <= MAX_NAME_LENGTH else f"{name[:MAX_NAME_LENGTH]}…"

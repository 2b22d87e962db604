"""The page, its files, its examples, and the first rows of a file dropped on it.

The page is rendered once for each language, and again for a caller that may not use every target.
Its links are relative, so that it works behind a proxy's prefix, and its Content-Security-Policy
forbids inline code and other hosts. Whatever a person typed or uploaded is shown as text.
"""

from __future__ import annotations

from base64 import b64decode
from functools import cache
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, abort, render_template, request

from ..capabilities import capabilities, parts
from ..codecs import Format, Kind, find, json, json_of
from ..descriptors import DataFrame, Descriptor
from ..errors import RequestError
from ..processes import is_in_gunicorn
from ..settings import MIB
from ..web.authorization import needs_token, visible
from ..web.blueprints import is_registered
from ..web.http.bodies import read_form, read_whole
from ..web.http.codec_options import limits, options_of
from ..web.http.content_encoding import compress
from ..web.http.request_parts import Argument, EncodedPart
from ..web.http.requests import MAX_HEADER
from ..web.http.responses import json_response
from ..web.project_metadata import read_metadata
from ..web.protocols import Service
from .files import ALL_FILES, VERSION
from .first_rows import first_rows
from .translations import LANGUAGES, TEXTS, panel_messages
from .translations.errors import translate_errors
from .translations.formats import format_label
from .view import EXAMPLES, file_extension, view

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PART = "file"
"""The name of the form part with the file whose first rows are requested."""
EXAMPLE = "example"
"""The name of the query that chooses one of several examples."""
MAX_ERRORS_BODY = MIB
"""Bytes of the messages of an error; more than a response ever has."""
_YEAR = 365 * 24 * 60 * 60


def blueprint(service: Service) -> Blueprint:
    """Return the routes; the page is fixed when the service starts."""
    routes = Blueprint("page", __name__, template_folder="templates")
    routes.after_request(compress)
    routes.add_app_template_filter(format_label)
    _page_routes(routes, service)
    _data_routes(routes, service)
    return routes


def _page_routes(routes: Blueprint, service: Service) -> None:
    metadata = read_metadata()

    def render(template: str, language: str, **values: Any) -> tuple[bytes, str]:
        text = render_template(
            template,
            **values,
            language=language,
            languages=LANGUAGES,
            version=VERSION,
            has_docs=is_registered("docs"),
            has_panels=bool(parts("panel")),
            runs_tasks=is_registered("tasks") and is_in_gunicorn(),
        )
        body = text.encode()
        return body, sha256(body).hexdigest()

    def render_page(service: Service, language: str) -> tuple[bytes, str]:
        return render("page.html", language, **view(service, language, metadata))

    @cache
    def whole_page(language: str) -> tuple[bytes, str]:
        return render_page(service, language)

    @cache
    def token_form(language: str) -> tuple[bytes, str]:
        return render("token.html", language, t=TEXTS[language])

    @routes.get("/")
    def page() -> Response:
        """Respond with the page; where callers need a token, with a form that asks for it."""
        language = _language()
        body, tag = token_form(language) if needs_token() else whole_page(language)
        response = Response(body, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Content-Language"] = language
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Vary"] = "Accept-Language"
        response.set_etag(tag, weak=True)  # the response may be compressed
        if request.if_none_match.contains_weak(tag):
            response.status_code = 304
        return response

    @routes.get("/page/content")
    def content() -> Response:
        """Respond with the page as far as the caller may reach its targets: see token.js."""
        language, seen = _language(), visible(service)
        body, _ = whole_page(language) if seen is service else render_page(seen, language)
        response = Response(body, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = "no-store"
        return response

    @routes.get(f"/static/<version>/<any({', '.join(map(repr, ALL_FILES))}):name>")
    def file(version: str, name: str) -> Response:
        content, media_type = ALL_FILES[name]
        response = Response(content, content_type=media_type)
        # A page from before an upgrade may still be open: it gets the new file, uncached.
        is_current = version == VERSION
        caching = f"public, max-age={_YEAR}, immutable" if is_current else "no-cache"
        response.headers["Cache-Control"] = caching
        return response


def _data_routes(routes: Blueprint, service: Service) -> None:
    targets = service.registry.targets

    @routes.get("/page/example/<target>/<argument>.<extension>")
    def example(target: str, argument: str, extension: str) -> Response:
        """Respond with an argument's value in `?example=`, else in the first example, as a file."""
        declared, name = targets.get(target), request.args.get(EXAMPLE, "")
        arguments = declared.examples.get(name, declared.arguments) if declared else {}
        descriptor = arguments.get(argument)
        body = None if descriptor is None else encode_example(descriptor, extension)
        if body is None:
            abort(404)
        format = Format.of_extension(extension) or Format.BINARY
        response = Response(body, content_type=format.media_type)
        response.headers["Content-Disposition"] = f"attachment; filename=example.{extension}"
        return response

    @routes.post("/page/rows/<target>", defaults={"argument": None})
    @routes.post("/page/rows/<target>/<argument>")
    def rows(target: str, argument: str | None) -> Response:
        """Respond with the first rows of an argument's file, or of a result's, and its sheets."""
        if target not in targets:
            abort(404)
        declared = targets[target]
        descriptor = declared.arguments.get(argument) if argument else declared.returns
        if descriptor is None or descriptor.kind is not Kind.TABLE:
            abort(404)
        read_form(request)
        if (upload := request.files.get(PART)) is None:
            raise RequestError(f"expected the table in part {PART} of multipart/form-data")
        sheets: list[str] = []
        to_read = Argument.of(descriptor, {**limits(), "report_sheets": sheets.extend})
        table = EncodedPart.of_file(upload, request).decode(to_read)
        return json_response({**first_rows(table), "sheets": sheets})

    @routes.get("/page/panels/<any(" + ", ".join(LANGUAGES) + "):language>")
    def panels(language: str) -> Response:
        """Respond with what capabilities have the page show, by their names, and its texts."""
        made = {name: each.panel() for name, each in capabilities().items() if each.panel}
        shown = {name: panel for name, panel in made.items() if panel}
        response = json_response({"panels": shown, "texts": panel_messages(language)})
        response.headers["Cache-Control"] = "no-store"
        return response

    @routes.post("/page/errors/<any(" + ", ".join(LANGUAGES) + "):language>")
    def errors(language: str) -> Response:
        """Respond with the messages of an error in the page's words."""
        request.max_content_length = MAX_ERRORS_BODY
        texts = json.loads(read_whole(request))
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise RequestError("expected a JSON list of texts")
        return json_response(translate_errors(texts, language))


def encode_example(descriptor: Descriptor[Any], extension: str) -> bytes | None:
    """Return the example as a file; None if it cannot be had as one of this kind."""
    if descriptor.kind in {Kind.IMAGE, Kind.FILE}:
        is_its = extension == file_extension(descriptor)
        return b64decode(descriptor.plain_example) if is_its else None
    format, options = Format.of_extension(extension), options_of(descriptor)
    if format is None or format not in EXAMPLES.get(descriptor.kind, ()):
        return None
    if (codec := find(descriptor.kind, format)) is None:
        return None
    value = json_of(descriptor.kind).from_plain(descriptor.plain_example, options)
    notes = descriptor.notes if isinstance(descriptor, DataFrame) else {}
    return codec.encode(value, {**options, "notes": notes})


def _language() -> str:
    """Return the page's language: `?lang=`, else the browser's preference, else English."""
    language = request.args.get("lang") if request.query_string else None
    if language and language in LANGUAGES:
        return language
    default = next(iter(LANGUAGES))
    if len(request.headers.get("Accept-Language", "")) > MAX_HEADER:
        return default
    return request.accept_languages.best_match(LANGUAGES, default=default)

"""The page, its files, the examples that it offers, and the first rows of what is dropped on it.

A page is written once for each language. Its addresses are relative, so that it works behind a
proxy's prefix, and its Content-Security-Policy allows nothing that stands in it or comes from
another host. Whatever a person typed or uploaded is shown as text.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from werkzeug.datastructures import FileStorage

from ..codecs import Format, Kind, find, json_of
from ..descriptors import Descriptor
from ..errors import RequestError
from ..web.http.bodies import read_form
from ..web.http.codec_options import limits, options_of
from ..web.http.content_encoding import compress
from ..web.http.request_parts import Argument, EncodedPart
from ..web.http.responses import json_response
from ..web.project_metadata import about
from ..web.protocols import Service
from .files import FILES, VERSION
from .first_rows import first_rows
from .translations.texts import LANGUAGES, TEXTS
from .view import EXAMPLES, view

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PART = "file"
"""What the part with the file is called where its first rows are asked for."""
_YEAR = 365 * 24 * 60 * 60


def blueprint(service: Service) -> Blueprint:
    """Give the routes; what they describe is fixed when the service starts."""
    routes = Blueprint("page", __name__, template_folder="templates")
    routes.after_request(compress)
    routes.add_app_template_filter(called)
    targets, told = service.registry.targets, about()

    @cache
    def written(language: str) -> tuple[bytes, str]:
        seen = view(service.registry, service.settings, TEXTS[language], told)
        text = render_template(
            "page.html", **seen, language=language, languages=LANGUAGES, version=VERSION
        )
        body = text.encode()
        return body, sha256(body).hexdigest()

    @routes.get("/")
    def page() -> Response:
        body, tag = written(_language())
        answer = Response(body, content_type="text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["Content-Language"] = _language()
        answer.headers["Cache-Control"] = "no-cache"
        answer.headers["Vary"] = "Accept-Language"
        answer.set_etag(tag, weak=True)  # it may be compressed
        answer.make_conditional(request)
        return answer

    @routes.get(f"/static/<version>/<any({', '.join(map(repr, FILES))}):name>")
    def file(version: str, name: str) -> Response:
        body, media_type = FILES[name]
        answer = Response(body, content_type=media_type)
        # Another version's page may still be open somewhere: it gets what there is, and keeps none.
        kept = f"public, max-age={_YEAR}, immutable" if version == VERSION else "no-cache"
        answer.headers["Cache-Control"] = kept
        return answer

    @routes.get(f"/page/example/<target>/<argument>.<any({', '.join(_names())}):extension>")
    def example(target: str, argument: str, extension: str) -> Response:
        descriptor = targets[target].arguments.get(argument) if target in targets else None
        form = Format.of_extension(extension)
        if descriptor is None or form not in EXAMPLES.get(descriptor.kind, ()):
            abort(404)
        body = example_of(descriptor, form)
        answer = Response(body, content_type=form.media_type)
        answer.headers["Content-Disposition"] = f"attachment; filename=example.{form.extension}"
        return answer

    @routes.post("/page/rows/<target>", defaults={"argument": None})
    @routes.post("/page/rows/<target>/<argument>")
    def rows(target: str, argument: str | None) -> Response:
        """Answer the first rows of an argument's file, or of an answer's, as their codec reads."""
        declared = targets.get(target)
        if declared is None:
            abort(404)
        descriptor = declared.arguments.get(argument) if argument else declared.returns
        if descriptor is None or descriptor.kind is not Kind.TABLE:
            abort(404)
        read_form(request)
        if (sent := request.files.get(PART)) is None:
            raise RequestError(f"send the table as a part {PART} of multipart/form-data")
        return json_response(first_rows(_decode(sent, descriptor)))

    return routes


def _decode(file: FileStorage, descriptor: Descriptor[Any]) -> Any:
    return EncodedPart.of_file(file, request).decode(Argument.of(descriptor, limits()))


def example_of(descriptor: Descriptor[Any], form: Format) -> bytes:
    """Return the example as a file."""
    codec, options = find(descriptor.kind, form), options_of(descriptor)
    if codec is None:
        raise LookupError(f"no {form.name} of a {descriptor.class_name}")
    return codec.encode(json_of(descriptor.kind).from_plain(descriptor.example(), options), options)


def called(extension: str) -> str:
    """Return what people call a format."""
    return "Excel" if extension == Format.XLSX.extension else extension.upper()


def _language() -> str:
    """Return the page's language: `?lang=`, else what the browser asks for, else English."""
    asked = request.args.get("lang") if request.query_string else None
    if asked and asked in LANGUAGES:
        return asked
    return request.accept_languages.best_match(LANGUAGES, default=next(iter(LANGUAGES)))


def _names() -> list[str]:
    return sorted({repr(form.extension) for forms in EXAMPLES.values() for form in forms})

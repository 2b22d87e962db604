"""The calls of one target: its example in every format, with a response in the same if possible."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mmf_core.codecs import Format, Kind

from .bodies import FORM, JSON, Body, Description, Unsupported, bodies, kind_of
from .call import Call, Skipped, is_rejected, reason
from .checks import DECODE_ERRORS, NO_CONTENT, OK, Decoder, ExpectedResponse, decoder
from .service import Response, Service

NOT_ACCEPTABLE = 406
ANY = "*/*"


@dataclass(frozen=True)
class Target:
    """A target from its description; `body` is the argument that a body is, None for an object.

    `values` are those of an example, by argument; `label` is the example's name.
    """

    service: Service
    route: str
    arguments: list[Description]
    body: str | None
    values: Description
    returns: Description | None
    label: str = ""

    @property
    def path(self) -> str:
        """The path of the target."""
        return f"/{self.route}"

    @property
    def _name(self) -> str:
        return f"{self.path}: {self.label}" if self.label else self.path

    def calls(self, media_types: list[str]) -> Iterator[Call | Skipped]:
        """Yield a call for each media type of a body; none if the example is rejected."""
        example = next(body for body in self._bodies([JSON, FORM]) if isinstance(body, Body))
        first, second = (self._request(example, self._accept(Format.JSON)) for _ in range(2))
        if is_rejected(first):
            yield Skipped(self._name, f"{reason(first)}; write example= in main.py")
            return
        value = self._value(first)
        varies = value != self._value(second)
        for body in self._bodies(media_types or [JSON]):
            yield self._call(body, value, varies=varies)

    def _bodies(self, media_types: list[str]) -> Iterator[Body | Unsupported]:
        if not self.arguments:
            return iter([Body("json", JSON, b"")])
        return bodies(self.arguments, self.body, self.values, media_types)

    def _call(self, body: Body | Unsupported, value: Any, *, varies: bool) -> Call | Skipped:
        name = f"{self._name} ({body.name})"
        if isinstance(body, Unsupported):
            return Skipped(name, body.reason)
        accept = self._accept(body.response_format)
        response = self._request(body, accept)
        if response.status == NOT_ACCEPTABLE:  # the format cannot represent this result
            accept = JSON
        elif is_rejected(response):
            return Skipped(name, reason(response))
        expected = ExpectedResponse(NO_CONTENT, "", bytes, b"")
        if self.returns:
            media_type = "" if accept == ANY else accept
            expected = ExpectedResponse(OK, media_type, self._decoder(accept), value, varies=varies)
        words = frozenset({"targets", self.route, body.name})
        return Call(name, self._url(body), body.content, _headers(body, accept), words, expected)

    def _request(self, body: Body, accept: str) -> Response:
        return self.service.request(self._url(body), body.content, _headers(body, accept))

    def _url(self, body: Body) -> str:
        return f"{self.path}?{body.query}" if body.query else self.path

    def _accept(self, media_format: Format) -> str:
        """Return the media type to ask for; that of a file is up to its author."""
        if not self.returns or self._kind is Kind.FILE:
            return ANY
        if self._kind is Kind.STREAM:
            return Format.JSONL.media_type
        media_type = media_format.media_type
        return media_type if media_type in self.returns["formats"] else JSON

    @property
    def _kind(self) -> Kind | None:
        return kind_of(self.returns) if self.returns else None

    def _decoder(self, accept: str) -> Decoder:
        if self._kind is Kind.FILE:
            return bytes
        return decoder(self._kind, Format.of_media_type(accept) or Format.JSON)

    def _value(self, response: Response) -> Any:
        """Return the value of a response at the start; None for an error, which nothing equals."""
        if response.status != OK:
            return None
        try:
            return self._decoder(response.media_type)(response.content)
        except DECODE_ERRORS:
            return None


def _headers(body: Body, accept: str) -> dict[str, str]:
    return {"Content-Type": body.media_type, "Accept": accept}

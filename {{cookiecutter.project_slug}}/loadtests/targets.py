"""The calls of one target: its example in every format, answered in the same one if it can be."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mmf_core.codecs import Format, Kind

from .bodies import JSON, Body, Described, Missing, bodies, kind_of
from .call import Call, LeftOut, is_refused, reason
from .checks import NO_CONTENT, OK, UNREADABLE, Answer, Reader, reader
from .service import Reply, Service

NOT_ACCEPTABLE = 406
ANY = "*/*"


@dataclass(frozen=True)
class Target:
    """A target as its description has it; `example` is its body in JSON."""

    service: Service
    route: str
    arguments: list[Described]
    returns: Described | None
    example: Any

    @property
    def path(self) -> str:
        """Where it is asked."""
        return f"/{self.route}"

    def calls(self, taken: list[str]) -> Iterator[Call | LeftOut]:
        """Yield a call for each media type of a body; none where JSON's example is refused."""
        first = Body("json", JSON, json.dumps(self.example).encode() if self.arguments else b"")
        replies = [self._ask(first, self._accept(Format.JSON)) for _ in range(2)]
        if is_refused(replies[0]):
            told = f"{reason(replies[0])}; write a better example into examples.json"
            yield LeftOut(self.path, told)
            return
        value, again = (self._value(reply) for reply in replies)
        made = bodies(self.arguments, self.example, taken) if self.arguments else [first]
        for body in made:
            yield self._call(body, value, varies=value != again)

    def _call(self, body: Body | Missing, value: Any, *, varies: bool) -> Call | LeftOut:
        name = f"{self.path} ({body.name})"
        if isinstance(body, Missing):
            return LeftOut(name, body.reason)
        accept = self._accept(body.form)
        reply = self._ask(body, accept)
        if reply.status == NOT_ACCEPTABLE:  # the format cannot hold this result
            accept = JSON
        elif is_refused(reply):
            return LeftOut(name, reason(reply))
        answer = Answer(NO_CONTENT, "", bytes, b"")
        if self.returns:
            known = "" if accept == ANY else accept
            answer = Answer(OK, known, self._reader(accept), value, varies=varies)
        words = frozenset({"targets", self.route, body.name})
        return Call(name, self._url(body), body.content, _headers(body, accept), words, answer)

    def _ask(self, body: Body, accept: str) -> Reply:
        return self.service.ask(self._url(body), body.content, _headers(body, accept))

    def _url(self, body: Body) -> str:
        return f"{self.path}?{body.query}" if body.query else self.path

    def _accept(self, form: Format) -> str:
        """Return the media type to ask for; a file has the one that its author gives it."""
        if not self.returns or self._kind is Kind.FILE:
            return ANY
        return form.media_type if form.media_type in self.returns["formats"] else JSON

    @property
    def _kind(self) -> Kind | None:
        return kind_of(self.returns) if self.returns else None

    def _reader(self, accept: str) -> Reader:
        if self._kind is Kind.FILE:
            return bytes
        return reader(self._kind, Format.of_media_type(accept) or Format.JSON)

    def _value(self, reply: Reply) -> Any:
        """Return what a first answer means; None of an error, which no answer will equal."""
        if reply.status != OK:
            return None
        try:
            return self._reader(reply.media_type)(reply.content)
        except UNREADABLE:
            return None


def _headers(body: Body, accept: str) -> dict[str, str]:
    return {"Content-Type": body.media_type, "Accept": accept}

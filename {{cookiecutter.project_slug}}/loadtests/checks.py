"""What a right answer is: its status, its media type, and the value that JSON gave at the start."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mmf_core.codecs import Format, Kind, find, json_of
from mmf_core.codecs import json as fast_json
from mmf_core.errors import RequestError

OK = 200
NO_CONTENT = 204
# Some formats keep a number in 32 bits, or as text.
TOLERANCE = 1e-6

# What a damaged answer raises.
UNREADABLE = (RequestError, ValueError, LookupError, TypeError)
NO_NUMBER = (TypeError, ValueError)
NO_PROBLEM = (ValueError, AttributeError)

Reader = Callable[[bytes], Any]


@dataclass
class Answer:
    """A right answer. `value` is what it means; None where it is another one each time.

    Reading an answer may take longer than to ask for it, so bytes that were right are right again.
    """

    status: int
    media_type: str
    read: Reader
    value: Any
    varies: bool = False
    right: bytes | None = None

    def problem(self, status: int, content_type: str, content: bytes) -> str | None:
        """Say what is wrong with an answer; None where nothing is."""
        if status != self.status:
            return f"status {status}: {detail(content)}".rstrip(": ")
        media_type = content_type.partition(";")[0].strip().lower()
        if self.media_type and media_type != self.media_type:
            return f"{media_type or 'no media type'} instead of {self.media_type}"
        if content == self.right:
            return None
        try:
            value = self.read(content)
        except UNREADABLE as error:
            return f"cannot be read: {type(error).__name__}"
        if not self.varies and not same(value, self.value):
            return "another result than at the start"
        self.right = content
        return None


def same(one: Any, other: Any) -> bool:
    """Compare values as JSON has them: numbers nearly, a number with its text, null with nothing.

    CSV knows neither types nor null, and XML, YAML and protobuf have their own.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    if _is_empty(one) or _is_empty(other):
        return _is_empty(one) and _is_empty(other)
    numbers = _number(one), _number(other)
    if numbers[0] is not None and numbers[1] is not None:
        return math.isclose(*numbers, rel_tol=TOLERANCE, abs_tol=TOLERANCE)  # type: ignore[arg-type]
    return str(one).lower() == str(other).lower()  # true and True


def reader(kind: Kind | None, form: Format) -> Reader:
    """Return what reads an answer of a kind in a format, as a value of JSON.

    Of a picture it reads the size, since JPEG and WebP change the pixels.
    """
    if kind is None:
        return plain
    codec, own = find(kind, form), json_of(kind)

    def read(data: bytes) -> Any:
        if codec is None:
            raise ValueError(form.name)
        if form is Format.JSON and kind is not Kind.IMAGE:
            return plain(data)
        if form is Format.JSON:
            return list(own.from_plain(plain(data), {}).shape)
        value = codec.decode(data, {})
        if kind is Kind.IMAGE:
            return list(value.shape)
        return json.loads(fast_json.dumps(own.to_plain(value)))

    return read


def plain(data: bytes) -> Any:
    """Read JSON; of `{"result": value}` the value."""
    value = json.loads(data)
    return value["result"] if isinstance(value, dict) and value.keys() == {"result"} else value


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except NO_NUMBER:
        return None


def detail(content: bytes) -> str:
    """Return what a problem (RFC 9457) says, or another protocol's error."""
    try:
        body = json.loads(content)
        return str(body.get("detail") or body.get("message") or body.get("error") or "")[:200]
    except NO_PROBLEM:
        return ""

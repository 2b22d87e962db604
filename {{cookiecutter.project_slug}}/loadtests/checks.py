"""Expected responses: status, media type, and the value of the JSON response at the start."""

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

# What decoding a damaged response raises.
DECODE_ERRORS = (RequestError, ValueError, LookupError, TypeError)
NOT_A_NUMBER = (TypeError, ValueError)
NOT_A_PROBLEM = (ValueError, AttributeError)

Decoder = Callable[[bytes], Any]


@dataclass
class ExpectedResponse:
    """A correct response with its decoded `value`; it is not compared if it `varies`.

    Decoding may take longer than the request itself, so bytes that were correct once are not
    decoded again.
    """

    status: int
    media_type: str
    decode: Decoder
    value: Any
    varies: bool = False
    verified: bytes | None = None

    def problem(self, status: int, content_type: str, content: bytes) -> str | None:
        """Return what is wrong with a response; None if it is correct."""
        if status != self.status:
            return f"status {status}: {detail(content)}".rstrip(": ")
        media_type = content_type.partition(";")[0].strip().lower()
        if self.media_type and media_type != self.media_type:
            return f"expected {self.media_type}, got {media_type or 'no media type'}"
        if content == self.verified:
            return None
        try:
            value = self.decode(content)
        except DECODE_ERRORS as error:
            return f"cannot be decoded: {type(error).__name__}"
        if not self.varies and not equivalent(value, self.value):
            return "the result differs from the one at the start"
        self.verified = content
        return None


def equivalent(left: Any, right: Any) -> bool:
    """Compare JSON values: numbers approximately, a number with its text, null with "".

    CSV has neither types nor null, and XML, YAML and protobuf have their own.
    """
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            equivalent(left[key], right[key]) for key in left
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(
            equivalent(*pair) for pair in zip(left, right, strict=True)
        )
    if _is_empty(left) or _is_empty(right):
        return _is_empty(left) and _is_empty(right)
    numbers = _number(left), _number(right)
    if numbers[0] is not None and numbers[1] is not None:
        return math.isclose(*numbers, rel_tol=TOLERANCE, abs_tol=TOLERANCE)  # type: ignore[arg-type]
    return str(left).lower() == str(right).lower()  # true and True


def decoder(kind: Kind | None, media_format: Format) -> Decoder:
    """Return a function that decodes a response of a kind in a format to a JSON value.

    An image is decoded to its size, since JPEG and WebP change the pixels.
    """
    if kind is None:
        return json_value
    if kind is Kind.STREAM:
        return json_lines
    codec, json_codec = find(kind, media_format), json_of(kind)

    def decode(data: bytes) -> Any:
        if codec is None:
            raise ValueError(media_format.name)
        if media_format is Format.JSON and kind is not Kind.IMAGE:
            return json_value(data)
        if media_format is Format.JSON:
            return list(json_codec.from_plain(json_value(data), {}).shape)
        value = codec.decode(data, {})
        if kind is Kind.IMAGE:
            return list(value.shape)
        return json.loads(fast_json.dumps(json_codec.to_plain(value)))

    return decode


def json_value(data: bytes) -> Any:
    """Decode JSON; `{"result": value}` to the value."""
    value = json.loads(data)
    return value["result"] if isinstance(value, dict) and value.keys() == {"result"} else value


def json_lines(data: bytes) -> list[Any]:
    """Decode the pieces of a stream."""
    return [json.loads(line) for line in data.splitlines()]


def detail(content: bytes) -> str:
    """Return the detail of a problem (RFC 9457), or another protocol's error message."""
    try:
        body = json.loads(content)
        return str(body.get("detail") or body.get("message") or body.get("error") or "")[:200]
    except NOT_A_PROBLEM:
        return ""


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except NOT_A_NUMBER:
        return None

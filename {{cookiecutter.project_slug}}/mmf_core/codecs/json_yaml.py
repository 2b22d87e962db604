"""JSON values as YAML 1.2 (RFC 9512)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any, ClassVar

from ..errors import InvalidValue, RequestError
from .base import Codec, Kind, Options
from .encoded_size import bounded_plain
from .formats import Format
from .json_values import MAX_DEPTH, check_value, too_deep
from .number_format import integer

MAX_REPEATED = 100_000
"""The values that all aliases together may stand for: a few lines can stand for billions."""
TEXT_UNIT = 64
"""A text or a number counts as one value more for each run of this many characters."""

# Scalars other than text: YAML 1.2's core schema, with numbers as in JSON. By default PyYAML reads
# YAML 1.1, in which `no` is a bool, `1:30` a number and 2026-01-31 a date.
_NULLS, _TRUE, _FALSE = (
    ("null", "Null", "NULL", "~", ""),
    ("true", "True", "TRUE"),
    ("false", "False", "FALSE"),
)
_WORDS: dict[str, Any] = {
    **dict.fromkeys(_NULLS),
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
}
_NUMBER_STARTS = "-0123456789"
_INT = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_SCALARS = (
    ("null", f"(?:{'|'.join(_NULLS)})", ["n", "N", "~", ""]),
    ("bool", f"(?:{'|'.join(_TRUE + _FALSE)})", list("tTfF")),
    ("int", _INT.pattern, list(_NUMBER_STARTS)),
    ("float", _FLOAT.pattern, list(_NUMBER_STARTS)),
)
_MOST_VALUES = 600_000  # of a result, at about six microseconds each


class JSONAsYAML(Codec[Any]):
    """One document without tags; an alias becomes the value that it stands for."""

    kind = Kind.JSON
    format = Format.YAML
    requires: ClassVar = {"yaml": "pyyaml"}
    memory_weights: ClassVar = dict.fromkeys((b",", b"\n", b":", b"[", b"{"), 440)

    def decode(self, data: bytes, options: Options) -> Any:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            return check_value(_build(yaml.parse(data, Loader=loader)))
        except RequestError:
            raise
        except yaml.YAMLError as error:
            raise RequestError(f"this YAML cannot be read: {_reason(error)}") from None
        except (ValueError, TypeError, OverflowError):  # lists and objects as keys
            raise RequestError("this YAML has a name that is not text") from None

    def encode(self, value: Any, options: Options) -> bytes:
        import yaml

        simple = bounded_plain(value, "YAML", _MOST_VALUES)
        text: str = yaml.dump(simple, Dumper=_dumper(), allow_unicode=True, sort_keys=False)
        return text.encode()


CODECS = (JSONAsYAML(),)


@lru_cache(maxsize=1)
def _dumper() -> Any:
    """Return a dumper that quotes texts which YAML 1.1 or 1.2 would read as another type."""
    import yaml

    dumper: Any = type("Dumper", (getattr(yaml, "CSafeDumper", yaml.SafeDumper),), {})
    for kind, pattern, first_characters in _SCALARS:
        tag = f"tag:yaml.org,2002:{kind}"
        dumper.add_implicit_resolver(tag, re.compile(f"^{pattern}$"), first_characters)
    return dumper


def _build(events: Iterable[Any]) -> Any:
    """Return the value of a document, built while it is parsed.

    PyYAML's own way takes four times as long, and would first build what tags, depth and aliases
    stand for.
    """
    import yaml

    document = _Builder()
    for event in events:
        if getattr(event, "tag", None):
            raise InvalidValue("YAML tags such as !!str or !name are not supported; remove them")
        match event:
            case yaml.ScalarEvent():
                is_plain, _ = event.implicit
                value = _scalar(event.value) if is_plain else event.value
                document.add(value, 1 + len(event.value) // TEXT_UNIT, event.anchor)
            case yaml.AliasEvent():
                document.repeat(event.anchor)
            case yaml.CollectionStartEvent():
                document.begin(event.anchor)
            case yaml.SequenceEndEvent():
                document.end(list)
            case yaml.MappingEndEvent():
                document.end(_object)
    return document.value()


def _scalar(text: str) -> Any:
    """Return the value of a text without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMBER_STARTS:
        if _INT.fullmatch(text):
            with suppress(OverflowError):  # below it is infinity, which `check_value` reports
                return integer(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


def _object(values: list[Any]) -> dict[Any, Any]:
    """Return names and values, in turns, as an object."""
    return dict(zip(values[::2], values[1::2], strict=True))


class _Builder:
    """The open collections of a document, each as a list, and the values of its anchors.

    A value counts as one and as many as it holds; a long text or number counts as several.
    """

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._open: list[tuple[list[Any], str | None, int]] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._count = self._repeated = 0

    def add(self, value: Any, size: int, anchor: str | None) -> None:
        self._items.append(value)
        self._count += size
        if anchor:
            self._anchors[anchor] = value, size

    def begin(self, anchor: str | None) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise too_deep()
        self._open.append((self._items, anchor, self._count))
        self._items = []
        self._count += 1

    def end(self, make: Callable[[list[Any]], Any]) -> None:
        value = make(self._items)
        self._items, anchor, start = self._open.pop()
        self._items.append(value)
        if anchor:
            self._anchors[anchor] = value, self._count - start

    def repeat(self, anchor: str | None) -> None:
        if anchor is None or anchor not in self._anchors:
            raise InvalidValue(f"the alias *{anchor} in this YAML has no anchor before it")
        value, size = self._anchors[anchor]
        self.add(value, size, None)
        self._repeated += size
        if self._repeated > MAX_REPEATED:
            raise InvalidValue(
                f"expected aliases in this YAML to stand for at most {MAX_REPEATED:,} values; "
                "write the values out"
            )

    def value(self) -> Any:
        if len(self._items) > 1:
            raise RequestError("this YAML cannot be read: expected one document, got several")
        return self._items[0] if self._items else None


def _reason(error: Any) -> str:
    """Return the problem and its place, without PyYAML's excerpt of the text."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{problem or 'it has characters that YAML does not allow'}{place}"

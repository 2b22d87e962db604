"""Dicts and other nested plain values as XML 1.0, without loss.

    {"name": "Barolo", "year": 2019, "tags": ["red", null], "1st": true}

    <data>
      <name>Barolo</name>
      <year type="number">2019</year>
      <tags type="array"><item>red</item><item type="null"/></tags>
      <entry key="1st" type="boolean">true</entry>
    </data>

An element is a text, or an object if elements are in it; `type` says that it is something else.
`key` is the name where XML has none for it; the names of the root and of an array's elements mean
nothing. On the way in a name that is repeated in an object is a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar
from xml.sax.saxutils import escape, quoteattr

from ..errors import InvalidValue, RequestError
from . import json
from .base import Codec, Kind, Options
from .formats import Format
from .plain import MAX_DEPTH, plain, too_deep

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_NAME = re.compile("[A-Za-z_\u0410-\u044f][A-Za-z0-9_.\u0410-\u044f-]*")  # and many that are rarer
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_KEPT = {"\r": "&#13;"}  # XML 1.0, 2.11: a bare one is read as \n
_TYPES = {"string", "number", "boolean", "null", "array", "object"}
_WORDS = {"true": True, "false": False}


class TreeXML(Codec[Any]):
    """The mapping of this module's docstring; DTDs, entities and namespaces are refused."""

    kind = Kind.JSON
    format = Format.XML
    requires: ClassVar = {"defusedxml": "defusedxml"}

    def decode(self, data: bytes, options: Options) -> Any:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, fromstring

        try:
            root = fromstring(data, forbid_dtd=True)
        except DefusedXmlException:
            raise RequestError("XML is read without a DOCTYPE and without entities") from None
        except (ParseError, ValueError, LookupError) as error:  # the last two: odd encodings
            raise RequestError(f"this is not valid XML: {error}") from None
        return _value(root, MAX_DEPTH)

    def encode(self, value: Any, options: Options) -> bytes:
        text = "".join(_lines("data", plain(value)))
        if wrong := _NOT_XML.search(text):
            raise ValueError(f"XML has no way to write the character {wrong.group()!r}")
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _value(element: Element, depth: int) -> Any:
    kind = element.get("type") or ("object" if len(element) else "string")
    if kind not in _TYPES or not {"type", "key"}.issuperset(element.keys()):
        raise InvalidValue(
            f"<{element.tag}> has an attribute that means nothing here; there are key, and type: "
            + ", ".join(sorted(_TYPES))
        )
    if kind in {"array", "object"}:
        if not depth:
            raise too_deep()
        _refuse_text(element)
        if kind == "array":
            return [_value(part, depth - 1) for part in element]
        return _object(element, depth)
    if len(element):
        raise InvalidValue(f"<{element.tag}> is a {kind} and has elements in it")
    return _leaf(kind, element.text or "", element.tag)


def _object(element: Element, depth: int) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for part in element:
        if part.tag.startswith("{"):
            raise InvalidValue("XML is read without namespaces")
        found.setdefault(part.get("key", part.tag), []).append(_value(part, depth - 1))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _refuse_text(element: Element) -> None:
    between = [element.text, *(part.tail for part in element)]
    if any(text and not text.isspace() for text in between):
        raise InvalidValue(f"<{element.tag}> has a text beside its elements")


def _leaf(kind: str, text: str, tag: str) -> Any:
    if kind == "string":
        return text
    if kind == "null" and not text:
        return None
    if kind == "boolean" and text.strip() in _WORDS:
        return _WORDS[text.strip()]
    if kind == "number" and (number := _number(text)) is not None:
        return number
    raise InvalidValue(f"<{tag}> is not a {kind}")


def _number(text: str) -> float | None:
    """Return what JSON takes for a number; None for everything else."""
    try:
        number = json.loads(text)
    except RequestError:
        return None
    return number if type(number) in {int, float} else None


def _lines(name: str, value: Any, key: str = "") -> Iterator[str]:
    kind = _kind(value)
    yield f"<{name}{key}" + (f' type="{kind}">' if kind else ">")
    if isinstance(value, dict):
        for part_name, part in value.items():
            if _NAME.fullmatch(part_name):
                yield from _lines(part_name, part)
            else:
                yield from _lines("entry", part, f" key={quoteattr(part_name, _KEPT)}")
    elif isinstance(value, list):
        for part in value:
            yield from _lines("item", part)
    elif value is not None:
        yield escape(value, _KEPT) if isinstance(value, str) else json.dumps(value).decode()
    yield f"</{name}>"


def _kind(value: Any) -> str:
    """Return an element's type, nothing where it goes without saying."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case list():
            return "array"
        case dict():
            return "" if value else "object"
    return ""

"""JSON values as XML 1.0, without loss.

    {"name": "Barolo", "year": 2019, "tags": ["red", null], "1st": true}

    <data>
      <name>Barolo</name>
      <year type="number">2019</year>
      <tags type="array"><item>red</item><item type="null"/></tags>
      <entry key="1st" type="boolean">true</entry>
    </data>

An element is a text, or an object if it has elements; `type` says that it is something else.
`key` is a name that XML does not allow; the names of the root and of an array's elements mean
nothing. When read, a name that is repeated in an object is a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar
from xml.sax.saxutils import escape, quoteattr

from ..errors import InvalidValue, RequestError
from . import json
from .base import Codec, Kind, Options
from .encoded_size import EscapeLimit, bounded_plain
from .formats import Format
from .json_values import MAX_DEPTH, too_deep
from .xml_text import check_characters, new_parser

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_NAME = re.compile("[A-Za-z_\u0410-\u044f][A-Za-z0-9_.\u0410-\u044f-]*")  # XML has rarer ones
_MOST_VALUES = 2_000_000  # of a result, at about a microsecond each
_ESCAPES = {"\r": "&#13;"}  # XML 1.0, 2.11: a bare one is read as \n
_TYPES = {"string", "number", "boolean", "null", "array", "object"}
_WORDS = {"true": True, "false": False}


class JSONAsXML(Codec[Any]):
    """The mapping of this module's docstring; DTDs, entities and namespaces are refused."""

    kind = Kind.JSON
    format = Format.XML
    requires: ClassVar = {"defusedxml.ElementTree": "defusedxml"}
    memory_weights: ClassVar = {b"<": 180, b"=": 320}

    def decode(self, data: bytes, options: Options) -> Any:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError

        parser = new_parser(data)
        try:
            parser.feed(data)
            root = parser.close()
        except DefusedXmlException:
            raise RequestError("this XML has a DTD or entities, which are not supported") from None
        except (ParseError, ValueError, LookupError) as error:  # LookupError: of an encoding
            raise RequestError(f"this XML cannot be read: {error}") from None
        return _from_element(root, MAX_DEPTH)

    def encode(self, value: Any, options: Options) -> bytes:
        limit = EscapeLimit("XML", b"&<>", options)
        text = _element(bounded_plain(value, "XML", _MOST_VALUES, limit))
        check_characters(text)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


CODECS = (JSONAsXML(),)


def _from_element(element: Element, depth: int) -> Any:
    kind = element.get("type") or ("object" if len(element) else "string")
    if kind not in _TYPES or not {"type", "key"}.issuperset(element.keys()):
        raise InvalidValue(
            f"<{element.tag}>: expected no attributes but key, and type with one of "
            + ", ".join(sorted(_TYPES))
        )
    if kind in {"array", "object"}:
        if not depth:
            raise too_deep()
        _refuse_text(element)
        if kind == "array":
            return [_from_element(child, depth - 1) for child in element]
        return _object(element, depth)
    if len(element):
        raise InvalidValue(f"<{element.tag}>: expected a {kind}, got elements")
    return _leaf(kind, element.text or "", element.tag)


def _object(element: Element, depth: int) -> dict[str, Any]:
    members: dict[str, list[Any]] = {}
    for child in element:
        if child.tag.startswith("{"):
            raise InvalidValue("XML namespaces are not supported; send names without a prefix")
        name = child.get("key", child.tag)
        members.setdefault(name, []).append(_from_element(child, depth - 1))
    return {name: values[0] if len(values) == 1 else values for name, values in members.items()}


def _refuse_text(element: Element) -> None:
    between = [element.text, *(child.tail for child in element)]
    if any(text and not text.isspace() for text in between):
        raise InvalidValue(f"<{element.tag}>: expected elements only, got text between them")


def _leaf(kind: str, text: str, tag: str) -> Any:
    if kind == "string":
        return text
    if kind == "null" and not text:
        return None
    if kind == "boolean" and text.strip() in _WORDS:
        return _WORDS[text.strip()]
    if kind == "number" and (number := _number(text)) is not None:
        return number
    raise InvalidValue(f"<{tag}>: expected a {kind}, got other text")


def _number(text: str) -> float | None:
    """Return the number that a JSON text is; None for anything else."""
    try:
        number = json.loads(text)
    except RequestError:
        return None
    return number if type(number) in {int, float} else None


def _element(value: Any) -> str:
    """Return the root as text.

    Its levels are a list: of recursive generators, each text would pass through all above it.
    """
    texts: list[str] = []
    levels = [(iter([("data", "data", value)]), "")]
    while levels:
        children, end = levels[-1]
        for name, start, child in children:
            kind = _type_of(child)
            tag = f'<{start} type="{kind}">' if kind else f"<{start}>"
            if isinstance(child, dict | list):
                texts.append(tag)
                levels.append((_children(child), f"</{name}>"))
                break
            texts.append(f"{tag}{_leaf_text(child)}</{name}>")
        else:
            texts.append(end)
            levels.pop()
    return "".join(texts)


def _children(container: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield each child's name, what its tag begins with, and the child."""
    if isinstance(container, list):
        for child in container:
            yield "item", "item", child
        return
    for member, child in container.items():
        if _NAME.fullmatch(member):
            yield member, member, child
        else:
            yield "entry", f"entry key={quoteattr(member, _ESCAPES)}", child


def _leaf_text(value: Any) -> str:
    if value is None:
        return ""
    return escape(value, _ESCAPES) if isinstance(value, str) else json.dumps(value).decode()


def _type_of(value: Any) -> str:
    """Return an element's type; none for a text, and for an object that has members."""
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

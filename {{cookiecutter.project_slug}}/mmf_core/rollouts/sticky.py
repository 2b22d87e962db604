"""What keeps a caller on one version: a header, a token claim, or a column of its table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..codecs import as_frame
from ..errors import InvalidValue, quoted
from ..web.request_context import RequestContext

StickyKey = Callable[[RequestContext | None, Mapping[str, Any]], str | None]
"""Returns the text that decides for a request and its decoded arguments; None if it has none."""
CLAIM, COLUMN = "claim:", "column:"
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_MAX_NAME = 200  # characters of a claim's or a column's name


def parse_sticky(value: Any) -> str:
    """Parse the entry `sticky` of a plan; ValueError if it has none of the three forms."""
    if isinstance(value, str):
        for prefix in (CLAIM, COLUMN):
            if value.startswith(prefix) and 0 < len(value) - len(prefix) <= _MAX_NAME:
                return value
        if _HEADER.fullmatch(value):
            return value
    raise ValueError("expected the name of a header, such as X-User-Id, claim:NAME or column:NAME")


def sticky_key(sticky: str) -> StickyKey:
    """Return the function that finds a request's deciding text, by the plan's `sticky`."""
    if sticky.startswith(CLAIM):
        return _claim(sticky.removeprefix(CLAIM))
    if sticky.startswith(COLUMN):
        return _column(sticky.removeprefix(COLUMN))
    return _header(sticky)


def _header(name: str) -> StickyKey:
    variable = f"HTTP_{name.upper().replace('-', '_')}"  # PEP 3333

    def key(context: RequestContext | None, _values: Mapping[str, Any]) -> str | None:
        return context.environ.get(variable) if context else None

    return key


def _claim(name: str) -> StickyKey:
    def key(context: RequestContext | None, _values: Mapping[str, Any]) -> str | None:
        caller = context.caller if context else None
        return _text(caller.claims.get(name)) if caller else None

    return key


def _column(name: str) -> StickyKey:
    def key(_context: RequestContext | None, values: Mapping[str, Any]) -> str | None:
        texts = {text for value in values.values() for text in _texts(value, name)}
        if len(texts) > 1:
            raise InvalidValue(
                f"column {quoted(name)} decides which version responds: expected one value in all"
                f" rows of a request, got {len(texts)}; send one request for each value"
            )
        return next(iter(texts), None)

    return key


def _texts(value: Any, name: str) -> Iterator[str]:
    """Yield the different values of a column as texts, of a table or one record."""
    if isinstance(value, Mapping):
        cells = [value.get(name)]
    else:
        table = as_frame(value)
        if name not in getattr(table, "columns", ()):
            return
        cells = table[name].dropna().unique().tolist()
    yield from filter(None, map(_text, cells))


def _text(value: Any) -> str | None:
    """Return a value as text: the same for a number of JSON and one of a workbook, 7 and 7.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, str | int | float) and value != "" else None

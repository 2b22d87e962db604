"""Streams: results that are sent while the function is making them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..codecs import Format, Kind, json_of, writable
from ..errors import DescriptorError
from .base import Descriptor
from .scalars import String

_ITEMS = {Kind.SCALAR, Kind.JSON}


@dataclass(kw_only=True, eq=False)
class Stream(Descriptor[Any]):
    r"""A result that is sent piece by piece, as a generator function yields it.

    - `item`: the descriptor of each piece: `String`, `Dict`, or another value that JSON holds.

    Sent as events (`text/event-stream`), as lines of JSON, or, of a String, as bare text; see
    docs/streams.md. A generator function needs it, and no other function may have it.

    >>> @mmf.target(returns=mmf.Stream(mmf.String()))
    ... def words(text=mmf.String()):
    ...     for word in text.split():
    ...         yield word + " "
    >>> list(words(text="one two"))
    ['one ', 'two ']
    """

    item: Descriptor[Any] = field(kw_only=False)

    kind: ClassVar[Kind] = Kind.STREAM
    preferred: ClassVar[Format] = Format.EVENTS

    def __post_init__(self) -> None:
        item: Any = self.item
        if not isinstance(item, Descriptor) or item.kind not in _ITEMS:
            name = item.class_name if isinstance(item, Descriptor) else repr(item)
            raise DescriptorError(
                f"Stream({name}): expected the descriptor of a piece that JSON holds, "
                f"such as mmf.String() or mmf.Dict()"
            )
        super().__post_init__()

    @property
    def output_formats(self) -> list[Format]:
        formats = writable(self.kind)
        is_text = isinstance(self.item, String)
        return [format for format in formats if is_text or format is not Format.TEXT]

    def to_output(self, result: Any) -> Any:
        """Return one piece as a plain JSON value; InvalidValue if it is invalid."""
        return json_of(self.item.kind).to_plain(self.item.to_output(result))

    def guess(self) -> Any:
        return [self.item.plain_example]

    def json_schema(self) -> dict[str, Any]:
        """Return the schema of all pieces as a list."""
        return {"type": "array", "items": self.item.output_schema()}

    def meta(self) -> dict[str, Any]:
        return {**super().meta(), "item": self.item.meta()}

"""Files whose content is the function's own business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..codecs import Format, Kind
from ..errors import InvalidValue
from .base import Descriptor


@dataclass(kw_only=True, eq=False)
class File(Descriptor[bytes]):
    """Bytes of any media type."""

    kind: ClassVar[Kind] = Kind.FILE
    preferred: ClassVar[Format] = Format.BINARY
    is_file: ClassVar[bool] = True

    def check(self, value: Any) -> bytes:
        if not isinstance(value, bytes | bytearray | memoryview):
            raise InvalidValue(f"bytes are wanted, not a {type(value).__name__}")
        return bytes(value)

    def example(self) -> Any:
        return "aGVsbG8="

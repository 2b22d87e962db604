"""Files whose content is the function's own business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..codecs import FileBytes, Format, Kind
from ..errors import InvalidValue
from .base import Descriptor
from .json_schemas import BASE64


@dataclass(kw_only=True, eq=False)
class File(Descriptor[bytes]):
    """Bytes of any media type, as `FileBytes`: with the caller's name for it, where there is one.

    A result may be any bytes; as `FileBytes` it is answered under its own name and media type.
    """

    kind: ClassVar[Kind] = Kind.FILE
    preferred: ClassVar[Format] = Format.BINARY
    is_file: ClassVar[bool] = True

    def validate(self, value: Any) -> FileBytes:
        if isinstance(value, FileBytes):
            return value
        if not isinstance(value, bytes | bytearray | memoryview):
            raise InvalidValue(f"bytes are wanted, not a {type(value).__name__}")
        return FileBytes(value)

    def json_schema(self) -> dict[str, Any]:
        return dict(BASE64)

    def example(self) -> Any:
        return "aGVsbG8="

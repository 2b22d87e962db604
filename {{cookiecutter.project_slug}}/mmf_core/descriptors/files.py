"""Files whose content only the function understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..codecs import FileBytes, Format, Kind
from ..errors import InvalidValue
from .base import Descriptor
from .examples import base64_of
from .json_schemas import BASE64


@dataclass(kw_only=True, eq=False)
class File(Descriptor[bytes]):
    """Bytes of any media type, as `FileBytes`, with the file name that the client sent, if any.

    A result may be any bytes; `FileBytes` are sent under their own name and media type.

    - `example`: bytes, or the path of a file.

    >>> mmf.File().validate(b"%PDF-1.7")
    b'%PDF-1.7'
    """

    kind: ClassVar[Kind] = Kind.FILE
    preferred: ClassVar[Format] = Format.BINARY
    is_file: ClassVar[bool] = True

    def validate(self, value: Any) -> FileBytes:
        if isinstance(value, FileBytes):
            return value
        if not isinstance(value, bytes | bytearray | memoryview):
            raise InvalidValue(f"expected bytes, got {type(value).__name__}")
        return FileBytes(value)

    def json_schema(self) -> dict[str, Any]:
        return dict(BASE64)

    def to_plain(self, example: Any) -> Any:
        return base64_of(example)

    def guess(self) -> Any:
        return "aGVsbG8="

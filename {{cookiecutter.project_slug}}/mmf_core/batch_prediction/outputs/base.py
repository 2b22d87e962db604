"""The interface of an output."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...codecs import Codec, Format, Kind, find, writable
from ...errors import MMFError, as_text
from .. import compression as compressions
from ..errors import BatchError

if TYPE_CHECKING:
    import pandas as pd


class Output(ABC):
    """A file in one format; `options` are those of its codec."""

    is_text: ClassVar[bool] = False
    """Whether a part is a text that may be compressed by itself."""
    part_format: ClassVar[Format | None] = None
    """The format of parts, if it is not the output's own."""

    def __init__(self, format: Format, compression: str, options: Mapping[str, Any]) -> None:
        codec = find(Kind.TABLE, self.part_format or format)
        if format not in writable(Kind.TABLE) or codec is None:
            raise BatchError(f"{format.name} is not a format that tables can be written in here")
        if compression and not self.is_text:
            raise BatchError(f"expected .{format.extension} without .{compression}")
        compressions.check_available(compression)
        self.format, self.compression, self.options = format, compression, options
        self.codec: Codec[Any] = codec

    def encode(self, table: pd.DataFrame) -> bytes:
        """Return a table as a part; BatchError if the format cannot hold it."""
        return self.encoded(table)

    def encoded(self, table: pd.DataFrame) -> bytes:
        """Return what the codec writes."""
        try:
            return self.codec.encode(table, self.options)
        except MMFError as error:
            raise BatchError(str(error)) from error
        except (TypeError, ValueError) as error:
            raise BatchError(f"{self.format.name} cannot hold a value: {as_text(error)}") from error

    @abstractmethod
    def write(self, parts: Iterable[Path], names: list[str], path: Path) -> None:
        """Write the file of all parts, which may still be coming; `names` are its columns."""

"""Dicts and other nested plain values as MessagePack."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from ..errors import InvalidValue, RequestError
from .base import Codec, Kind, Options
from .formats import Format
from .plain import checked, plain

# The reader makes room for a list before it reads it, and a list may lie about its length.
MAX_LENGTH = 1_000_000


class TreeMsgpack(Codec[Any]):
    """The types of MessagePack that JSON has, too: no bytes, no extensions, no timestamps."""

    kind = Kind.TREE
    format = Format.MSGPACK
    requires: ClassVar = {"msgpack": "msgpack"}

    def decode(self, data: bytes, options: Options) -> Any:
        import msgpack

        try:
            tree = msgpack.unpackb(
                data,
                max_array_len=min(len(data), MAX_LENGTH),
                strict_map_key=False,  # `checked` says it better
                ext_hook=_refuse_extension,
            )
        except (InvalidValue, MemoryError):
            raise
        except (ValueError, TypeError, OverflowError) as error:  # a list is no key: TypeError
            why = str(error) or "it is nested too deeply"  # StackError has no words of its own
            raise RequestError(f"this MessagePack cannot be read: {why}") from None
        return checked(tree)

    def encode(self, value: Any, options: Options) -> bytes:
        import msgpack

        packed: bytes = msgpack.packb(plain(value))
        return packed


def _refuse_extension(code: int, _data: bytes) -> NoReturn:
    raise InvalidValue(f"MessagePack's extension type {code} has no meaning here")

"""Dicts and other nested plain values as MessagePack."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from sys import getsizeof
from typing import Any, ClassVar, NoReturn

from ..errors import InvalidValue, RequestError
from .base import Codec, Kind, Options
from .decoded_size import most_memory, too_heavy
from .formats import Format
from .plain import checked, plain

# The reader makes room for a list before it reads it, and a list may lie about its length.
MAX_LENGTH = 1_000_000


class TreeMsgpack(Codec[Any]):
    """The types of MessagePack that JSON has, too: no bytes, no extensions, no timestamps."""

    kind = Kind.JSON
    format = Format.MSGPACK
    requires: ClassVar = {"msgpack": "msgpack"}

    def decode(self, data: bytes, options: Options) -> Any:
        import msgpack

        budget = _Budget(most_memory(options))
        try:
            tree = msgpack.unpackb(
                data,
                max_array_len=min(len(data), MAX_LENGTH),
                strict_map_key=False,  # `checked` says it better
                list_hook=budget.list,
                object_hook=budget.dict,
                ext_hook=_refuse_extension,
            )
        except (RequestError, MemoryError):
            raise
        except (ValueError, TypeError, OverflowError) as error:  # a list is no key: TypeError
            why = str(error) or "it is nested too deeply"  # StackError has no words of its own
            raise RequestError(f"this MessagePack cannot be read: {why}") from None
        return checked(tree)

    def encode(self, value: Any, options: Options) -> bytes:
        import msgpack

        packed: bytes = msgpack.packb(plain(value))
        return packed


class _Budget:
    """The memory that what is read may take: a list of nothing is one byte and eighty."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most

    def list(self, value: list[Any]) -> list[Any]:
        self._take(value, map(getsizeof, value))
        return value

    def dict(self, value: dict[Any, Any]) -> dict[Any, Any]:
        self._take(value, map(getsizeof, chain(value, value.values())))
        return value

    def _take(self, value: Any, sizes: Iterable[int]) -> None:
        self.left -= sum(sizes) + getsizeof(value)
        if self.left < 0:
            raise too_heavy(Format.MSGPACK, self.most)


def _refuse_extension(code: int, _data: bytes) -> NoReturn:
    raise InvalidValue(f"MessagePack's extension type {code} has no meaning here")

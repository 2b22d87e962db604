"""JSON values as MessagePack."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from sys import getsizeof
from typing import Any, ClassVar, NoReturn

from ..errors import InvalidValue, RequestError
from .base import Codec, Kind, Options
from .decoded_size import MemoryBudget
from .encoded_size import bounded_plain
from .formats import Format
from .json_values import check_value, not_json

MAX_LENGTH = 1_000_000
"""Of a list or an object: msgpack allocates the length that a list declares before it reads it, and
`_Budget` sees an object only when it is complete."""

_MOST_VALUES = 4_000_000  # of a result: objects take a hundred bytes for each
_CHECK_SIZE, _ITEM_SIZE = 100, 30
"""What a container and an item count for, in addition: they take time, too."""
_TIMESTAMPS = (b"\xd6\xff", b"\xd7\xff", b"\xc7\x0c\xff")
"""How timestamps of each size begin."""


class JSONAsMsgpack(Codec[Any]):
    """The types that MessagePack shares with JSON: no bytes, no extensions, no timestamps."""

    kind = Kind.JSON
    format = Format.MSGPACK
    requires: ClassVar = {"msgpack": "msgpack"}

    def decode(self, data: bytes, options: Options) -> Any:
        import msgpack

        may_have_times = any(start in data for start in _TIMESTAMPS)
        refused = {msgpack.Timestamp} if may_have_times else set[Any]()
        budget = _Budget(Format.MSGPACK.name, options, refused)
        try:
            value = msgpack.unpackb(
                data,
                max_array_len=min(len(data), MAX_LENGTH),
                max_map_len=min(len(data), MAX_LENGTH),
                strict_map_key=False,  # `check_value` has the better message
                list_hook=budget.list,
                object_hook=budget.dict,
                ext_hook=_refuse_extension,
            )
        except (RequestError, MemoryError):
            raise
        except (ValueError, TypeError, OverflowError) as error:  # TypeError: a list as a key
            reason = str(error) or "it is nested too deeply"  # msgpack's StackError is silent
            raise RequestError(f"this MessagePack cannot be read: {reason}") from None
        return check_value(value)

    def encode(self, value: Any, options: Options) -> bytes:
        import msgpack

        try:
            data: bytes = msgpack.packb(bounded_plain(value, "MSGPACK", _MOST_VALUES))
        except OverflowError:
            raise ValueError("MessagePack has whole numbers of at most 64 bits") from None
        return data


CODECS = (JSONAsMsgpack(),)


class _Budget(MemoryBudget):
    """What lists and objects take: an empty list is one byte of a body and eighty in Python."""

    def __init__(self, name: str, options: Options, refused: set[Any]) -> None:
        super().__init__(name, options)
        self._refused = refused

    def list(self, value: list[Any]) -> list[Any]:
        self._check(value)
        self._spend(value, map(getsizeof, value))
        return value

    def dict(self, value: dict[Any, Any]) -> dict[Any, Any]:
        self._check(value.values())
        self._spend(value, map(getsizeof, chain(value, value.values())))
        return value

    def _check(self, values: Iterable[Any]) -> None:
        """Refuse timestamps at once: each takes three times as long as it takes to be refused."""
        if self._refused:
            for type_ in self._refused.intersection(map(type, values)):
                raise not_json(type_)

    def _spend(self, container: Any, sizes: Iterable[int]) -> None:
        own = getsizeof(container) + _CHECK_SIZE + len(container) * _ITEM_SIZE
        self.spend(sum(sizes) + own)


def _refuse_extension(code: int, _data: bytes) -> NoReturn:
    raise InvalidValue(f"expected no extension types, got MessagePack's extension type {code}")

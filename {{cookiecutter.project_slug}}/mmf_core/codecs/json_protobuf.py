"""JSON objects as protobuf: google.protobuf.Struct, or a message class of the author's own.

A message is the dict of its JSON mapping, with the field names as they are declared: bytes are
base64, 64-bit integers are texts, and a field that was not sent has its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import RequestError
from .base import Codec, Kind, Options
from .decoded_size import MemoryBudget
from .encoded_size import bounded_plain
from .formats import Format
from .json_values import check_value
from .whole_numbers import MAX_EXACT_FLOAT

if TYPE_CHECKING:
    from google.protobuf.message import Message

_MOST_VALUES = 1_500_000  # of a result, at about two microseconds each
_VALUE_SIZE = 200
"""The bytes of memory of a value in a message, at most, a number of 64 bits being a text."""


class JSONAsProtobuf(Codec[dict[str, Any]]):
    """The option `message` is the class; without it a Struct, whose numbers are all floats.

    Protobuf's own limit of depth, 100 messages, is reached at about 33 levels of a Struct.
    """

    kind = Kind.JSON
    format = Format.PROTOBUF
    requires: ClassVar = {
        "google.protobuf.json_format": "protobuf",
        "google.protobuf.struct_pb2": "protobuf",
    }
    memory_weights: ClassVar = {b"\n": 100}  # the tag of every value in a Struct

    def decode(self, data: bytes, options: Options) -> dict[str, Any]:
        from google.protobuf.json_format import Error, MessageToDict
        from google.protobuf.message import DecodeError
        from google.protobuf.unknown_fields import UnknownFieldSet

        message = _new_message(options)
        name = message.DESCRIPTOR.full_name
        try:
            message.ParseFromString(data)
            if "message" in options:
                _check_size(message, MemoryBudget(name, options))
            value = MessageToDict(
                message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
        except RequestError:
            raise
        except (DecodeError, Error, ValueError, TypeError, RecursionError) as error:
            raise RequestError(f"expected a protobuf {name}: {error}") from None
        if "message" not in options and len(UnknownFieldSet(message)):  # a Struct never grows
            raise RequestError(f"expected a protobuf {name}, got a message with other fields")
        return check_value(value)  # type: ignore[no-any-return]

    def encode(self, value: dict[str, Any], options: Options) -> bytes:
        from google.protobuf.json_format import ParseDict, ParseError
        from google.protobuf.message import EncodeError

        message = _new_message(options)
        json_value = bounded_plain(value, "PROTOBUF", _MOST_VALUES)
        if not isinstance(json_value, dict):
            raise TypeError(f"expected a dict for a protobuf message, got {type(value).__name__}")
        if "message" not in options:
            _refuse_inexact(json_value)
        try:
            ParseDict(json_value, message)
            return message.SerializeToString(deterministic=True)
        except (ParseError, EncodeError) as error:
            raise ValueError(f"{message.DESCRIPTOR.full_name}: {error}") from None


CODECS = (JSONAsProtobuf(),)


def _new_message(options: Options) -> Message:
    if "message" in options:
        return options["message"]()  # type: ignore[no-any-return]
    from google.protobuf.struct_pb2 import Struct

    return Struct()


def _check_size(message: Message, budget: MemoryBudget) -> None:
    """Count the values of a message: packed numbers have a byte each, and defaults none."""
    from google.protobuf.message import Message

    budget.spend(len(message.DESCRIPTOR.fields) * _VALUE_SIZE)
    for _, value in message.ListFields():
        if isinstance(value, Message):
            _check_size(value, budget)
        elif not isinstance(value, str | bytes) and hasattr(value, "__len__"):
            budget.spend(len(value) * _VALUE_SIZE)
            for item in value.values() if isinstance(value, Mapping) else value:
                if not isinstance(item, Message):
                    break
                _check_size(item, budget)


def _refuse_inexact(value: Any) -> None:
    if isinstance(value, int) and abs(value) > MAX_EXACT_FLOAT:
        raise ValueError(f"a Struct's numbers are doubles, which cannot hold {value} exactly")
    children = value.values() if isinstance(value, dict) else value if type(value) is list else ()
    for child in children:
        _refuse_inexact(child)

"""Dicts as protobuf: google.protobuf.Struct, or a message class of the author's own.

A message is the dict of its JSON mapping, with the field names as they are declared: bytes are
base64, 64-bit integers are texts, and a field that was not sent is its default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import RequestError
from .base import Codec, Kind, Options
from .formats import Format
from .plain import checked, plain

if TYPE_CHECKING:
    from google.protobuf.message import Message

EXACT = 2**53  # beyond it a Struct, whose numbers are doubles, has no place for every integer


class TreeProtobuf(Codec[dict[str, Any]]):
    """The option `message` is the class; without it a Struct, whose numbers are all floats.

    Protobuf's own limit of depth, 100 messages, is met at about 33 levels of a Struct.
    """

    kind = Kind.JSON
    format = Format.PROTOBUF
    requires: ClassVar = {"google.protobuf": "protobuf"}

    def decode(self, data: bytes, options: Options) -> dict[str, Any]:
        from google.protobuf.json_format import Error, MessageToDict
        from google.protobuf.message import DecodeError
        from google.protobuf.unknown_fields import UnknownFieldSet

        message = _new(options)
        name = message.DESCRIPTOR.full_name
        try:
            message.ParseFromString(data)
            tree = MessageToDict(
                message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
        except (DecodeError, Error, ValueError, TypeError, RecursionError) as error:
            raise RequestError(f"this is not a protobuf {name}: {error}") from None
        if "message" not in options and len(UnknownFieldSet(message)):  # it has no newer versions
            raise RequestError(f"this is not a protobuf {name}: it has other fields")
        return checked(tree)  # type: ignore[no-any-return]

    def encode(self, value: dict[str, Any], options: Options) -> bytes:
        from google.protobuf.json_format import ParseDict, ParseError
        from google.protobuf.message import EncodeError

        message, tree = _new(options), plain(value)
        if not isinstance(tree, dict):
            raise TypeError("a protobuf message is made of a dict")
        if "message" not in options:
            _refuse_inexact(tree)
        try:
            ParseDict(tree, message)
            return message.SerializeToString(deterministic=True)
        except (ParseError, EncodeError) as error:
            raise ValueError(f"{message.DESCRIPTOR.full_name}: {error}") from None


def _new(options: Options) -> Message:
    if "message" in options:
        return options["message"]()  # type: ignore[no-any-return]
    from google.protobuf.struct_pb2 import Struct

    return Struct()


def _refuse_inexact(value: Any) -> None:
    if isinstance(value, int) and abs(value) > EXACT:
        raise ValueError(f"a Struct's numbers are doubles, which cannot hold {value}")
    for part in value.values() if isinstance(value, dict) else value if type(value) is list else ():
        _refuse_inexact(part)

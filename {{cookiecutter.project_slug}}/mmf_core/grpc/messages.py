"""The messages of gRPC: made at start, from descriptors.binpb, in a pool of this service's own.

Generated modules would be in the pool that all packages of a process share. There the messages of
a client's package, such as tritonclient, have the same names.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from ..errors import RequestError

_FILE = Path(__file__).with_name("descriptors.binpb")


@cache
def pool() -> DescriptorPool:
    """Return the pool with all files of protos/."""
    own = DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet.FromString(_FILE.read_bytes()).file
    for file in files:
        own.AddSerializedFile(file.SerializeToString())
    return own


@cache
def message_class(name: str) -> Any:
    """Return the class of a message: `message_class("inference.ModelInferRequest")`."""
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(name))


def parse(cls: Any, data: bytes) -> Any:
    """Read a message; RequestError if it cannot be."""
    try:
        return cls.FromString(data)
    except DecodeError:
        raise RequestError(
            f"expected a message {cls.DESCRIPTOR.full_name}, got {len(data)} bytes of another "
            f"kind; make the client's stub from this service's reflection"
        ) from None

"""JSON values: objects, and files with an object or a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..codecs import Kind, as_container
from ..errors import DescriptorError, InvalidValue
from .base import Descriptor


@dataclass(kw_only=True, eq=False)
class Dict(Descriptor[dict[str, Any]]):
    """An object, name → value: `dict` (name from MMF).

    - `message`: a class that protoc generated from a .proto file, for clients that send or accept
      protobuf; without it protobuf bodies are google.protobuf.Struct.

    A result may also be a namedtuple, a dataclass, a Series with labels or any mapping.

    >>> mmf.Dict().validate({"alcohol": 14.2, "tags": ["red", "dry"]})
    {'alcohol': 14.2, 'tags': ['red', 'dry']}
    """

    message: Any = None

    kind: ClassVar[Kind] = Kind.JSON

    def __post_init__(self) -> None:
        if self.message is not None and not hasattr(self.message, "DESCRIPTOR"):
            raise DescriptorError(f"message={self.message!r}: expected a protobuf message class")
        super().__post_init__()

    @property
    def options(self) -> dict[str, Any]:
        return {} if self.message is None else {"message": self.message}

    def validate(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InvalidValue(f"expected an object, got {type(value).__name__}")
        return value

    def to_output(self, result: Any) -> dict[str, Any]:
        container = as_container(result)
        return self.validate(container if isinstance(container, dict) else result)

    def guess(self) -> Any:
        return {"name": 1.5}

    def json_schema(self) -> dict[str, Any]:
        return {"type": "object"}

    def meta(self) -> dict[str, Any]:
        if self.message is None:
            return super().meta()
        return {**super().meta(), "message": self.message.DESCRIPTOR.full_name}


@dataclass(kw_only=True, eq=False)
class JsonFile(Descriptor[Any]):
    """A file with an object or a list, in JSON or a similar format: `dict` or `list`.

    A result may also be what becomes one of them in JSON, such as a DataFrame or an array (name
    from MMF).

    >>> mmf.JsonFile().validate([1, {"a": 2}])
    [1, {'a': 2}]
    """

    kind: ClassVar[Kind] = Kind.JSON
    is_file: ClassVar[bool] = True

    def validate(self, value: Any) -> Any:
        if not isinstance(value, dict | list):
            raise InvalidValue(f"expected an object or a list, got {type(value).__name__}")
        return value

    def to_output(self, result: Any) -> Any:
        return self.validate(as_container(result))

    def guess(self) -> Any:
        return [{"name": 1.5}]

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["object", "array"]}

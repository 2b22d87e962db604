"""The base of descriptors: the kind of a value, its validation and its output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from ..codecs import Format, Kind, find, writable
from ..errors import DescriptorError, InvalidValue

T = TypeVar("T")


class _Required:
    """Marks an argument without a default; None is a default like any other."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


@dataclass(kw_only=True, eq=False)
class Descriptor(Generic[T]):
    """One argument or result of a target.

    - `description`, `name`: texts for people; without `name` the argument's own name is shown.
    - `default`: the value of an argument that a request leaves out; without it, one is required.
    - `format`, `out_format`: the format of a result unless the client requests another, such as
      `mmf.XLSX` or `"xlsx"`. An argument is accepted in every format of its kind.
    """

    description: str = ""
    default: Any = REQUIRED
    name: str = ""
    format: Any = None
    out_format: Any = None
    output_format: Format = field(init=False, repr=False)

    kind: ClassVar[Kind]
    preferred: ClassVar[Format] = Format.JSON
    is_file: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.output_format = self._find_format()
        if self.default is not REQUIRED and self.default is not None:
            try:
                self.default = self.validate(self.default)
            except InvalidValue as error:
                raise DescriptorError(
                    f"{self.class_name}: default={self.default!r}: {error}"
                ) from error

    @property
    def class_name(self) -> str:
        """The name of this descriptor in `mmf.json`."""
        return type(self).__name__

    @property
    def required(self) -> bool:
        """Whether a request must have a value."""
        return self.default is REQUIRED

    @property
    def options(self) -> dict[str, Any]:
        """Options for the codecs of this kind."""
        return {}

    @property
    def output_formats(self) -> list[Format]:
        """The formats that a result can be sent in."""
        return writable(self.kind)

    @property
    def is_homogeneous(self) -> bool:
        """Whether all valid values have the same columns, in one block of one numeric type."""
        return False

    def validate(self, value: Any) -> T:
        """Return a decoded value as the function receives it; InvalidValue if it is invalid."""
        raise NotImplementedError

    def to_output(self, result: Any) -> Any:
        """Return the function's result as codecs encode it; InvalidValue if it is invalid."""
        return self.validate(result)

    def example(self) -> Any:
        """Return a plausible value, ready for JSON."""
        raise NotImplementedError

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of the value; slightly more may be accepted."""
        raise NotImplementedError

    def output_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a result."""
        return self.json_schema()

    @property
    def example_is_valid(self) -> bool:
        """Whether the declaration guarantees that the example is valid; otherwise it is a guess."""
        return False

    def meta(self) -> dict[str, Any]:
        """Describe this descriptor as MMF's `mmf.json` does; None for what was not given."""
        return {
            "default": str(None if self.required else self.default),
            "description": self.description or None,
            "name": self.name or None,
            "out_format": self.output_format.extension,
            "is_file": self.is_file,
            "class_name": self.class_name,
            "required": self.required,
        }

    def _find_format(self) -> Format:
        requested = self.format if self.format is not None else self.out_format
        if requested is None:
            return self.preferred
        if isinstance(requested, Format):
            output: Format | None = requested
        else:
            output = Format.of_extension(str(requested))
        codec = output and find(self.kind, output)
        if output and codec and output in self.output_formats:
            return output
        supported = ", ".join(format.extension for format in self.output_formats)
        raise DescriptorError(
            f"{self.class_name}: format={output.extension if output else requested!r}: "
            f"expected one of {supported}"
        )

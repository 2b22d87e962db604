"""The base of descriptors: the kind of a value, its validation and its output."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Self, TypeVar

from ..codecs import Format, Kind, find, json_of, plain, writable
from ..errors import DescriptorError, InvalidValue, RequestError
from .examples import fault_of

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
    - `example`: a value that the function can use, checked at start, shown by the API and the page,
      and sent by tests; without it a plausible value is made up.
    """

    description: str = ""
    default: Any = REQUIRED
    name: str = ""
    format: Any = None
    out_format: Any = None
    example: Any = None
    output_format: Format = field(init=False, repr=False)
    _plain_example: Any = field(init=False, repr=False, default=None)

    kind: ClassVar[Kind]
    preferred: ClassVar[Format] = Format.JSON
    is_file: ClassVar[bool] = False
    fits_query: ClassVar[bool] = False
    """Whether a value may be in a query string, and be text in a form."""

    def __post_init__(self) -> None:
        self.output_format = self._find_format()
        if self.default is not REQUIRED and self.default is not None:
            try:
                self.default = self.validate(self.default)
            except InvalidValue as error:
                raise DescriptorError(
                    f"{self.class_name}: default={self.default!r}: {error}"
                ) from error
        if self.example is not None:
            self._plain_example = self._checked(self.example)

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

    @property
    def needs_whole_table(self) -> bool:
        """Whether a row is valid only beside the others of its table, never in a part of it."""
        return False

    def validate(self, value: Any) -> T:
        """Return a decoded value as the function receives it; InvalidValue if it is invalid."""
        raise NotImplementedError

    def to_output(self, result: Any) -> Any:
        """Return the function's result as codecs encode it; InvalidValue if it is invalid."""
        return self.validate(result)

    def to_encodable(self, result: Any) -> Any:
        """Return what `to_output` does, or a `NumberTable` in its place."""
        return self.to_output(result)

    @property
    def plain_example(self) -> Any:
        """The author's example, or else a plausible value, ready for JSON."""
        return self.guess() if self.example is None else self._plain_example

    def guess(self) -> Any:
        """Return a plausible value, ready for JSON."""
        raise NotImplementedError

    def to_plain(self, example: Any) -> Any:
        """Return the author's example, ready for JSON; TypeError or ValueError if that fails."""
        return plain(example)

    def with_example(self, example: Any) -> Self:
        """Return this descriptor with an example; DescriptorError if that is invalid."""
        other = copy(self)
        vars(other).update(example=example, _plain_example=self._checked(example))
        return other

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of the value; slightly more may be accepted."""
        raise NotImplementedError

    def output_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a result."""
        return self.json_schema()

    @property
    def example_is_valid(self) -> bool:
        """Whether the declaration guarantees that a plausible value is valid."""
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

    def _checked(self, example: Any) -> Any:
        try:
            value = self.to_plain(example)
            self.validate(json_of(self.kind).from_plain(value, self.options))
        except (RequestError, DescriptorError, TypeError, ValueError) as error:
            raise DescriptorError(f"{self.class_name}: example: {fault_of(error)}") from error
        return value

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

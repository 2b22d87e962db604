"""What a descriptor is: the kind of a value, what makes it valid, and how it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from ..codecs import Format, Kind, find, writable
from ..errors import DescriptorError, InvalidValue

T = TypeVar("T")


class _Required:
    """Stands where an argument has no default; None is a default like any other."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


@dataclass(kw_only=True, eq=False)
class Descriptor(Generic[T]):
    """One argument or result of a target.

    `description` and `name` are for people; `default` makes an argument optional; `format` (or
    `out_format`, MMF's other name for it) is how a result is answered unless the caller asks
    for another. An argument is taken in every format of its kind.
    """

    description: str = ""
    default: Any = REQUIRED
    name: str = ""
    format: Any = None
    out_format: Any = None
    answer_format: Format = field(init=False, repr=False)

    kind: ClassVar[Kind]
    preferred: ClassVar[Format] = Format.JSON
    is_file: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.answer_format = self._find_format()
        if self.default is not REQUIRED and self.default is not None:
            try:
                self.default = self.validate(self.default)
            except InvalidValue as error:
                raise DescriptorError(
                    f"default={self.default!r} of a {self.class_name}: {error}"
                ) from error

    @property
    def class_name(self) -> str:
        """The name that `mmf.json` gives this descriptor."""
        return type(self).__name__

    @property
    def required(self) -> bool:
        """Whether a request must bring a value."""
        return self.default is REQUIRED

    @property
    def options(self) -> dict[str, Any]:
        """What the codecs of this kind are told beside the bytes."""
        return {}

    @property
    def is_homogeneous(self) -> bool:
        """Whether all checked values have the same columns, in one block of one type of numbers."""
        return False

    def validate(self, value: Any) -> T:
        """Return a decoded value as the function gets it; InvalidValue says what is wrong."""
        raise NotImplementedError

    def to_output(self, result: Any) -> Any:
        """Return what the function gave as codecs take it; InvalidValue if it is something else."""
        return self.validate(result)

    def example(self) -> Any:
        """Return a plausible value, ready for JSON."""
        raise NotImplementedError

    def json_schema(self) -> dict[str, Any]:
        """Return what the value is in JSON (JSON Schema 2020-12); a little more may be taken."""
        raise NotImplementedError

    def answer_schema(self) -> dict[str, Any]:
        """Return what a result is in JSON, where that differs from an argument."""
        return self.json_schema()

    @property
    def example_is_valid(self) -> bool:
        """Whether a function has to take the example, by what is declared; else it is a guess."""
        return False

    def rows(self, value: Any) -> int | None:
        """Return how many rows the value has, for logs; None where the word has no meaning."""
        return None

    def meta(self) -> dict[str, Any]:
        """Describe this descriptor with the keys of MMF's `mmf.json`."""
        return {
            "default": str(None if self.required else self.default),
            "description": self.description,
            "name": self.name,
            "out_format": self.answer_format.extension,
            "is_file": self.is_file,
            "class_name": self.class_name,
            "required": self.required,
        }

    def _find_format(self) -> Format:
        asked = self.format if self.format is not None else self.out_format
        if asked is None:
            return self.preferred
        found = asked if isinstance(asked, Format) else Format.of_extension(str(asked))
        codec = found and find(self.kind, found)
        if found is None or codec is None or not codec.writes:
            names = ", ".join(format.extension for format in writable(self.kind))
            raise DescriptorError(
                f"a {self.class_name} cannot be answered as {asked!r}; can be: {names}"
            )
        return found

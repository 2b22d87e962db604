"""Values that fit into a query string: texts and booleans, and the base of numbers and dates."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from ..codecs import Kind, plain, python_value
from ..errors import DescriptorError, InvalidValue, quoted
from .base import Descriptor
from .bounds import one_of
from .json_schemas import to_json, with_choices

T = TypeVar("T")


@dataclass(kw_only=True, eq=False)
class Scalar(Descriptor[T]):
    """A value that fits into a query string; text is parsed in requests, never in results.

    - `choices`: all allowed values.
    """

    choices: Sequence[T] | None = None

    kind: ClassVar[Kind] = Kind.SCALAR
    fits_query: ClassVar[bool] = True
    type_label: ClassVar[str]
    example_value: ClassVar[Any]  # ready for JSON
    schema: ClassVar[Mapping[str, Any]]  # JSON Schema of the type

    def __post_init__(self) -> None:
        if self.choices is not None:
            self.choices = self._converted_choices(self.choices)
        super().__post_init__()

    @abstractmethod
    def parse(self, text: str) -> T:
        """Parse text; ValueError if it does not represent such a value."""

    @abstractmethod
    def convert(self, value: Any) -> T:
        """Return a Python or NumPy value as this type; TypeError or ValueError if it is not one."""

    def allows(self, value: T) -> bool:
        """Return whether a value of the right type is allowed."""
        return self.choices is None or value in self.choices

    def hint(self, value: Any) -> str:
        """Return how to correct a value that is not of this type, or nothing."""
        return ""

    @property
    def expected(self) -> str:
        """The allowed values, for messages: `a number >= 0`, `one of "red", "white"`."""
        if self.choices is None:
            return self.type_label
        return one_of(self.choices)

    def validate(self, value: Any) -> T:
        try:
            converted = self.parse(value) if isinstance(value, str) else self.convert(value)
        except OverflowError:
            raise InvalidValue(
                f"expected {self.expected} of at most 64 bits, got {quoted(value)}"
            ) from None
        except (TypeError, ValueError):
            hint = self.hint(value)
            raise InvalidValue(
                f"expected {self.expected}, got {quoted(value)}{hint and f'; {hint}'}"
            ) from None
        if not self.allows(converted):
            raise InvalidValue(f"expected {self.expected}, got {quoted(value)}")
        return converted

    def to_output(self, result: Any) -> T:
        try:
            value = self.convert(result)
        except (TypeError, ValueError, OverflowError):
            raise InvalidValue(f"expected {self.expected}, got {type(result).__name__}") from None
        if not self.allows(value):
            raise InvalidValue(f"expected {self.expected}, got {quoted(value)}")
        return value

    def guess(self) -> Any:
        default = None if self.required else plain(self.default)
        if default is not None:
            return default
        return to_json(self.choices[0]) if self.choices else self.example_value

    def json_schema(self) -> dict[str, Any]:
        return with_choices(self.schema, self.choices)

    @property
    def example_is_valid(self) -> bool:
        return self.choices is not None

    def meta(self) -> dict[str, Any]:
        choices = {} if self.choices is None else {"choices": list(self.choices)}
        return {**super().meta(), **choices}

    def _converted_choices(self, choices: Sequence[T]) -> tuple[T, ...]:
        try:
            converted = () if isinstance(choices, str) else tuple(map(self.convert, choices))
        except (TypeError, ValueError, OverflowError):
            converted = ()
        if not converted:
            raise DescriptorError(
                f"choices={choices!r}: expected a non-empty list, each value {self.type_label}"
            )
        return converted


class String(Scalar[str]):
    """Text: `str` (name from MMF).

    >>> mmf.String(choices=["red", "white"]).validate("pink")
    Traceback (most recent call last):
        ...
    mmf_core.errors.InvalidValue: expected one of "red", "white", got "pink"
    """

    type_label = "text"
    example_value = "text"
    schema: ClassVar = {"type": "string"}

    def parse(self, text: str) -> str:
        return text

    def convert(self, value: Any) -> str:
        value = python_value(value)
        if not isinstance(value, str):
            raise TypeError
        return value


class Bool(Scalar[bool]):
    """True or false: `bool`; as text also yes/no, on/off, 1/0 (name from MMF).

    >>> mmf.Bool().validate("yes")
    True
    """

    type_label = "true or false"
    example_value = True
    schema: ClassVar = {"type": "boolean"}
    words: ClassVar[dict[str, bool]] = {
        **dict.fromkeys(("true", "1", "yes", "on"), True),
        **dict.fromkeys(("false", "0", "no", "off"), False),
    }

    @property
    def example_is_valid(self) -> bool:
        return True

    def parse(self, text: str) -> bool:
        if (word := text.strip().lower()) not in self.words:
            raise ValueError
        return self.words[word]

    def convert(self, value: Any) -> bool:
        value = python_value(value)
        if not isinstance(value, bool):
            raise TypeError
        return value

"""Values that fit into a query string; here texts, bools and dates. Numbers are in numbers.py."""

from __future__ import annotations

import reprlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from ..codecs import Kind
from ..errors import DescriptorError, InvalidValue
from .base import Descriptor
from .json_schemas import MOMENT, chosen

T = TypeVar("T")


@dataclass(kw_only=True, eq=False)
class Scalar(Descriptor[T]):
    """A value that fits into a query string: text is parsed on the way in, never on the way out.

    `choices` lists the only values that there may be.
    """

    choices: Sequence[T] | None = None

    kind: ClassVar[Kind] = Kind.SCALAR
    type_label: ClassVar[str]
    example_value: ClassVar[Any]  # an example, ready for JSON
    schema: ClassVar[Mapping[str, Any]]  # what the type is in JSON Schema

    def __post_init__(self) -> None:
        if self.choices is not None:
            self.choices = self._own_choices(self.choices)
        super().__post_init__()

    @abstractmethod
    def parse(self, text: str) -> T:
        """Read the value from text; ValueError if it is something else."""

    @abstractmethod
    def convert(self, value: Any) -> T:
        """Return the value if it is one, or a NumPy scalar; TypeError or ValueError if not."""

    def allows(self, value: T) -> bool:
        """Tell whether a value of the right type is one of those that are wanted."""
        return self.choices is None or value in self.choices

    @property
    def expected(self) -> str:
        """What a client is to send, in words."""
        if self.choices is None:
            return self.type_label
        return f"one of {', '.join(map(_short, self.choices))}"

    def validate(self, value: Any) -> T:
        try:
            found = self.parse(value) if isinstance(value, str) else self.convert(value)
        except OverflowError:
            raise InvalidValue(
                f"send {self.expected} of at most 64 bits, not {_short(value)}"
            ) from None
        except (TypeError, ValueError):
            raise InvalidValue(f"send {self.expected}, not {_short(value)}") from None
        if not self.allows(found):
            raise InvalidValue(f"send {self.expected}, not {_short(value)}")
        return found

    def to_output(self, result: Any) -> T:
        try:
            value = self.convert(result)
        except (TypeError, ValueError, OverflowError):
            raise InvalidValue(
                f"{self.expected} is declared, not a {type(result).__name__}"
            ) from None
        if not self.allows(value):
            raise InvalidValue(f"{self.expected} is declared, not {_short(value)}")
        return value

    def example(self) -> Any:
        return self.choices[0] if self.choices else self.example_value

    def json_schema(self) -> dict[str, Any]:
        return chosen(self.schema, self.choices)

    @property
    def example_is_valid(self) -> bool:
        return self.choices is not None

    def meta(self) -> dict[str, Any]:
        listed = {} if self.choices is None else {"choices": list(self.choices)}
        return {**super().meta(), **listed}

    def _own_choices(self, choices: Sequence[T]) -> tuple[T, ...]:
        try:
            found = () if isinstance(choices, str) else tuple(map(self.convert, choices))
        except (TypeError, ValueError, OverflowError):
            found = ()
        if not found:
            raise DescriptorError(f"choices={choices!r}: list {self.type_label} or several")
        return found


def _short(value: Any) -> str:
    return reprlib.repr(value)


def unwrap(value: Any) -> Any:
    """Return a NumPy scalar or one-element array as the Python value that it holds."""
    return value.item() if hasattr(value, "item") else value


class String(Scalar[str]):
    """Text (name from MMF)."""

    type_label = "a text"
    example_value = "text"
    schema: ClassVar = {"type": "string"}

    def parse(self, text: str) -> str:
        return text

    def convert(self, value: Any) -> str:
        value = unwrap(value)
        if not isinstance(value, str):
            raise TypeError
        return value


class Bool(Scalar[bool]):
    """True or false; as text also yes/no, on/off, 1/0 (name from MMF)."""

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
        value = unwrap(value)
        if not isinstance(value, bool):
            raise TypeError
        return value


class Datetime(Scalar[datetime]):
    """A moment in ISO 8601, with a zone if it has one (name from MMF)."""

    type_label = "a date and time in ISO 8601, as in 2026-01-31T12:00:00+03:00"
    example_value = "2026-01-31T12:00:00+00:00"
    schema: ClassVar = MOMENT

    def parse(self, text: str) -> datetime:
        return datetime.fromisoformat(text)

    def convert(self, value: Any) -> datetime:
        if not isinstance(value, datetime):
            raise TypeError
        return value

"""Strings, numbers, bools and dates: one value each."""

from __future__ import annotations

import reprlib
from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from ..codecs import Kind
from ..errors import InvalidValue
from .base import Descriptor

T = TypeVar("T")


@dataclass(kw_only=True, eq=False)
class Scalar(Descriptor[T]):
    """A value that fits into a query string: text is parsed on the way in, never on the way out."""

    kind: ClassVar[Kind] = Kind.SCALAR
    noun: ClassVar[str]

    @abstractmethod
    def parse(self, text: str) -> T:
        """Read the value from text; ValueError if it is something else."""

    @abstractmethod
    def convert(self, value: Any) -> T:
        """Return the value if it is one, or a NumPy scalar; TypeError or ValueError if not."""

    def check(self, value: Any) -> T:
        try:
            return self.parse(value) if isinstance(value, str) else self.convert(value)
        except (TypeError, ValueError, OverflowError):
            raise InvalidValue(f"send {self.noun}, not {_short(value)}") from None

    def present(self, result: Any) -> T:
        try:
            return self.convert(result)
        except (TypeError, ValueError, OverflowError):
            raise InvalidValue(f"{self.noun} is declared, not a {type(result).__name__}") from None


def _short(value: Any) -> str:
    return reprlib.repr(value)


def _unwrap(value: Any) -> Any:
    """Return a NumPy scalar or one-element array as the Python value that it holds."""
    return value.item() if hasattr(value, "item") else value


class String(Scalar[str]):
    """Text (name from MMF)."""

    noun = "a text"

    def parse(self, text: str) -> str:
        return text

    def convert(self, value: Any) -> str:
        value = _unwrap(value)
        if not isinstance(value, str):
            raise TypeError
        return value

    def example(self) -> str:
        return "text"


class Integer(Scalar[int]):
    """A whole number; 3.0 is one, 3.5 and true are not (name from MMF)."""

    noun = "a whole number"

    def parse(self, text: str) -> int:
        return int(text)

    def convert(self, value: Any) -> int:
        value = _unwrap(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise TypeError
        return int(value)

    def example(self) -> int:
        return 1


class Float(Scalar[float]):
    """A number; null is NaN (name from MMF)."""

    noun = "a number"

    def parse(self, text: str) -> float:
        return float(text)

    def convert(self, value: Any) -> float:
        value = _unwrap(value)
        if value is None:
            return float("nan")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError
        return float(value)

    def example(self) -> float:
        return 0.5


class Bool(Scalar[bool]):
    """True or false; as text also yes/no, on/off, 1/0 (name from MMF)."""

    noun = "true or false"
    words: ClassVar[dict[str, bool]] = {
        **dict.fromkeys(("true", "1", "yes", "on"), True),
        **dict.fromkeys(("false", "0", "no", "off"), False),
    }

    def parse(self, text: str) -> bool:
        if (word := text.strip().lower()) not in self.words:
            raise ValueError
        return self.words[word]

    def convert(self, value: Any) -> bool:
        value = _unwrap(value)
        if not isinstance(value, bool):
            raise TypeError
        return value

    def example(self) -> bool:
        return True


class Datetime(Scalar[datetime]):
    """A moment in ISO 8601, with a zone if it has one (name from MMF)."""

    noun = "a date and time in ISO 8601, as in 2026-01-31T12:00:00+03:00"

    def parse(self, text: str) -> datetime:
        return datetime.fromisoformat(text)

    def convert(self, value: Any) -> datetime:
        if not isinstance(value, datetime):
            raise TypeError
        return value

    def example(self) -> str:
        return "2026-01-31T12:00:00+00:00"

"""Dates, and dates with times, as values that fit into a query string."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, ClassVar

from .date_times import parse_date_time
from .json_schemas import DATE, DATETIME, moment_schema, with_choices
from .scalars import Scalar
from .zones import zone_of

_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Date(Scalar[date]):
    """A day in ISO 8601: `date`.

    A result may also be a midnight without a UTC offset, or NaT, which is null.

    >>> mmf.Date().validate("2026-01-31")
    datetime.date(2026, 1, 31)
    """

    type_label = "an ISO 8601 date such as 2026-01-31"
    example_value = "2026-01-31"
    schema: ClassVar = DATE

    def parse(self, text: str) -> date:
        if not _DATE.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)

    def convert(self, value: Any) -> date:
        value = _python_moment(value)
        if not isinstance(value, date) or value != value:  # noqa: PLR0124 - NaT
            raise TypeError
        if not isinstance(value, datetime):
            return value
        if value.timetz() != time.min or getattr(value, "nanosecond", None):
            raise ValueError
        return value.date()

    def to_output(self, result: Any) -> Any:
        return None if self.choices is None and _is_nat(result) else super().to_output(result)

    def output_schema(self) -> dict[str, Any]:
        return with_choices(self.schema, self.choices, nullable=self.choices is None)


@dataclass(kw_only=True, eq=False)
class Datetime(Scalar[datetime]):
    """A date and time in ISO 8601: `datetime` (name from MMF).

    A result may also be NaT, which is null.

    - `tz`: without it, the UTC offset is as it was sent, or missing. With a zone, "UTC" or
      "Europe/Berlin", any offset is converted, and a time without one is the local time there,
      unless clocks skip or repeat it; that is an error. With "naive", an offset is an error.

    >>> mmf.Datetime().validate("2026-01-31T12:00:00+03:00").isoformat()
    '2026-01-31T12:00:00+03:00'
    >>> mmf.Datetime(tz="Europe/Berlin").validate("2026-01-31T12:00:00+03:00").isoformat()
    '2026-01-31T10:00:00+01:00'
    """

    tz: str | None = None

    type_label = "an ISO 8601 date and time such as 2026-01-31T12:00:00+03:00"
    example_value = "2026-01-31T12:00:00+00:00"
    schema: ClassVar = DATETIME

    def __post_init__(self) -> None:
        self._zone = zone_of(self.tz)
        super().__post_init__()

    @property
    def expected(self) -> str:
        if self._zone is None or self.choices is not None:
            return super().expected
        return f"{self._zone.type_label}, in ISO 8601"

    def parse(self, text: str) -> datetime:
        return self.convert(parse_date_time(text))

    def convert(self, value: Any) -> datetime:
        if not isinstance(value, datetime) or value != value:  # noqa: PLR0124 - NaT
            raise TypeError
        placed = value if self._zone is None else self._zone.place(value)
        if placed is None:
            raise ValueError
        return placed

    def hint(self, value: Any) -> str:
        if self._zone is not None:
            with suppress(ValueError, TypeError):
                moment = parse_date_time(value) if isinstance(value, str) else value
                return self._zone.doubt(moment) if isinstance(moment, datetime) else ""
        return ""

    def to_output(self, result: Any) -> Any:
        return None if self.choices is None and _is_nat(result) else super().to_output(result)

    def guess(self) -> Any:
        if self._zone is None or self.choices is not None or not self.required:
            return super().guess()
        moment = self._zone.place(datetime.fromisoformat("2026-01-31T12:00:00"))
        return moment.isoformat() if moment else self.example_value

    def json_schema(self) -> dict[str, Any]:
        return with_choices(moment_schema(self._zone), self.choices)

    def output_schema(self) -> dict[str, Any]:
        schema = moment_schema(self._zone)
        return with_choices(schema, self.choices, nullable=self.choices is None)

    def meta(self) -> dict[str, Any]:
        return {**super().meta(), **({} if self.tz is None else {"tz": self.tz})}


def _is_nat(value: Any) -> bool:
    is_date = isinstance(value, datetime) or type(value).__name__ == "datetime64"
    return bool(is_date and value != value)  # noqa: PLR0124 - NaT alone is


def _python_moment(value: Any) -> Any:
    """Return a NumPy date as Python's, if that holds it."""
    return value.item() if type(value).__name__ == "datetime64" else value

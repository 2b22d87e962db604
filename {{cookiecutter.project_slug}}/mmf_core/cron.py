"""Cron expressions: five fields, as crontab(5) has them. All times are UTC.

    minute 0-59 · hour 0-23 · day of the month 1-31 · month 1-12 or jan-dec · weekday 0-7 or sun-sat

A field is `*`, or a list of numbers and ranges, each range perhaps with a step: `*/15`, `1-5`,
`mon-fri`, `0,30`. 0 and 7 are Sunday. Where both the day of the month and the weekday are
restricted, either is enough. `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` are short for
the beginning of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Self

from .errors import quoted

_SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]  # days of the months of a leap year
_NAMES = {
    "month": "jan feb mar apr may jun jul aug sep oct nov dec",
    "weekday": "sun mon tue wed thu fri sat",
}
_FIELDS = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day": (1, 31),
    "month": (1, 12),
    "weekday": (0, 7),
}
_SUNDAY = 7


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """The minutes at which something is to run; `either_day`: by date or by weekday."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an expression; ValueError says what is wrong with it."""
        fields = _SHORT.get(text.strip().lower(), text).lower().split()
        if len(fields) != len(_FIELDS):
            raise ValueError(
                f'expected five fields, such as "0 3 * * *" for each day at 3:00 UTC, '
                f"got {quoted(text)}"
            )
        minutes, hours, days, months, weekdays = (
            _numbers(name, field) for name, field in zip(_FIELDS, fields, strict=True)
        )
        either_day = not (fields[2].startswith("*") or fields[4].startswith("*"))
        if not either_day and min(days) > max(_LONGEST[month - 1] for month in months):
            raise ValueError(f"{quoted(text)} matches no date")
        weekdays = frozenset(number % _SUNDAY for number in weekdays)
        return cls(minutes, hours, days, months, weekdays, either_day)

    def latest(self, after: float, until: float) -> float | None:
        """Return the last of its minutes in (after, until], in seconds since 1970; else None."""
        end, day = datetime.fromtimestamp(until, UTC), datetime.fromtimestamp(until, UTC).date()
        first = datetime.fromtimestamp(after, UTC).date()
        while day >= first:
            if self._is_on(day.month, day.day, day.isoweekday() % _SUNDAY):
                for hour in sorted(self.hours, reverse=True):
                    for minute in sorted(self.minutes, reverse=True):
                        moment = datetime.combine(day, time(hour, minute), UTC)
                        if moment <= end:
                            return seconds if (seconds := moment.timestamp()) > after else None
            day -= timedelta(days=1)
        return None

    def _is_on(self, month: int, day: int, weekday: int) -> bool:
        by_date, by_weekday = day in self.days, weekday in self.weekdays
        is_day = by_date or by_weekday if self.either_day else by_date and by_weekday
        return month in self.months and is_day


def _numbers(name: str, field: str) -> frozenset[int]:
    """Return the numbers that one field stands for."""
    numbers: set[int] = set()
    for part in field.split(","):
        span, has_step, step = part.partition("/")
        low, is_range, high = span.partition("-")
        if span == "*":
            first, last = _FIELDS[name]
            is_range = "-"
        else:
            first = _number(name, low, field)
            last = _number(name, high, field) if is_range else first
        if has_step and not (is_range and step.isascii() and step.isdecimal() and int(step)):
            raise _invalid(name, field)
        if first > last:
            raise _invalid(name, field)
        numbers.update(range(first, last + 1, int(step) if has_step else 1))
    return frozenset(numbers)


def _number(name: str, text: str, field: str) -> int:
    low, high = _FIELDS[name]
    if text in (names := _NAMES.get(name, "").split()):
        return low + names.index(text)
    if not (text.isascii() and text.isdecimal() and low <= float(text) <= high):
        raise _invalid(name, field)
    return int(text)


def _invalid(name: str, field: str) -> ValueError:
    low, high = _FIELDS[name]
    return ValueError(f"{name}: expected *, or numbers {low} to {high}, got {quoted(field)}")

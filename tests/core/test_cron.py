"""Cron expressions: their minutes, compared with a table of weekdays and dates from `calendar`."""

import calendar
from datetime import UTC, datetime, timedelta

import pytest

import mmf_core as mmf
from mmf_core.cron import CronSchedule
from mmf_core.errors import DeclarationError


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def latest(expression: str, after: str, until: str) -> str:
    """Return the last time of an expression in (after, until]; "" if there is none."""
    time = CronSchedule.parse(expression).latest(at(after), at(until))
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M}" if time is not None else ""


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * *", "2026-03-18 12:34"),
        ("0 3 * * *", "2026-03-18 03:00"),
        ("35 12 * * *", "2026-03-17 12:35"),
        ("*/15 * * * *", "2026-03-18 12:30"),
        ("10-50/20 1,22 * * *", "2026-03-18 01:50"),
        ("0 0 * * mon", "2026-03-16 00:00"),
        ("0 0 * * 0", "2026-03-15 00:00"),
        ("0 0 * * 7", "2026-03-15 00:00"),
        ("0 0 * * fri-sat", "2026-03-14 00:00"),
        ("0 0 13 * 5", "2026-03-13 00:00"),
        ("0 0 17 * 1", "2026-03-17 00:00"),  # either the 17th or a Monday
        ("0 0 */2 * 1", "2026-03-09 00:00"),  # a `*` restricts with the weekday: both
        ("0 0 29 2 *", "2024-02-29 00:00"),
        ("59 23 31 DEC *", "2025-12-31 23:59"),
        ("@daily", "2026-03-18 00:00"),
        ("@weekly", "2026-03-15 00:00"),
        ("@monthly", "2026-03-01 00:00"),
        ("@yearly", "2026-01-01 00:00"),
        ("@hourly", "2026-03-18 12:00"),
    ],
)
def test_latest_time(expression: str, expected: str) -> None:
    assert latest(expression, "2020-01-01", "2026-03-18 12:34:56") == expected


def test_bounds_are_half_open() -> None:
    assert latest("0 3 * * *", "2026-03-18 02:59:59", "2026-03-18 03:00:00") == "2026-03-18 03:00"
    assert latest("0 3 * * *", "2026-03-18 03:00:00", "2026-03-19 02:59:59") == ""
    assert latest("0 3 * * *", "2026-03-18 12:00", "2026-03-18 11:00") == ""


def test_matches_the_calendar_over_two_years() -> None:
    schedule = CronSchedule.parse("30 4,16 1-7 * fri")  # in the first week, or on Fridays
    expected = [
        datetime(year, month, day, hour, 30, tzinfo=UTC)
        for year in (2027, 2028)
        for month in range(1, 13)
        for day in range(1, calendar.monthrange(year, month)[1] + 1)
        if day <= 7 or calendar.weekday(year, month, day) == calendar.FRIDAY
        for hour in (4, 16)
    ]
    times, end = [], datetime(2029, 1, 1, tzinfo=UTC) - timedelta(minutes=1)
    start = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    until = end.timestamp()
    while (moment := schedule.latest(start, until)) is not None:
        times.append(datetime.fromtimestamp(moment, UTC))
        until = moment - 1
    assert times[::-1] == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "five fields"),
        ("0 3 * *", "five fields"),
        ("0 3 * * * *", "five fields"),
        ("@reboot", "five fields"),
        ("60 * * * *", "minute: expected"),
        ("* 24 * * *", "hour: expected"),
        ("* * 0 * *", "day: expected"),
        ("* * 32 * *", "day: expected"),
        ("* * * 13 *", "month: expected"),
        ("* * * * 8", "weekday: expected"),
        ("5-1 * * * *", "minute: expected"),
        ("*/0 * * * *", "minute: expected"),
        ("5/10 * * * *", "minute: expected"),
        ("1,,2 * * * *", "minute: expected"),
        ("-1 * * * *", "minute: expected"),
        ("1e1 * * * *", "minute: expected"),
        ("٣ * * * *", "minute: expected"),
        ("* * * * monday", "weekday: expected"),
        ("0 0 31 2,4 *", "matches no date"),
        ("0 0 30 feb *", "matches no date"),
    ],
)
def test_rejects_invalid_expressions(expression: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CronSchedule.parse(expression)
    with pytest.raises(DeclarationError, match=words):
        mmf.Registry().target(schedule=expression)


def test_schedule_is_a_text_on_a_target_without_required_arguments() -> None:
    with pytest.raises(DeclarationError, match="schedule=3: expected a text"):
        mmf.Registry().target(schedule=3)

    def predict(data: object = mmf.DataFrame()) -> None: ...

    with pytest.raises(DeclarationError, match="predict: schedule= calls it without arguments"):
        mmf.Registry().target(schedule="@daily")(predict)

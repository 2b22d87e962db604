"""Dates, and times in a zone: as scalars and as columns."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mmf_core as mmf
from cpu_time import at_most
from mmf_core.errors import DescriptorError, InvalidValue

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 1, 31)
MOSCOW = timezone(timedelta(hours=3))
SKIPPED, REPEATED = "2026-03-29T02:30:00", "2026-10-25T02:30:00"
ZONED = mmf.Column(datetime, tz="Europe/Berlin")
NAIVE = mmf.Column(datetime, tz="naive")


def check(column: Any, *cells: object) -> "pd.Series[Any]":
    checked: pd.Series[Any] = mmf.DataFrame(schema={"a": column}).validate(
        pd.DataFrame({"a": pd.Series(cells, dtype=object)})
    )["a"]
    return checked


def messages(column: Any, *cells: object) -> dict[int, str]:
    with pytest.raises(InvalidValue) as caught:
        check(column, *cells)
    return {error.row or 0: error.message for error in caught.value.errors}


@pytest.mark.parametrize(
    "value",
    ["2026-01-31", DAY, datetime(2026, 1, 31), pd.Timestamp(DAY), np.datetime64("2026-01-31")],
)
def test_accepts_dates(value: Any) -> None:
    day = mmf.Date().validate(value)
    assert (day, type(day)) == (DAY, date)


@pytest.mark.parametrize(
    "value",
    [
        *("", "x", "20260131", "2026-1-31", "2026-02-30", "31.01.2026", "2026-01-31T00:00:00"),
        *(5, None, True, pd.NaT, datetime(2026, 1, 31, 1), datetime(2026, 1, 31, tzinfo=UTC)),
        *(pd.Timestamp("2026-01-31 00:00:00.000000001"), np.datetime64("2026-01-31T01")),
    ],
)
def test_rejects_other_values_as_dates(value: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^expected an ISO 8601 date such as 2026-01-31, got "):
        mmf.Date().validate(value)


def test_date_schema_and_meta() -> None:
    assert mmf.Date().json_schema() == {"type": "string", "format": "date"}
    assert mmf.Date().output_schema()["type"] == ["string", "null"]
    assert mmf.Date().meta()["class_name"] == "Date"
    days = mmf.Date(choices=[DAY], default=DAY)
    assert days.json_schema()["enum"] == ["2026-01-31"] == [days.plain_example]
    with pytest.raises(InvalidValue, match="one of"):
        days.validate("2026-02-01")


def test_nat_result_is_null() -> None:
    assert mmf.Date().to_output(pd.NaT) is None
    assert mmf.Date().to_output(np.datetime64("NaT")) is None
    with pytest.raises(InvalidValue):
        mmf.Date().to_output(datetime(2026, 1, 31, 12))


@pytest.mark.parametrize(
    ("tz", "text", "expected"),
    [
        (None, "2026-01-31T12:00", datetime(2026, 1, 31, 12)),
        (None, "2026-01-31T12:00+03:00", datetime(2026, 1, 31, 12, tzinfo=MOSCOW)),
        ("naive", "2026-01-31T12:00", datetime(2026, 1, 31, 12)),
        ("naive", SKIPPED, datetime(2026, 3, 29, 2, 30)),
        ("UTC", "2026-01-31T12:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("UTC", "2026-01-31T12:00+03:00", datetime(2026, 1, 31, 9, tzinfo=UTC)),
        ("Europe/Berlin", "2026-01-31T12:00", datetime(2026, 1, 31, 12, tzinfo=BERLIN)),
        ("Europe/Berlin", "2026-07-31T12:00Z", datetime(2026, 7, 31, 14, tzinfo=BERLIN)),
        ("Europe/Berlin", f"{SKIPPED}+01:00", datetime(2026, 3, 29, 3, 30, tzinfo=BERLIN)),
        (
            "Europe/Berlin",
            f"{REPEATED}+01:00",
            datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
        ),
    ],
)
def test_tz_localizes_naive_times(tz: str | None, text: str, expected: datetime) -> None:
    for checked in (
        mmf.Datetime(tz=tz).validate(text),
        check(mmf.Column(datetime, tz=tz), text)[0],
    ):
        assert checked == expected
        assert checked.isoformat() == expected.isoformat()


@pytest.mark.parametrize(
    ("tz", "text", "expected"),
    [
        ("naive", "2026-01-31T12:00Z", "a date and time without a UTC offset"),
        ("Europe/Berlin", SKIPPED, "clocks in Europe/Berlin skip this time; add the UTC offset"),
        ("Europe/Berlin", REPEATED, "clocks in Europe/Berlin repeat this time"),
        ("Europe/Berlin", "yesterday", "in Europe/Berlin unless it has a UTC offset"),
        ("Europe/Berlin", "9999-12-31T23:30Z", "in Europe/Berlin unless"),
        ("Europe/Berlin", "0001-01-01T00:00", "in Europe/Berlin unless"),
        ("America/New_York", "0001-01-01T00:30Z", "in America/New_York unless"),
        ("America/New_York", "9999-12-31T23:30", "in America/New_York unless"),
        ("Asia/Tokyo", "9999-12-31T23:30Z", "in Asia/Tokyo unless"),
    ],
)
def test_rejects_invalid_time_for_tz(tz: str, text: str, expected: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        mmf.Datetime(tz=tz).validate(text)
    (message,) = messages(mmf.Column(datetime, tz=tz), text).values()
    assert expected in caught.value.detail
    assert expected in message


DAYS = timedelta(days=2)
OFFSETS = st.sampled_from([None, UTC, MOSCOW, timezone(-timedelta(hours=14))])
MOMENTS = (
    st.datetimes(
        datetime(2020, 1, 1),
        datetime(2060, 1, 1),
        timezones=st.sampled_from([None, UTC, MOSCOW, BERLIN]),
    )
    | st.datetimes(datetime.min, datetime.min + DAYS, timezones=OFFSETS)
    | st.datetimes(datetime.max - DAYS, datetime.max, timezones=OFFSETS)
)


@given(
    st.lists(MOMENTS, min_size=1, max_size=5),
    st.sampled_from(["naive", "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.booleans(),
)
def test_column_and_scalar_agree(moments: list[datetime], tz: str, as_text: bool) -> None:
    """With mixed offsets, each cell is what it would be alone."""
    cells = [moment.isoformat() if as_text else moment for moment in moments]
    scalar, column = mmf.Datetime(tz=tz), mmf.Column(datetime, tz=tz)
    expected: list[Any] = []
    for cell in cells:
        try:
            expected.append(scalar.validate(cell))
        except InvalidValue:
            expected.append(None)
    if None in expected:
        assert list(messages(column, *cells)) == [
            row for row, moment in enumerate(expected) if moment is None
        ]
    else:
        checked = check(column, *cells)
        assert [moment.isoformat() for moment in checked] == [
            moment.isoformat() for moment in expected
        ]
        assert checked.dtype == ("datetime64[us]" if tz == "naive" else f"datetime64[us, {tz}]")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_pandas_datetimes_are_converted_to_the_zone(unit: Any, zone: str | None) -> None:
    moments = pd.to_datetime(["2026-01-31T12:00", "2026-07-31T12:00"]).as_unit(unit)
    table = pd.DataFrame({"a": moments.tz_localize(zone)})
    checked = mmf.DataFrame(schema={"a": ZONED}).validate(table)["a"]
    expected = moments.tz_localize(zone or "Europe/Berlin").tz_convert("Europe/Berlin")
    assert checked.dtype == "datetime64[us, Europe/Berlin]"
    assert checked.tolist() == expected.tolist()


@pytest.mark.parametrize(
    "cell",
    [
        lambda time: f"0001-01-01T{time}",
        lambda time: f"9999-12-31T{time}",
        lambda time: f"2026-01-01T{time}{'+05:00' if int(time[-1]) % 2 else ''}",
    ],
    ids=["first day", "last day", "offsets"],
)
def test_edge_dates_and_mixed_offsets_are_fast(
    cell: Callable[[str], str],
) -> None:
    """Each cell was localized separately, in ten microseconds."""
    start = datetime(2026, 1, 1)
    moments = (start + timedelta(microseconds=row) for row in range(100_000))
    cells = [cell(f"{moment:%H:%M:%S.%f}") for moment in moments]
    table = pd.DataFrame({"a": cells})
    with at_most(seconds=0.5), suppress(InvalidValue):
        mmf.DataFrame(schema={"a": ZONED}).validate(table)


def test_nulls_in_zoned_columns() -> None:
    column = mmf.Column(datetime | None, tz="Europe/Berlin")
    assert check(column, None, "2026-01-31").isna().tolist() == [True, False]
    assert check(column, None, "2026-01-31", "2026-01-31T00:00Z").isna().tolist() == [
        True,
        False,
        False,
    ]
    assert check(column, None).dtype == "datetime64[us, Europe/Berlin]"
    assert messages(ZONED, None) == {0: f"expected {ZONED.type_label}, got an empty cell"}


def test_date_column_is_midnights() -> None:
    checked = check(date, "2026-01-31", DAY, datetime(2026, 1, 31), "2026-01-31T00:00:00")
    assert checked.dtype == "datetime64[us]"
    assert set(checked) == {pd.Timestamp(DAY)}
    assert check(date | None, None, DAY).isna().tolist() == [True, False]
    assert messages(date, "2026-01-31", "2026-01-31T01:00", "2026-01-31Z", "x", 5, None) == {
        1: 'expected a date, got "2026-01-31T01:00"; write it as 2026-01-31',
        2: 'expected a date, got "2026-01-31Z"; write it as 2026-01-31',
        3: 'expected a date, got "x"; write it as 2026-01-31',
        4: "expected a date, got 5",
        5: "expected a date, got an empty cell",
    }


def test_date_bounds_and_choices() -> None:
    late = mmf.Column(date, gt=DAY, le=date(2026, 3, 1), description="delivered")
    assert late.example() == "2026-03-01"
    assert check(late, "2026-02-01").tolist() == [pd.Timestamp(2026, 2, 1)]
    assert messages(late, "2026-01-31")[0].startswith("expected a date > 2026-01-31 and <= 2026-03")
    days = mmf.Column(date, choices=[DAY, date(2026, 2, 1)], category=True)
    assert check(days, "2026-02-01").cat.codes.tolist() == [1]
    assert messages(days, "2026-02-02")
    assert mmf.Column(date, gt=DAY, lt=date(2026, 3, 1)).example() == "2026-02-01"
    assert mmf.Column(date, gt=DAY).json_schema()["description"] == "a date > 2026-01-31"
    assert repr(late) == (
        "mmf.Column(date, gt=date.fromisoformat('2026-01-31'), "
        "le=date.fromisoformat('2026-03-01'), description='delivered')"
    )


def test_date_results() -> None:
    result = mmf.DataFrame(schema={"a": date | None}).to_output(
        pd.DataFrame({"a": pd.to_datetime(["2026-01-31", None])})
    )
    assert result["a"].tolist() == [DAY, None]


def test_naive_bounds_and_choices_are_local_times() -> None:
    column = mmf.Column(datetime, tz="Europe/Berlin", ge=datetime(2026, 7, 1, 12))
    assert column.ge == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert len(check(column, "2026-07-01T12:00", "2026-07-01T10:00Z")) == 2
    assert messages(column, "2026-07-01T09:59Z")
    assert column.example() == "2026-07-01T12:00:00+02:00"
    noon = mmf.Column(datetime, tz="Europe/Berlin", choices=[datetime(2026, 7, 1, 12)])
    assert len(check(noon, "2026-07-01T10:00Z")) == 1
    assert messages(noon, "2026-07-01T12:00Z")
    for wrong in (datetime.fromisoformat(SKIPPED), DAY, "2026-01-31"):
        with pytest.raises(DescriptorError, match=r"^ge=.*expected a date and time, in Europe"):
            mmf.Column(datetime, tz="Europe/Berlin", ge=wrong)
    with pytest.raises(DescriptorError, match=r"^ge=.*expected a date"):
        mmf.Column(date, ge=datetime(2026, 1, 31))


def test_zone_is_described() -> None:
    column, scalar = mmf.Column(datetime, tz="Europe/Berlin"), mmf.Datetime(tz="Europe/Berlin")
    for described in (column, scalar):
        assert (
            described.json_schema()["description"] == "in Europe/Berlin unless it has a UTC offset"
        )
    assert column.example() == scalar.plain_example == "2026-01-31T12:00:00+01:00"
    assert scalar.meta()["tz"] == "Europe/Berlin"
    assert NAIVE.json_schema() == {"type": "string", "format": "date-time-local"}
    assert repr(column) == "mmf.Column(datetime, tz='Europe/Berlin')"
    assert column.plain.tz == "Europe/Berlin" == column.unlimited.tz
    assert mmf.Datetime(tz="naive").plain_example == NAIVE.example() == "2026-01-31T12:00:00"


@pytest.mark.parametrize("tz", ["Mars", "../etc/passwd", "Europe", "", 5, "+03:00", UTC])
def test_rejects_unknown_zone_when_declared(tz: Any) -> None:
    for declare in (mmf.Datetime, lambda tz: mmf.Column(datetime, tz=tz)):
        with pytest.raises(DescriptorError, match=r'expected "naive", "UTC" or a name in the IANA'):
            declare(tz=tz)


def test_rejects_tz_on_other_types() -> None:
    for type_ in (date, str, "float64"):
        with pytest.raises(DescriptorError, match="column has no time zone"):
            mmf.Column(type_, tz="UTC")


def test_schema_of_table_with_dates() -> None:
    schema = mmf.schema_of(pd.DataFrame({"day": [DAY, None]}))
    assert repr(schema) == "{'day': date | None}"


@pytest.mark.parametrize("column", [datetime, ZONED, date], ids=["datetime", "zone", "date"])
@pytest.mark.parametrize("seconds", [2**62, -(2**62)])
def test_rejects_years_that_no_calendar_has(column: Any, seconds: int) -> None:
    """A file may have seconds beyond all years of Python's dates."""
    table = pd.DataFrame({"a": np.array([seconds], "M8[s]")})
    with pytest.raises(InvalidValue, match="1 cell does not match the schema"):
        mmf.DataFrame(schema={"a": column}).validate(table)

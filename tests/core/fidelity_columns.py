"""Numbers, dates and other types that a column can have: the rows of docs/fidelity.md."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from fidelity import Kind
from fidelity_strategies import category, columns, schema
from hypothesis import strategies as st

_SMALL = st.integers(-(2**53) + 1, 2**53 - 1)
_LONG = st.integers(2**53 + 1, 2**62)
_HALVES = st.integers(-9, 9).map(lambda number: number + 0.5)
_FINITE = st.floats(allow_nan=False, allow_infinity=False).filter(bool)
_FLOAT32 = st.floats(allow_nan=False, allow_infinity=False, width=32)
_INF = float("inf")

NUMBERS = [
    Kind("whole numbers below 2^53", columns(_SMALL, "int64"), schema(int)),
    Kind("… beyond 2^53", columns(_LONG, "int64", 2**53 + 1), schema(int)),
    Kind("… beyond 2^63 (`uint64`)", columns(_LONG, "uint64", 2**64 - 1), schema(int)),
    Kind("… with nulls (`Int64`)", columns(_SMALL, "Int64", None, 5), schema(int | None)),
    Kind("… beyond 2^53, with nulls", columns(_LONG, "Int64", None, 2**53 + 1), schema(int | None)),
    Kind("small integers (`int8`)", columns(st.integers(-128, 127), "int8"), schema(int)),
    Kind("floats, to the last bit", columns(_FINITE, "float64", 0.1 + 0.2), schema(float)),
    Kind("whole floats: 2.0", columns([1.0, 2.0], "float64"), schema(float)),
    Kind("-0.0", columns(_HALVES, "float64", -0.0), schema(float)),
    Kind("NaN", columns(_HALVES, "float64", None, 0.5), schema(float | None)),
    Kind("infinity", columns(_HALVES, "float64", _INF, -_INF, 0.5), schema(float)),
    Kind("`float32`", columns(_FLOAT32, "float32", 0.1), schema(float)),
]

_WORDS = st.sampled_from(["red", "white", "rosé"])
_ORDERED = pd.CategoricalDtype(["red", "white", "rosé"], ordered=True)

OTHERS = [
    Kind("true and false", columns(st.booleans(), "bool"), schema(bool)),
    Kind("… and None (`object`)", columns(st.booleans(), object, None, True), schema(bool | None)),
    Kind(
        "… and null (`boolean`)", columns(st.booleans(), "boolean", None, True), schema(bool | None)
    ),
    Kind("category", columns(_WORDS, "category"), category),
    Kind("… with an order", columns(_WORDS, _ORDERED), category),
    Kind("numbers and texts (`object`)", columns(st.integers(0, 9) | _WORDS, object, 5, "a")),
    Kind("lists (`object`)", columns(st.lists(st.integers(0, 9), max_size=3), object)),
]

_MOMENTS = st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2200, 1, 1))
_IN_UTC = _MOMENTS.map(lambda moment: moment.replace(tzinfo=dt.UTC))
_WINTER, _SUMMER = (dt.datetime(2026, month, 1, tzinfo=dt.UTC) for month in (1, 7))
_ENDS = (dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31))
_NANOSECONDS = st.integers(1, 2**62)
_DAYS = st.dates(dt.date(1970, 1, 1))
_TIMES = st.times().map(lambda time: time.replace(fold=0))
_SPANS = st.timedeltas(dt.timedelta(), dt.timedelta(99))
_DATETIME = schema(dt.datetime)


def _zoned(zone: str) -> pd.DatetimeTZDtype:
    return pd.DatetimeTZDtype("us", zone)


DATES = [
    Kind("dates with times", columns(_MOMENTS, "datetime64[us]"), _DATETIME),
    Kind(
        "… and NaT",
        columns(_MOMENTS, "datetime64[us]", None, dt.datetime(2026, 1, 1)),
        schema(dt.datetime | None),
    ),
    Kind("… to the nanosecond", columns(_NANOSECONDS, "datetime64[ns]", 1), _DATETIME),
    Kind("… of the years 1 to 9999", columns(_MOMENTS, "datetime64[us]", *_ENDS), _DATETIME),
    Kind("… in UTC", columns(_IN_UTC, _zoned("UTC")), _DATETIME),
    Kind("… in another zone", columns([_WINTER], _zoned("Europe/Moscow")), _DATETIME),
    Kind(
        "… and with summer time",
        columns(_IN_UTC, _zoned("Europe/Rome"), _WINTER, _SUMMER),
        _DATETIME,
    ),
    Kind("dates (`datetime.date`)", columns(_DAYS, object), _DATETIME),
    Kind("times (`datetime.time`)", columns(_TIMES, object, dt.time(0, 0, 0, 10_000))),
    Kind("durations (`timedelta64`)", columns(_SPANS, "timedelta64[us]", dt.timedelta(1, 0, 1))),
]

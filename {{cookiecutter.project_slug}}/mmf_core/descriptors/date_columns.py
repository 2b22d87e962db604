"""Columns of dates and times: as they are, in a time zone, or as days."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, cast

from ..codecs import NumberFormat
from ..errors import ErrorDetail, InvalidValue
from .date_times import are_date_times, exact_date_time, exact_date_times
from .zones import NAIVE, Zone

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_NAIVE = Zone(NAIVE, None)
_FIRST, _LAST = datetime.min, datetime.max  # noqa: DTZ901 - local times
_DAY = timedelta(days=1)
Convert = Callable[["pd.Series[Any]", NumberFormat], "pd.Series[Any]"]


def to_datetime(column: pd.Series[Any], _number_format: NumberFormat) -> pd.Series[Any]:
    """Return dates and times to the microsecond; InvalidValue if their UTC offsets differ."""
    if (moments := _known_moments(column)) is not None:
        return moments
    moments = _moments(column)
    if moments is None:
        message = "expected the same UTC offset, such as Z, in all dates of a column, or none"
        raise InvalidValue(message, [ErrorDetail(message, column=str(column.name))])
    return moments


def to_date(column: pd.Series[Any], number_format: NumberFormat) -> pd.Series[Any]:
    """Return days as their midnights; null for a time of day, and for a UTC offset."""
    moments = to_zone(_NAIVE)(column, number_format)
    return moments.where(moments == moments.dt.normalize())


def to_zone(zone: Zone) -> Convert:
    """Return what converts a column to a zone: see `Zone.place`."""

    def convert(column: pd.Series[Any], _number_format: NumberFormat) -> pd.Series[Any]:
        moments = _known_moments(column)
        if moments is not None:
            return _in_zone(moments, zone)
        aware, naive = _by_offset(column)
        if aware is None:
            return _in_zone(naive, zone)
        return _in_zone(aware, zone).where(aware.notna(), _in_zone(naive, zone))

    return convert


def datetime_hint(cell: Any, _number_format: NumberFormat) -> str:
    """Return how to write a date and time that was not read."""
    if exact_date_time(cell) is not None or not isinstance(cell, str | datetime):
        return ""
    return "write it as 2026-01-31T12:00:00, with six decimals at most"


def zone_hint(zone: Zone) -> Callable[[Any, NumberFormat], str]:
    """Return a hint how to correct a date and time that a zone does not have."""

    def hint(cell: Any, number_format: NumberFormat) -> str:
        moment = exact_date_time(cell)
        return zone.doubt(moment) if moment else datetime_hint(cell, number_format)

    return hint


def date_hint(cell: Any, _number_format: NumberFormat) -> str:
    """Return how to write a day."""
    moment = exact_date_time(cell)
    if moment is not None and moment.timetz() == time.min:
        return ""
    return "write it as 2026-01-31" if isinstance(cell, str | datetime) else ""


def _known_moments(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """Return a column that has a type of dates already; None if it has not, or not exactly."""
    import numpy as np
    import pandas as pd

    if column.dtype.kind != "M" or not isinstance(column.dtype, np.dtype | pd.DatetimeTZDtype):
        return None
    if column.array.unit == "us":
        return column
    with suppress(pd.errors.OutOfBoundsDatetime):  # of seconds or milliseconds
        microseconds = column.dt.as_unit("us")
        return cast("pd.Series[Any]", microseconds.where(microseconds == column))
    return None


def _moments(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """Return texts and objects as dates; None if only some have an offset, or not all the same."""
    import numpy as np
    import pandas as pd

    cells = column.tolist()
    texts = [cell for cell in cells if isinstance(cell, str)]
    if len(texts) == column.count() and are_date_times(texts):
        dates = column
    else:
        moments = exact_date_times(cells)
        if len({moment.tzinfo is None for moment in moments if moment}) > 1:
            return None
        array = np.array(moments, dtype=object)
        dates = pd.Series(array, index=column.index, name=column.name, copy=False)
    try:
        # pandas looks for texts in ISO 8601 only; there are no others here
        parsed = pd.to_datetime(dates, errors="coerce", format="ISO8601")
    except ValueError:  # pandas keeps one offset for a whole column
        return None
    return parsed.dt.as_unit("us")


def _in_zone(moments: pd.Series[Any], zone: Zone) -> pd.Series[Any]:
    is_naive = moments.dt.tz is None
    if zone.tzinfo is None:
        return moments if is_naive else moments.dt.tz_localize(None).where(moments.isna())
    plain = moments if is_naive else moments.dt.tz_convert("UTC").dt.tz_localize(None)
    is_possible = (plain >= _FIRST) & (plain <= _LAST)
    is_inner = (plain >= _FIRST + _DAY) & (plain <= _LAST - _DAY)
    if (is_inner | moments.isna()).all():
        return _localized(plain, zone) if is_naive else moments.dt.tz_convert(zone.name)
    utc = _near_the_ends(plain.where(is_possible), zone, is_naive=is_naive)
    if is_naive:
        inner = _localized(plain.where(is_inner), zone)
        utc = inner.dt.tz_convert("UTC").dt.tz_localize(None).where(is_inner, utc)
    return cast("pd.Series[Any]", utc.dt.tz_localize("UTC").dt.tz_convert(zone.name))


def _near_the_ends(plain: pd.Series[Any], zone: Zone, *, is_naive: bool) -> pd.Series[Any]:
    """Return times of the first and the last days of the calendar in UTC, from there or `zone`.

    Null for those that are beyond it in the other. pandas fails there; no clock changes there.
    """
    import numpy as np

    early, late = (
        np.timedelta64(day.replace(tzinfo=zone.tzinfo).utcoffset() or timedelta(), "us")
        for day in (_FIRST + 2 * _DAY, _LAST - 2 * _DAY)
    )
    offset = np.where(plain.dt.year < _LAST.year // 2, early, late)
    other = plain - offset if is_naive else plain + offset
    is_there = (other >= _FIRST) & (other <= _LAST)
    return (other if is_naive else plain).where(is_there)


def _localized(moments: pd.Series[Any], zone: Zone) -> pd.Series[Any]:
    return cast(
        "pd.Series[Any]", moments.dt.tz_localize(zone.name, ambiguous="NaT", nonexistent="NaT")
    )


def _by_offset(column: pd.Series[Any]) -> tuple[pd.Series[Any] | None, pd.Series[Any]]:
    """Return the dates that have a UTC offset, in UTC, and the others, each with nulls elsewhere.

    None for the former if there are none.
    """
    import numpy as np
    import pandas as pd

    cells = column.tolist()
    texts = [cell for cell in cells if isinstance(cell, str)]
    if len(texts) == column.count() and are_date_times(texts):
        is_aware = np.array([isinstance(cell, str) and _has_offset(cell) for cell in cells], bool)
        if not is_aware.any():
            return None, _parsed(column, column.notna().to_numpy())
        aware = _parsed(column, is_aware)
        naive = _parsed(column, column.notna().to_numpy() & ~is_aware)
    else:
        moments = exact_date_times(cells)
        aware, naive = (
            pd.Series(each, index=column.index, name=column.name, dtype="datetime64[us]")
            for each in (
                [moment and _in_utc(moment) for moment in moments],
                [moment if moment and moment.tzinfo is None else None for moment in moments],
            )
        )
    return aware.dt.tz_localize("UTC"), naive


def _parsed(column: pd.Series[Any], chosen: np.ndarray) -> pd.Series[Any]:
    """Return the chosen texts as dates, those with an offset in UTC; null for all others."""
    import numpy as np
    import pandas as pd

    moments = np.full(len(column), np.datetime64("NaT", "us"))
    parsed = pd.to_datetime(
        column.to_numpy()[chosen], errors="coerce", format="ISO8601", utc=True, cache=False
    )
    moments[chosen] = parsed.tz_localize(None).as_unit("us")
    return pd.Series(moments, index=column.index, name=column.name)


def _has_offset(text: str) -> bool:
    return "+" in text or "-" in text[len("2026-01-31") :] or text.endswith("Z")


def _in_utc(moment: datetime) -> datetime | None:
    """Return a date and time in UTC, without saying so; None if it has no offset, or no place."""
    if moment.tzinfo is None:
        return None
    with suppress(OverflowError):
        return moment.astimezone(UTC).replace(tzinfo=None)
    return None

"""What holds for every table: hypothesis makes the tables, and shrinks the one that fails."""

from datetime import datetime

import pandas as pd
from features import hourly_trips, index_creator
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.pandas import column, data_frames, range_indexes

FIRST, LAST = datetime(2019, 1, 1), datetime(2019, 1, 8)
unhurried = settings(max_examples=30, deadline=None)  # a busy machine is not a defect
moments = st.datetimes(FIRST, LAST)
trips = data_frames(
    [
        column("Station", elements=st.text("ABéß -", min_size=1), dtype=object),
        column("Datetime", elements=moments, dtype="datetime64[us]"),
    ],
    index=range_indexes(min_size=1, max_size=6),
)


@unhurried
@given(trips, moments, moments, st.sampled_from(["h", "D"]))
def test_index_is_every_station_at_every_time(
    table: pd.DataFrame, start: datetime, end: datetime, freq: str
) -> None:
    index = index_creator(table, start, end, freq)
    assert isinstance(index, pd.MultiIndex)
    assert index.names == ["Station", "Datetime"]
    times = pd.date_range(start, end, freq=freq)
    assert len(index) == table["Station"].nunique() * len(times)
    assert index.is_unique
    assert index.is_monotonic_increasing
    assert (start > end) == index.empty


@unhurried
@given(trips)
def test_no_trip_is_lost_or_made_up(table: pd.DataFrame) -> None:
    counts = hourly_trips(table)
    assert counts["trips"].sum() == len(table)
    assert set(counts["Station"]) == set(table["Station"])
    assert counts.groupby("Station").size().nunique() == 1, "each station has the same hours"


@unhurried
@given(trips, st.randoms(use_true_random=False))
def test_order_of_the_rows_does_not_matter(table: pd.DataFrame, random: object) -> None:
    order = list(table.index)
    random.shuffle(order)
    pd.testing.assert_frame_equal(hourly_trips(table.loc[order]), hourly_trips(table))

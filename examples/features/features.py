"""A feature function of one's own: the grid of stations and times that a table is filled into."""

import pandas as pd


def index_creator(table: pd.DataFrame, start: str, end: str, freq: str) -> pd.MultiIndex:
    """Return each station at each time from `start` to `end`."""
    stations = table["Station"].sort_values().unique()
    times = pd.date_range(start, end, freq=freq)
    return pd.MultiIndex.from_product([stations, times], names=["Station", "Datetime"])


def hourly_trips(trips: pd.DataFrame) -> pd.DataFrame:
    """Count the trips of each station in each hour from the first to the last; zeros included."""
    hours = trips["Datetime"].dt.floor("h")
    grid = index_creator(trips, hours.min(), hours.max(), "h")
    counts = trips.assign(Datetime=hours).value_counts(["Station", "Datetime"])
    return counts.reindex(grid, fill_value=0).rename("trips").reset_index()

"""Serve a feature function: trips in, the trips of each station and hour out."""

from features import hourly_trips

import mmf_core as mmf

TRIPS = mmf.DataFrame(
    schema={"Station": str, "Datetime": mmf.Column("datetime", tz="naive")},
    example=[
        {"Station": "Capitol", "Datetime": "2019-01-01T08:15:00"},
        {"Station": "Zilker", "Datetime": "2019-01-01T10:40:00"},
    ],
)


@mmf.target(returns=mmf.DataFrame(format=mmf.CSV))
def hourly(trips=TRIPS):
    """Count the trips of each station in each hour; hours without any have a zero."""
    return hourly_trips(trips)

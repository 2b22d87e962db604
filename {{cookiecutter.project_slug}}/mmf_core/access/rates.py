"""Rates as people write them: `100/minute`."""

from __future__ import annotations

import re
from typing import NamedTuple

_RATE = re.compile(r"([1-9][0-9]{0,8}) ?/ ?(second|minute|hour|day)")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


class Rate(NamedTuple):
    """A number of requests in a number of seconds."""

    requests: int
    seconds: int


def parse_rate(text: str) -> Rate:
    """Read a rate; ValueError if it is not one."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError("expected a number of requests by second, minute, hour or day: 100/minute")
    return Rate(int(match[1]), _SECONDS[match[2]])

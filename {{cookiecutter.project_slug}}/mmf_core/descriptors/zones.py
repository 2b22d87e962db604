"""Time zones that `tz=` declares, and the times that their clocks show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from ..errors import DescriptorError

NAIVE = "naive"
_OWN = {NAIVE: None, "UTC": UTC}


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone of the IANA database; or, as `naive`, none: no UTC offset is allowed."""

    name: str
    tzinfo: tzinfo | None

    @property
    def type_label(self) -> str:
        """What a value must be, for messages."""
        if self.tzinfo is None:
            return "a date and time without a UTC offset"
        return f"a date and time, in {self.name} unless it has a UTC offset"

    def place(self, moment: datetime) -> datetime | None:
        """Return a date and time in this zone, whose local time it is if it has no UTC offset.

        None if it is not in the years 1 to 9999 there and in UTC, if clocks skip or repeat it, or
        if it has an offset and must not.
        """
        if self.tzinfo is None:
            return moment if moment.tzinfo is None else None
        try:
            if moment.tzinfo is not None:
                return moment.astimezone(self.tzinfo)
            early, late = self._offsets(moment)
            placed = moment.replace(tzinfo=self.tzinfo)
            placed.astimezone(UTC)
        except OverflowError:
            return None
        return placed if early == late else None

    def doubt(self, moment: datetime) -> str:
        """Return why a time without a UTC offset is none of this zone's, or "" if it is one."""
        if moment.tzinfo is not None or self.tzinfo is None:
            return ""
        early, late = self._offsets(moment)
        if early == late:
            return ""
        how = "skip" if early < late else "repeat"
        return f"clocks in {self.name} {how} this time; add the UTC offset that is meant"

    def _offsets(self, moment: datetime) -> tuple[timedelta, timedelta]:
        """Return the offsets before and after a change of clocks (PEP 495), equal if none."""
        offsets = [moment.replace(tzinfo=self.tzinfo, fold=fold).utcoffset() for fold in (0, 1)]
        early, late = (offset or timedelta() for offset in offsets)
        return early, late


def zone_of(tz: Any) -> Zone | None:
    """Return the zone that `tz=` declares, None for None; DescriptorError for an unknown one."""
    if tz is None:
        return None
    try:
        return Zone(tz, _OWN[tz] if tz in _OWN else ZoneInfo(tz))
    except (KeyError, ValueError, TypeError, OSError, AttributeError):
        raise DescriptorError(
            f'tz={tz!r}: expected "{NAIVE}", "UTC" or a name in the IANA time zone database, '
            'such as "Europe/Berlin"'
        ) from None

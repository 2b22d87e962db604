"""Numbers in a file that prometheus_client reads, and a cheap way to change them.

Its own `inc` and `observe` take microseconds each in multiprocess mode, and a request has a dozen.
Here each sample is a place in an array over the same file. This module is imported when counting
begins: prometheus_client must not be before its folder is known.
"""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.utils import floatToGoString

from .families import Family


class Cells(MmapedDict):
    """The samples of one kind of metric in this process; not thread-safe."""

    def __init__(self, folder: Path, kind: str) -> None:
        # Not prometheus_client's own file of this process, which has what main.py counts.
        super().__init__(str(folder / f"{kind}_{os.getpid()}mmf.db"))  # type: ignore[no-untyped-call]
        self.values = memoryview(self._m).cast("d")

    def place(self, family: Family, labels: tuple[str, ...], suffix: str = "") -> int:
        """Return where a sample is in `values`; it begins at 0."""
        return self._place(family, family.name + suffix, family.labels, labels)

    def places(
        self, family: Family, labels: tuple[str, ...], bounds: tuple[float, ...]
    ) -> list[int]:
        """Return where a histogram's buckets are, and last its sum."""
        names, sample = (*family.labels, "le"), f"{family.name}_bucket"
        buckets = [
            self._place(family, sample, names, (*labels, floatToGoString(bound)))
            for bound in bounds
        ]
        return [*buckets, self.place(family, labels, "_sum")]

    def close(self) -> None:
        """Give the file back; what has been counted stays in it."""
        self.values.release()
        super().close()  # type: ignore[no-untyped-call]

    def _place(
        self, family: Family, sample: str, names: tuple[str, ...], labels: tuple[str, ...]
    ) -> int:
        key = mmap_key(family.name, sample, list(names), list(labels), family.help)
        if key not in self._positions:
            self._init_value(key)  # type: ignore[no-untyped-call]
            self.values = memoryview(self._m).cast("d")  # the file may have grown
        return int(self._positions[key]) // self.values.itemsize

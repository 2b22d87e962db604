"""prometheus_client's values, in files that other processes read; a request changes many at once.

prometheus_client's own class for them takes a lock, looks for a fork and writes for each value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock
from typing import Any

from prometheus_client.mmap_dict import mmap_key

from .reserved_files import ReservedFile


class SharedValues:
    """The values of this process; prometheus_client calls it to make one (`values.ValueClass`).

    `identify` returns the number in the names of this process's files: after a fork, another one.
    """

    def __init__(self, identify: Callable[[], int], directory: Path) -> None:
        self._identify = identify
        self._owner = identify()
        self._directory = directory
        self._files: dict[str, ReservedFile] = {}
        self._values: list[SharedValue] = []
        self._lock = Lock()

    def __call__(  # noqa: PLR0913, PLR0917 - as prometheus_client calls it
        self,
        type_: str,
        metric: str,
        name: str,
        label_names: list[str],
        labels: list[str],
        help_text: str,
        multiprocess_mode: str = "",
        **_: Any,
    ) -> SharedValue:
        prefix = f"{type_}_{multiprocess_mode}" if type_ == "gauge" else type_
        key = mmap_key(metric, name, label_names, labels, help_text)
        with self._lock:
            self._follow_fork()
            value = SharedValue(self, prefix, key)
            value.move_to(self._file(prefix))
            self._values.append(value)
            return value

    def add(self, amounts: Iterable[tuple[SharedValue, float]]) -> None:
        """Add to several values."""
        with self._lock:
            self._follow_fork()
            for value, amount in amounts:
                if value.doubles is None:
                    value.write(value.private + amount, 0.0)
                else:
                    value.doubles[value.index] += amount

    def set(self, value: SharedValue, number: float, timestamp: float) -> None:
        """Replace the number of a value."""
        with self._lock:
            self._follow_fork()
            value.write(number, timestamp)

    def get(self, value: SharedValue) -> float:
        """Return the number of a value, which only this process counts."""
        with self._lock:
            self._follow_fork()
            return value.private if value.doubles is None else value.doubles[value.index]

    def _file(self, prefix: str) -> ReservedFile:
        if prefix not in self._files:
            path = self._directory / f"{prefix}_{self._owner}.db"
            self._files[prefix] = ReservedFile(str(path))
        return self._files[prefix]

    def _follow_fork(self) -> None:
        """In a forked process, continue with the numbers in the files that are now its own."""
        owner = self._identify()
        if owner == self._owner:
            return
        self._owner = owner
        for file in self._files.values():
            file.close()
        self._files.clear()
        for value in self._values:
            value.move_to(self._file(value.prefix))


class SharedValue:
    """A number in a file, as prometheus_client uses it.

    It is `doubles[index]`, and no object of Python's: that would be a new one with every request,
    beside all that a large request has just allocated, and would keep some of that memory. As long
    as the file has no room for the number, `doubles` is None, and it is `private`.
    """

    _multiprocess = True

    def __init__(self, values: SharedValues, prefix: str, key: str) -> None:
        self.doubles: memoryview[float] | None = None
        self.index = 0
        self.private = 0.0
        self._values = values
        self.prefix = prefix
        self.key = key

    def move_to(self, file: ReservedFile) -> None:
        """Continue with the number that a file has."""
        self._file = file
        self._find_place(file.read_value(self.key)[0])

    def write(self, number: float, timestamp: float) -> None:
        """Replace the number, perhaps the first time that there is room for it."""
        self._file.write_value(self.key, number, timestamp)
        if self.doubles is None:
            self._find_place(number)

    def _find_place(self, number: float) -> None:
        self.doubles, self.index = self._file.place(self.key) or (None, 0)
        self.private = number if self.doubles is None else 0.0

    def inc(self, amount: float) -> None:
        """Add to the number."""
        self._values.add([(self, amount)])

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Replace the number; `timestamp` is for gauges of which the most recent one counts."""
        self._values.set(self, value, timestamp or 0.0)

    def get(self) -> float:
        """Return the number."""
        return self._values.get(self)

    def set_exemplar(self, exemplar: Any) -> None:
        """Do nothing: the files have no room for exemplars."""

    def get_exemplar(self) -> None:
        """Return None: see `set_exemplar`."""

"""What a run says while it runs: a line that changes in a terminal, a line a minute elsewhere."""

import io

import pytest

from mmf_core.batch_prediction import progress
from mmf_core.batch_prediction.progress import Progress, counted, duration


class Terminal(io.StringIO):
    """A stream that people look at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give a clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def test_terminal_has_one_line_that_changes(clock: list[float]) -> None:
    stream = Terminal()
    shown = Progress(stream)
    clock[0] += 10
    shown.add(5_000, 1, 0.25)
    clock[0] += 0.1  # too soon
    shown.add(5_000, 0, 0.5)
    clock[0] += 9.9
    shown.add(10_000, 1, 1.0)
    first, second = stream.getvalue().split("\r")[1:]
    assert first == "25%, 5,000 rows, 500 rows/s, 30 s left, 1 bad row"
    assert second.rstrip() == "100%, 20,000 rows, 1,000 rows/s, 0 s left, 2 bad rows"
    shown.end()
    assert stream.getvalue().endswith("\r")


def test_elsewhere_a_line_is_written_each_minute(clock: list[float]) -> None:
    stream = io.StringIO()
    shown = Progress(stream)
    for _ in range(121):
        clock[0] += 1
        shown.add(1, 0, 0.0)  # of standard input, whose size is not known
    shown.end()
    assert stream.getvalue() == "60 rows, 1 rows/s, 0 bad rows\n120 rows, 1 rows/s, 0 bad rows\n"


def test_rows_of_an_earlier_run_do_not_count_for_the_speed(clock: list[float]) -> None:
    shown = Progress(io.StringIO())
    shown.skip(1_000_000, 5, 0.5)
    clock[0] += 10
    shown.add(100, 0, 0.6)
    assert shown.text(10) == "60%, 1,000,100 rows, 10 rows/s, 40 s left, 5 bad rows"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (42, "42 s"), (185, "3:05"), (7385, "2:03:05")]
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_one_is_singular() -> None:
    assert (counted(1, "row"), counted(1000, "row")) == ("1 row", "1,000 rows")

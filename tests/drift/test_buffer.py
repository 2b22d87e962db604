"""Rows that wait to be counted: none is lost or counted twice, and no request changes them."""

import os
from threading import Thread
from typing import Any

import numpy as np
import pandas as pd
import pytest

from commands import wait_until
from mmf_core.drift import buffer
from mmf_core.drift.bins import TableBins
from mmf_core.drift.buffer import MAX_CALLS, CallBuffer
from mmf_core.drift.profile import PREDICTION, ColumnProfile

CELLS = np.array([[1.0, 2.0]])


class Counted:
    """Counts rows by version."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Any, Any]] = []

    def count(self, version: str, cells: Any, predictions: Any) -> None:
        if version == "broken":
            raise ValueError(version)
        predicted = None if predictions is None else predictions.tolist()
        self.rows.append((version, cells.tolist(), predicted))

    def total(self) -> int:
        return sum(len(cells) for _, cells, _ in self.rows)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    monkeypatch.setattr(buffer, "INTERVAL", 3600.0)
    return Counted()


def test_calls_are_counted_in_groups_of_a_version_and_a_type(counted: Counted) -> None:
    calls = CallBuffer()
    for version, cells, predictions in (
        ("v1", CELLS, np.array([1])),
        ("v2", CELLS, None),
        ("broken", CELLS, None),
        ("v1", 2 * CELLS, np.array([2])),
        ("v1", CELLS.astype(object), np.array(["yes"])),
        ("v1", CELLS, np.array([[3]])),
    ):
        calls.add((counted, version, cells, predictions))
    calls.count()
    calls.count()
    assert counted.rows == [
        ("v1", [[1, 2], [2, 4]], [1, 2]),
        ("v2", [[1, 2]], None),
        ("v1", [[1, 2]], ["yes"]),
        ("v1", [[1, 2]], [3]),
    ]


def test_call_that_cannot_be_counted_is_lost_alone(
    counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    calls = CallBuffer()
    for cells in (CELLS, np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), 2 * CELLS):
        calls.add((counted, "v1", cells, None))
    calls.add((counted, "broken", CELLS, None))
    calls.count()
    assert [cells for _, cells, _ in counted.rows if len(cells[0]) == 2] == [[[1, 2]], [[2, 4]]]
    assert caplog.messages == ["calls that cannot be counted: 1 of 1"]


def test_only_calls_that_fail_themselves_are_not_counted(
    counted: Counted, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, count = CallBuffer(), counted.count

    def strict(version: str, cells: Any, predictions: Any) -> None:
        assert 7 not in cells
        count(version, cells, predictions)

    monkeypatch.setattr(counted, "count", strict)
    for cell in range(10):
        calls.add((counted, "v1", np.array([[cell]]), None))
    calls.count()
    assert [cells for _, cells, _ in counted.rows] == [[[cell]] for cell in range(10) if cell != 7]
    assert caplog.messages == ["calls that cannot be counted: 1 of 10"]


def test_threads_lose_no_call_and_a_full_buffer_is_counted(counted: Counted) -> None:
    calls, each = CallBuffer(), 10 * MAX_CALLS + 7

    def add() -> None:
        for _ in range(each):
            calls.add((counted, "v1", CELLS, None))

    threads = [Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted.total() > 4 * each - 2 * MAX_CALLS, "without a second thread"
    calls.count()
    assert counted.total() == 4 * each


def test_waiting_calls_are_counted_by_a_thread(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer, "INTERVAL", 0.01)
    calls = CallBuffer()
    for total in (1, 2):
        calls.add((counted, "v1", CELLS, None))
        wait_until(lambda total=total: counted.total() == total)


def test_fork_does_not_count_its_parents_calls(counted: Counted) -> None:
    calls = CallBuffer()
    calls.add((counted, "v1", CELLS, None))
    if not (child := os.fork()):
        calls.add((counted, "v1", CELLS, None))
        calls.count()
        os._exit(counted.total())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, object])
def test_rows_have_the_bins_of_their_columns(dtype: Any) -> None:
    random = np.random.default_rng(3)
    columns = {
        "a": ColumnProfile((0.0,) * 4, edges=(1.0, 2.0)),
        "kind": ColumnProfile((0.0,) * 4, values=("1", "2")),
        "b": ColumnProfile((0.0,) * 2),
        PREDICTION: ColumnProfile((0.0,) * 3, edges=(1.0,)),
    }
    bins = TableBins(columns)
    cells = random.integers(0, 4, (500, 3)).astype(dtype)
    if dtype is not np.int64:
        cells[::7] = np.nan
        cells[::11, 0] = np.inf
    rows = np.bincount(bins.of_rows(cells), minlength=bins.size)
    table = pd.DataFrame(cells, columns=["a", "kind", "b"])
    by_column = bins.by_column(rows)
    for name in ("a", "kind", "b"):
        assert by_column[name].tolist() == columns[name].count(table[name]).tolist(), name
    assert by_column[PREDICTION].tolist() == [0, 0, 0]
    assert bins.of_predictions([0, 5]).tolist() == [11, 12]

"""Micro-batching: batched calls return what single ones do; invalid requests fail alone."""

# ruff: noqa: B008 - a target's arguments and their descriptors

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from threading import Event
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import mmf_core as mmf
from mmf_core.call_options import CallOptions
from mmf_core.errors import DeadlineExceeded, InvalidValue, ResultError, TargetError
from mmf_core.execution import Execution, Timings, batching
from mmf_core.target import Target

LONGEST = 10
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def double(data: Any) -> Any:
    """Return a result of which every row depends on its own row alone."""
    if (data["a"] == 13).any():
        raise ValueError("unlucky")
    return data * 2


@dataclass
class Line:
    """A batched target whose first call is held, so that later requests queue."""

    function: Callable[[Any], Any] = double
    batch: mmf.Batch = field(default_factory=mmf.Batch)
    table: mmf.DataFrame = field(default_factory=mmf.DataFrame)
    calls: list[Any] = field(default_factory=list)
    scalars: list[Any] = field(default_factory=list)
    gate: Event = field(default_factory=Event)
    running: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        def score(
            data: Any = self.table,
            label: Any = mmf.String(default=""),
            number: Any = mmf.Float(default=0),
            moment: Any = mmf.Datetime(default=NOON),
        ) -> Any:
            self.scalars.append((number, moment))
            self.calls.append(data)
            if label == "hold":
                self.running.set()
                assert self.gate.wait(LONGEST)
            return self.function(data)

        target = Target.of(
            score, returns=mmf.DataFrame(), call_options=CallOptions(batch=self.batch)
        )
        self.execution = Execution(target)
        self.threads = ThreadPoolExecutor(32)
        self.measures: list[Timings] = []

    def hold(self) -> Future[Any]:
        """Occupy the worker."""
        future = self._submit(pd.DataFrame({"a": [0]}), label="hold")
        assert self.running.wait(LONGEST)
        return future

    def send(self, table: Any, **scalars: Any) -> Future[Any]:
        """Send a request from a separate thread; return once it is queued."""
        line: Any = self.execution._call._queue  # type: ignore[attr-defined]
        waiting = len(line)
        future = self._submit(table, **scalars)
        while len(line) == waiting:
            assert not future.done()
        return future

    def _submit(self, table: Any, **scalars: Any) -> Future[Any]:
        measures = Timings()
        self.measures.append(measures)
        return self.threads.submit(self.execution, {"data": table, **scalars}, measures)

    def send_together(self, *tables: Any) -> list[Any]:
        """Return the outcomes of requests that arrived during one call."""
        held = self.hold()
        futures = [self.send(table) for table in tables]
        self.gate.set()
        held.result(LONGEST)
        return [future.exception(LONGEST) or future.result() for future in futures]


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.gate.set()
    line.threads.shutdown()


def frame(*values: object) -> pd.DataFrame:
    return pd.DataFrame({"a": list(values)})


def test_idle_worker_calls_immediately(line: Line) -> None:
    assert_frame_equal(line.execution({"data": frame(1)}), frame(2))
    assert len(line.calls) == 1


def test_queued_requests_share_one_call(line: Line) -> None:
    first, second, third = line.send_together(frame(1, 2), frame(3), frame(4, 5, 6))
    assert [len(table) for table in line.calls] == [1, 6]
    assert first["a"].tolist() == [2, 4]
    assert second["a"].tolist() == [6]
    assert third["a"].tolist() == [8, 10, 12]


def test_timings_record_the_batch_size(line: Line) -> None:
    line.send_together(frame(1), frame(2))
    held, first, second = line.measures
    assert (held.batch_size, first.batch_size, second.batch_size) == (1, 2, 2)
    assert first.call == second.call > 0
    assert first.queue > 0


@pytest.mark.parametrize(
    "other",
    [
        pd.DataFrame({"b": [1]}),
        pd.DataFrame({"a": [1], "b": [1]}),
        pd.DataFrame({"a": [1.5]}),
        pd.DataFrame({"a": ["x"]}),
    ],
)
def test_different_columns_or_dtypes_are_not_batched(line: Line, other: pd.DataFrame) -> None:
    line.function = lambda data: data
    first, odd, last = line.send_together(frame(1), other, frame(2))
    assert [table.columns.tolist() for table in line.calls[1:]] == [["a"], other.columns.tolist()]
    assert_frame_equal(first, frame(1))
    assert_frame_equal(odd.reset_index(drop=True), other)
    assert_frame_equal(last.reset_index(drop=True), frame(2))


def test_different_scalars_are_not_batched(line: Line) -> None:
    held = line.hold()
    futures = [line.send(frame(1), label=label) for label in ("x", "y", "x")]
    line.gate.set()
    for future in (held, *futures):
        future.result(LONGEST)
    assert [len(table) for table in line.calls] == [1, 2, 1]


def test_invalid_row_fails_only_its_own_request(line: Line) -> None:
    good, bad, late = line.send_together(frame(1), frame(13), frame(3))
    assert good["a"].tolist() == [2]
    assert isinstance(bad, TargetError)
    assert late["a"].tolist() == [6]


def test_upstream_that_is_down_is_not_tried_again_for_each_request(line: Line) -> None:
    def depends(data: Any) -> Any:
        if (data["a"] > 0).any():
            raise mmf.Unavailable("the feature store does not respond")
        return data

    line.function = depends
    outcomes = line.send_together(frame(1), frame(2), frame(3))
    assert {type(outcome) for outcome in outcomes} == {mmf.Unavailable}
    assert [len(table) for table in line.calls] == [1, 3]


def test_joining_goes_on_after_a_bad_row(line: Line) -> None:
    line.send_together(frame(1), frame(13))
    line.gate.clear()
    line.running.clear()
    line.calls.clear()
    line.send_together(frame(1), frame(2))
    assert [len(table) for table in line.calls] == [1, 2]


def test_rejection_by_the_function_affects_one_request(line: Line) -> None:
    def picky(data: pd.DataFrame) -> pd.DataFrame:
        if (data["a"] < 0).any():
            raise InvalidValue("no negative numbers")
        return data

    line.function = picky
    good, bad = line.send_together(frame(1), frame(-1))
    assert good["a"].tolist() == [1]
    assert isinstance(bad, InvalidValue)


def test_max_rows_limits_a_batch_but_not_a_request() -> None:
    line = Line(batch=mmf.Batch(max_rows=3))
    results = line.send_together(frame(1, 2), frame(3), frame(*range(20, 30)), frame(4))
    assert [len(table) for table in line.calls] == [1, 3, 10, 1]
    assert [len(result) for result in results] == [2, 1, 10, 1]
    line.threads.shutdown()


def test_wrong_number_of_result_rows_disables_batching(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.function = lambda data: data[data["a"] > 1]
    first, second = line.send_together(frame(1), frame(2, 3))
    assert isinstance(first, ResultError)
    assert isinstance(second, ResultError)
    assert "2 rows for 3" in str(first)
    assert "batching disabled" in caplog.text
    assert line.execution({"data": frame(1, 2)})["a"].tolist() == [2]


@pytest.mark.parametrize(
    "function",
    [
        lambda data: data.assign(b=data["a"]).set_index("a").sort_index(),
        lambda data: data.assign(b=data["a"]).groupby("a")["b"].sum(),
        lambda data: data.assign(b=data["a"], c=1).set_index(["a", "b"]).sort_index(),
    ],
    ids=["a column", "groups", "two columns"],
)
def test_reindexed_results_disable_batching(
    line: Line, caplog: pytest.LogCaptureFixture, function: Callable[[Any], Any]
) -> None:
    line.function = function
    first, second = line.send_together(frame(3, 1), frame(2, 0))
    assert first["a"].tolist() == [1, 3]
    assert second["a"].tolist() == [0, 2]
    assert "a named index" in caplog.text


@pytest.mark.parametrize(
    "other",
    [
        pd.DataFrame({"a": [1]}, index=[7]),
        pd.DataFrame({"a": [1]}, index=pd.RangeIndex(1, name="id")),
        pd.DataFrame({"a": [1]}, index=pd.RangeIndex(5, 6)),
        pd.DataFrame({"a": pd.Categorical(["x"], ["y", "x"])}),
        pd.DataFrame([[1.0]], columns=[1]),
    ],
)
def test_tables_that_concat_would_change_are_not_batched(line: Line, other: pd.DataFrame) -> None:
    line.function = lambda data: data.iloc[:, 0]
    mates = [other.reset_index(drop=True).set_axis(other.columns, axis="columns") for _ in "ab"]
    if isinstance(other.iloc[:, 0].dtype, pd.CategoricalDtype):
        mates = [mate.assign(a=pd.Categorical(["x"], ["x", "y"])) for mate in mates]
    if other.columns.tolist() == [1]:
        mates = [mate.set_axis([True], axis="columns") for mate in mates]
    line.send_together(mates[0], other, mates[1])
    _, *calls = line.calls
    assert sorted(map(len, calls)) == [1, 2]
    (alone,) = (table for table in calls if len(table) == 1)
    assert_frame_equal(alone, other)


@pytest.mark.parametrize("schema", [{"a": float}, {"a": float, "b": float}, {"a": int, "b": float}])
def test_batched_table_has_the_declared_dtypes(schema: Any) -> None:
    line = Line(lambda data: data * 3, table=mmf.DataFrame(schema=schema))
    tables = [
        pd.DataFrame({"a": pd.Series([100], dtype=dtype), "b": [1.5]})
        for dtype in ("int8", "uint8", "int64", "float32", "float64", object)
    ]
    held = line.threads.submit(line.execution, {"data": tables[0], "label": "hold"})
    assert line.running.wait(LONGEST)
    futures = [line.send(table) for table in tables]
    line.gate.set()
    for future in (held, *futures):
        assert future.result(LONGEST)["a"].tolist() == [300]
    assert [len(table) for table in line.calls] == [1, len(tables)]
    dtypes = [float if kind is float else np.int64 for kind in schema.values()]
    assert all(table.dtypes.tolist() == dtypes for table in line.calls)
    line.threads.shutdown()


@pytest.mark.parametrize(
    "scalars",
    [
        ({"number": 0.0}, {"number": -0.0}),
        ({"moment": NOON}, {"moment": NOON.astimezone(timezone(timedelta(hours=3)))}),
    ],
)
def test_equal_scalars_of_different_types_are_not_batched(line: Line, scalars: Any) -> None:
    held = line.hold()
    futures = [line.send(frame(1), **arguments) for arguments in scalars]
    line.gate.set()
    for future in (held, *futures):
        future.result(LONGEST)
    scalars_of_calls = {repr(tuple(arguments)) for arguments in line.scalars[1:]}
    assert len(line.calls) == 3
    assert len(scalars_of_calls) == 2


@given(
    st.lists(
        st.lists(
            st.tuples(st.floats(allow_nan=False, width=32), st.integers(0, 9)),
            min_size=1,
            max_size=5,
        ),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_batched_results_equal_single_results(
    requests: list[list[tuple[float, int]]], mixed: bool
) -> None:
    line = Line(function=lambda data: data.assign(c=data["a"] - data.get("b", 0)))
    tables = [pd.DataFrame(rows, columns=["a", "b"]) for rows in requests]
    if not mixed:
        tables = [table.astype(float) for table in tables]
    results = line.send_together(*tables)
    for table, result in zip(tables, results, strict=True):
        assert_frame_equal(result.reset_index(drop=True), table.assign(c=table["a"] - table["b"]))
    assert len(line.calls) == 2
    line.threads.shutdown()


@pytest.mark.parametrize("result", ["array", "series", "list"])
def test_results_of_every_kind_are_split(line: Line, result: str) -> None:
    def convert(data: pd.DataFrame) -> Any:
        match result:
            case "array":
                return data["a"].to_numpy()
            case "series":
                return data["a"]
            case _:
                return data["a"].tolist()

    line.function = convert
    first, second = line.send_together(frame(1, 2), frame(3))
    assert first.iloc[:, 0].tolist() == [1, 2]
    assert second.iloc[:, 0].tolist() == [3]


def test_arrays_are_batched() -> None:
    shapes = []

    def score(data: Any = mmf.Array()) -> Any:
        shapes.append(data.shape)
        return data.sum(axis=1)

    target = Target.of(score, returns=mmf.Array(), call_options=CallOptions(batch=mmf.Batch()))
    assert Execution(target)({"data": np.ones((2, 3))}).tolist() == [3, 3]
    assert shapes == [(2, 3)]


def test_concurrent_threads_get_their_own_rows() -> None:
    line = Line()
    numbers = [number for number in range(300) if number != 13]
    futures = [line.threads.submit(line.execution, {"data": frame(number)}) for number in numbers]
    assert [future.result(LONGEST)["a"].tolist() for future in futures] == [
        [2 * number] for number in numbers
    ]
    line.threads.shutdown()


def timed(seconds: float, function: Callable[[Any], Any], **more: Any) -> Line:
    """Return a line whose target has a timeout."""
    line = Line(function=function, **more)
    options = CallOptions(batch=line.batch, timeout=seconds)
    line.execution = Execution(replace(line.execution.target, call_options=options))
    return line


def test_timed_out_batch_is_not_retried() -> None:
    late = Event()

    def slow(data: Any) -> Any:
        if len(data) > 1:
            assert late.wait(LONGEST)
        return data

    line = timed(0.5, slow)
    outcomes = line.send_together(frame(1), frame(2), frame(3))
    assert [type(outcome) for outcome in outcomes] == [DeadlineExceeded] * 3
    assert [len(table) for table in line.calls] == [1, 3]
    late.set()
    line.threads.shutdown()


def test_newest_request_leads_the_batch() -> None:
    """It has the most time left, so its deadline does not cut off the others."""
    line = timed(LONGEST, lambda data: data)
    futures = [line.hold(), line.send(frame(1)), line.send(frame(2)), line.send(frame(3))]
    line.gate.set()
    assert [len(future.result(LONGEST)) for future in futures] == [1, 1, 1, 1]
    assert [len(table) for table in line.calls] == [1, 3]
    assert [timings.batch_leader for timings in line.measures] == [True, False, False, True]
    line.threads.shutdown()


@pytest.mark.parametrize("function", ["join", "split"])
def test_failure_to_join_or_split_releases_waiting_requests(
    line: Line, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ValueError("cannot")

    monkeypatch.setattr(batching, function, fail)
    first, second = line.send_together(frame(1), frame(2))
    assert (first["a"].tolist(), second["a"].tolist()) == ([2], [4])


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a call wait for as many requests as the last one had, as long as a test may take."""
    monkeypatch.setattr(batching, "MAX_WAIT", LONGEST)
    monkeypatch.setattr(batching, "WAIT_CALLS", 1e9)


@pytest.mark.usefixtures("patient")
def test_batch_waits_for_the_size_of_the_last_one(line: Line) -> None:
    line.send_together(frame(1), frame(2), frame(3))
    futures = [line.threads.submit(line.execution, {"data": frame(n)}) for n in (4, 5, 6)]
    assert [future.result(LONGEST)["a"].tolist() for future in futures] == [[8], [10], [12]]
    assert [len(table) for table in line.calls] == [1, 3, 3]


@pytest.mark.usefixtures("patient")
def test_sequential_requests_do_not_wait(line: Line) -> None:
    started = perf_counter()
    for number in range(3):
        assert line.execution({"data": frame(number)})["a"].tolist() == [2 * number]
    assert perf_counter() - started < LONGEST / 2


def test_single_request_waits_only_once(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MAX_WAIT", 0.5)
    monkeypatch.setattr(batching, "WAIT_CALLS", 1e9)
    line.send_together(frame(1), frame(2))
    ended = perf_counter()
    assert line.execution({"data": frame(3)})["a"].tolist() == [6]
    assert 0.3 < perf_counter() - ended < LONGEST / 2
    monkeypatch.setattr(batching, "MAX_WAIT", LONGEST)
    line.execution({"data": frame(4)})
    line.execution({"data": frame(5)})
    assert perf_counter() - ended < LONGEST / 2
    assert [len(table) for table in line.calls] == [1, 2, 1, 1, 1]


@pytest.mark.usefixtures("patient")
def test_target_with_timeout_does_not_wait() -> None:
    line = timed(LONGEST, double)
    line.send_together(frame(1), frame(2), frame(3))
    started = perf_counter()
    assert line.execution({"data": frame(4)})["a"].tolist() == [8]
    assert perf_counter() - started < LONGEST / 2
    line.threads.shutdown()


@pytest.mark.usefixtures("patient")
def test_invalid_request_after_a_wait_fails_alone(line: Line) -> None:
    line.send_together(frame(1), frame(2), frame(3))
    futures = [line.threads.submit(line.execution, {"data": frame(n)}) for n in (4, 13, 6)]
    outcomes = [future.exception(LONGEST) or future.result() for future in futures]
    assert isinstance(outcomes[1], TargetError)
    assert [outcome["a"].tolist() for outcome in (outcomes[0], outcomes[2])] == [[8], [12]]

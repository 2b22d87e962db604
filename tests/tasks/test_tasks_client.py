"""`Client.submit`: a handle that waits, reports, cancels and finds its task again."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from task_services import until

from mmf_core import client as module
from mmf_core.client import (
    Busy,
    Client,
    InvalidValue,
    RequestRejected,
    ServerError,
    UnknownTarget,
    Unreachable,
)
from services import Service


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service.url) as client:
        yield client


def test_result_is_that_of_a_call(client: Client) -> None:
    table = pd.DataFrame({"a": [1.5, 2.0]})
    task = client.submit("double", table)
    pd.testing.assert_frame_equal(task.result(), client.double(table))
    assert (task.status, task.progress, task.message) == ("succeeded", 1.0, "")
    assert task.log() == "rows: 2\n"
    assert client.submit("double", table, format="csv").result() == b"a\n3.0\n4.0\n"
    assert client.submit("length", b"four", more=3).result() == 7
    assert client.task(task.id).result().equals(table * 2)
    assert repr(task) == f"Task({task.id!r})"


def test_call_of_a_background_target_waits_for_its_task(client: Client) -> None:
    assert client.slow(0.01) == 1


def test_errors_are_those_of_a_call(client: Client) -> None:
    with pytest.raises(InvalidValue):
        client.submit("double", [{"a": "red"}])
    with pytest.raises(TypeError):
        client.submit("double", [{"a": 1}], surprise=1)
    with pytest.raises(ServerError, match="longer than 1 seconds"):
        client.submit("slow", 30).result()
    with pytest.raises(UnknownTarget):
        client.task("unknown")


def test_one_id_is_one_task(client: Client) -> None:
    first, second = (client.submit("double", [{"a": 1}], task_id="задача") for _ in range(2))
    assert first.id == second.id == client.task("задача").id == "задача"
    with pytest.raises(RequestRejected, match="another task"):
        client.submit("double", [{"a": 2}], task_id="задача")


def test_handle_waits_for_its_timeout_and_cancels(client: Client, tmp_path: Path) -> None:
    task = client.submit("wait", str(tmp_path / "never"))
    until(lambda: task.progress == 0.5)
    assert (task.status, task.message) == ("processing", "waiting")
    with pytest.raises(TimeoutError, match="is processing"):
        task.result(timeout=0.2)
    task.cancel()
    assert task.status == "canceled"
    with pytest.raises(RequestRejected, match="canceled"):
        task.result()
    with pytest.raises(RequestRejected, match="canceled already"):
        task.cancel()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what a fake tqdm has shown."""
    shown: list[Any] = []

    class Bar:
        n = 0.0

        def __init__(self, **options: Any) -> None:
            shown.append(options["desc"])

        def set_postfix_str(self, text: str) -> None:
            shown.append(self.n)

        def close(self) -> None:
            shown.append("closed")

    tqdm = ModuleType("tqdm.auto")
    tqdm.tqdm = Bar  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tqdm", ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", tqdm)
    find: Callable[[str], object] = lambda name: name == "tqdm" or module.Path  # noqa: E731
    monkeypatch.setattr(module, "find_spec", find)
    return shown


def test_bar_shows_the_progress_where_tqdm_is(
    client: Client, shown: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.submit("slow", 0.1).result(bar=True) == 1
    assert (shown[0], shown[-2], shown[-1]) == ("slow", 100, "closed")
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "tqdm" else name)
    shown.clear()
    assert client.submit("slow", 0.1).result(bar=True) == 1
    assert not shown


def test_bar_is_shown_in_terminals_and_notebooks(
    client: Client, shown: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_shown(**options: bool) -> bool:
        shown.clear()
        assert client.submit("slow", 0.1).result(**options) == 1
        return bool(shown)

    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    assert not is_shown()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert is_shown()
    assert not is_shown(bar=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    assert is_shown()


def test_service_that_lets_no_client_wait_is_polled_with_pauses(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, pauses = [], []
    refresh = module.Task.refresh

    def at_once(task: module.Task, wait: float = 0) -> dict[str, Any]:
        waits.append(wait)
        return refresh(task)

    monkeypatch.setattr(module.Task, "refresh", at_once)
    monkeypatch.setattr(module, "sleep", pauses.append)
    assert client.submit("slow", 0.3).result() == 1
    assert len(pauses) == len(waits)
    assert pauses[:-1] == [0.5] * (len(waits) - 1)


def test_handle_outlasts_a_restart_of_the_service(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh, outage = module.Task.refresh, [Unreachable("refused", sent=False), Busy("starting")]

    def after_an_outage(task: module.Task, wait: float = 0) -> dict[str, Any]:
        if outage:
            raise outage.pop()
        return refresh(task, wait)

    monkeypatch.setattr(module.Task, "refresh", after_an_outage)
    monkeypatch.setattr(module, "sleep", lambda _: None)
    assert client.submit("slow", 0.1).result() == 1
    outage += [Unreachable("gone", sent=False)]
    monkeypatch.setattr(module, "_LONGEST_OUTAGE", 0)
    with pytest.raises(Unreachable, match="gone"):
        client.submit("slow", 0.1).result()

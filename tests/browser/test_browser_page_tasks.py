"""Long calls on the page: each becomes a task, which outlives the page that submitted it."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from services import serve

pytestmark = pytest.mark.long
APP = """
import os
import time

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
TABLE = mmf.DataFrame(schema={"a": float})


@registry.target(returns=mmf.DataFrame(format=mmf.CSV))
def train(data=TABLE, go=mmf.String(), end=mmf.String(default="well", choices=["well", "badly"])):
    print("rows:", len(data))
    mmf.progress(0.25, "reading <b>rows</b>")
    while not os.path.exists(go):
        time.sleep(0.02)
    if end == "badly":
        raise mmf.InvalidValue("the rows never end")
    return data * 2


@registry.target(returns=mmf.Integer(), background=True)
def later(number=mmf.Integer(default=7)):
    if number < 0:
        raise mmf.InvalidValue("the number is below zero")
    return number


@registry.target(returns=mmf.Stream(mmf.String()), background=True)
def words():
    yield from ("one ", "two")


app = create_app(registry)
"""
LANGUAGE = "Русский"


def served(folder: Path, **extra: str) -> Any:
    settings = {"WEB_CONCURRENCY": "1", "MMF_TASK_WORKERS": "1"} | extra
    return serve("gunicorn", folder, subprocess.DEVNULL, APP, **settings)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("tasks")) as running:
        yield running.url


@pytest.fixture
def go(tmp_path: Path) -> Iterator[Path]:
    """Yield the file that lets `train` return; it exists when the test ends."""
    yield tmp_path / "go"
    (tmp_path / "go").touch()


def hurry(page: Page) -> None:
    """Have the service wait for one second instead of ten."""

    def sooner(route: Route) -> None:
        headers = route.request.headers
        if headers.get("prefer") == "respond-async, wait=10":
            headers["prefer"] = "respond-async, wait=1"
        route.continue_(headers=headers)

    page.route("**/train*", sooner)


def run(page: Page, go: Path, address: str = "/", end: str = "well") -> Locator:
    """Call `train` with two rows; return its section."""
    page.goto(f"{address}#train")
    section = page.locator("#train")
    rows = {"name": "rows.csv", "mimeType": "text/csv", "buffer": b"a\n1.5\n2.5\n"}
    section.locator("input[type=file]").set_input_files([rows])
    section.get_by_label("go").fill(str(go))
    section.get_by_label("end").select_option(end)
    section.locator("button.main").click()
    return section


def tasks(page: Page) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = page.request.get("/tasks").json()["tasks"]
    return listed


def test_long_call_becomes_a_task_and_survives_a_reload(
    page: Page,
    browser: Browser,
    service: str,
    go: Path,
    axe: Callable[..., list[str]],
    screenshot: Callable[[str], Path],
) -> None:
    before = len(tasks(page))
    section = run(page, go)
    expect(section.locator(".progress")).to_contain_text("Computing… 8 s")
    assert "task=" not in page.url
    expect(section.locator(".status")).to_contain_text("continues even if you close this page")
    expect(section.locator(".progress")).to_contain_text("s · reading <b>rows</b>")
    expect(section.locator("progress")).to_have_attribute("value", "25")
    section.locator("summary", has_text="Log").click()
    expect(section.locator(".task pre")).to_have_text("rows: 2\n")
    (task, *_) = tasks(page)
    assert len(tasks(page)) == before + 1
    link = section.get_by_role("link", name="Link to this call").get_attribute("href")
    assert link == page.url == f"{service}/?task={task['id']}#train"
    assert axe(page) == []
    screenshot("page-task")
    page.close()

    with browser.new_context(base_url=service, locale="en-GB") as context:
        other = context.new_page()
        other.goto(link)
        section = other.locator("#train")
        expect(section.locator("progress")).to_have_attribute("value", "25")
        other.get_by_role("link", name=LANGUAGE).click()
        expect(section.locator(".status")).to_contain_text("Вызов продолжится")
        assert f"task={task['id']}" in other.url
        go.touch()
        result = section.locator(".response")
        expect(result.locator("tbody tr")).to_have_count(2)
        expect(result).to_contain_text("Готово")
        expect(section.locator(".status")).to_have_text("")
        with other.expect_download() as download:
            result.get_by_text("Скачать train.csv").click()
        assert download.value.path().read_text("utf-8-sig") == "a\n3.0\n5.0\n"
        section.locator("summary", has_text="Журнал").click()
        expect(section.locator(".task pre")).to_have_text("rows: 2\n")
        other.reload()  # the result is kept
        expect(result.locator("tbody tr")).to_have_count(2)


def test_short_call_leaves_no_task(page: Page, go: Path) -> None:
    go.touch()
    before = tasks(page)
    section = run(page, go)
    expect(section.locator(".response tbody tr")).to_have_count(2)
    expect(section.locator(".task")).to_be_hidden()
    assert "task=" not in page.url
    assert tasks(page) == before


def test_calls_and_tasks_can_be_cancelled(page: Page, go: Path) -> None:
    section = run(page, go)
    expect(section.locator(".progress")).to_contain_text("Computing… 1 s")
    section.get_by_role("button", name="Cancel").click()
    expect(section.locator(".status")).to_have_text("Cancelled.")
    page.wait_for_function(
        "async () => (await (await fetch('tasks?limit=1')).json()).tasks[0].status === 'canceled'"
    )
    hurry(page)
    section.locator("button.main").click()
    expect(section.locator("progress")).to_have_attribute("value", "25")
    section.get_by_role("button", name="Cancel").click()
    expect(section.locator(".status")).to_have_text("Cancelled.")
    expect(section.locator("button.main")).to_be_enabled()
    assert [task["status"] for task in tasks(page)[:2]] == ["canceled", "canceled"]


def test_task_error_is_shown_like_a_call_error(page: Page, go: Path, faults: list[str]) -> None:
    hurry(page)
    section = run(page, go, "/?lang=ru", end="badly")
    expect(section.locator("progress")).to_have_attribute("value", "25")
    go.touch()
    alert = section.get_by_role("alert")
    expect(alert).to_contain_text("данных есть ошибки")
    expect(alert).to_contain_text("the rows never end")
    page.goto("/?task=unknown#train")
    expect(section.get_by_role("alert")).to_contain_text('no task has the id "unknown"')
    expect(section.locator("button.main")).to_be_enabled()
    faults.clear()  # the console reports both


def test_queued_call_shows_its_position_or_runs_immediately(
    page: Page, go: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        response = page.request.post(
            "/train",
            multipart={
                "data": {"name": "a.csv", "mimeType": "text/csv", "buffer": b"a\n1\n"},
                "go": str(go),
            },
            headers={"Prefer": "respond-async"},
        )
        assert response.status == 202
    hurry(page)
    ready = tmp_path / "ready"
    ready.touch()
    section = run(page, ready)
    expect(section.locator(".progress")).to_contain_text("In the queue; calls before it: 1")
    section.get_by_role("button", name="Call it now, without the queue").click()
    expect(section.locator(".response tbody tr")).to_have_count(2)
    expect(section.locator(".task")).to_be_hidden()
    assert "task=" not in page.url
    assert [task["status"] for task in tasks(page)[:3]] == ["canceled", "queued", "processing"]


def test_polling_continues_while_the_service_is_down(
    page: Page, go: Path, faults: list[str]
) -> None:
    hurry(page)
    section = run(page, go)
    expect(section.locator("progress")).to_have_attribute("value", "25")
    page.route("**/tasks/*", lambda route: route.abort("connectionrefused"))
    expect(section.locator(".progress")).to_contain_text("The service did not respond.")
    page.unroute("**/tasks/*")
    go.touch()
    expect(section.locator(".response tbody tr")).to_have_count(2)
    faults.clear()  # the console reports the refusals


def test_background_targets_are_called_like_others(page: Page, faults: list[str]) -> None:
    page.goto("/#later")
    section = page.locator("#later")
    section.locator("button.main").click()
    expect(section.locator(".big")).to_have_text("7")
    section.get_by_label("number").fill("-1")
    section.locator("button.main").click()
    expect(section.get_by_role("alert")).to_contain_text("the number is below zero")
    page.goto("/#words")
    page.locator("#words button.main").click()
    expect(page.locator("#words .result > pre")).to_have_text("one two")
    faults.clear()  # the console reports the 422


@contextmanager
def page_of(browser: Browser, folder: Path, **extra: str) -> Iterator[Page]:
    """Yield a page of a separate service."""
    with (
        served(folder, **extra) as running,
        browser.new_context(base_url=running.url, locale="en-GB") as context,
    ):
        yield context.new_page()


def test_calls_are_synchronous_without_task_workers(
    browser: Browser, go: Path, tmp_path: Path
) -> None:
    go.touch()
    with page_of(browser, tmp_path, MMF_TASK_WORKERS="0") as page:
        section = run(page, go)
        expect(section.locator(".response tbody tr")).to_have_count(2)
        expect(section.locator(".task")).to_be_hidden()
        assert [task["status"] for task in tasks(page)] == ["canceled"]
        section.locator("button.main").click()
        expect(section.locator(".calls li")).to_have_count(2)
        assert len(tasks(page)) == 1


def test_calls_are_synchronous_if_tasks_cannot_be_stored(
    browser: Browser, go: Path, tmp_path: Path
) -> None:
    go.touch()
    (tmp_path / "file").touch()
    with page_of(browser, tmp_path, MMF_TASKS_DIR=str(tmp_path / "file" / "below")) as page:
        section = run(page, go)
        expect(section.locator(".response tbody tr")).to_have_count(2)
        assert page.request.get("/health/ready").ok

"""Streams on the page: pieces appear as they arrive, and a button stops them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from services import serve

pytestmark = pytest.mark.long
APP = """
import threading

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
go, closed = threading.Event(), threading.Event()


@registry.target(returns=mmf.Stream(mmf.String()), description="Tell a story, word by word.")
def story(end=mmf.String(default="well", choices=["well", "badly", "never"])):
    try:
        yield "<b>Once</b>\\n\\n"
        go.wait(20)
        yield "upon a time"
        if end == "badly":
            raise mmf.InvalidValue("the stream never ends")
        while end == "never":
            yield "."
            threading.Event().wait(0.05)
    finally:
        closed.set()


@registry.target(returns=mmf.Stream(mmf.Dict()))
def steps(count=mmf.Integer(default=2)):
    for step in range(count):
        yield {"step": step}
    if not count:
        raise mmf.InvalidValue("no steps")


@registry.target(returns=mmf.Bool())
def proceed():
    go.set()
    return True


@registry.target(returns=mmf.Bool())
def is_closed():
    return closed.wait(5)


app = create_app(registry)
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    with serve("gunicorn", tmp_path, subprocess.DEVNULL, APP, WEB_CONCURRENCY="1") as running:
        yield running.url


def run(page: Page, target: str, end: str | None = None) -> None:
    page.goto(f"/#{target}")
    if end:
        page.locator(f"#{target} select").first.select_option(end)
    page.locator(f"#{target} button[type=submit]").click()


def test_pieces_appear_as_they_arrive(page: Page) -> None:
    run(page, "story")
    shown = page.locator("#story .result > pre")
    expect(shown).to_have_text("<b>Once</b>\n\n", use_inner_text=True)
    expect(page.locator("#story").get_by_role("button", name="Stop")).to_be_visible()
    page.request.post("/proceed")
    expect(shown).to_contain_text("upon a time")
    expect(page.locator("#story .status")).to_contain_text("Done in")
    with page.expect_download() as download:
        page.get_by_text("Download story.txt").click()
    assert download.value.path().read_text() == "<b>Once</b>\n\nupon a time"


def test_stopping_a_stream_ends_its_work(page: Page) -> None:
    page.request.post("/proceed")
    run(page, "story", "never")
    expect(page.locator("#story .result > pre")).to_contain_text("time...")
    page.locator("#story").get_by_role("button", name="Stop").click()
    expect(page.locator("#story .status")).to_contain_text("Cancelled")
    expect(page.locator("#story .result > pre")).to_contain_text("upon a time")
    assert page.request.post("/is_closed").json() == {"result": True}


def test_error_is_shown_below_the_received_pieces(page: Page) -> None:
    page.request.post("/proceed")
    run(page, "story", "badly")
    alert = page.locator("#story [role=alert]")
    expect(alert).to_contain_text("the stream never ends")
    expect(page.locator("#story .result > pre")).to_contain_text("upon a time")


def test_objects_are_lines_and_early_errors_are_shown(page: Page, faults: list[str]) -> None:
    run(page, "steps")
    expect(page.locator("#steps .result > pre")).to_have_text('{"step":0}\n{"step":1}\n')
    page.locator("#steps input").fill("0")
    page.locator("#steps button[type=submit]").click()
    expect(page.locator("#steps [role=alert]")).to_contain_text("no steps")
    faults.clear()  # the console reports the 422


def test_russian_page(page: Page) -> None:
    page.goto("/?lang=ru#story")
    expect(page.locator("#story [data-cancel]")).to_have_text("Остановить")

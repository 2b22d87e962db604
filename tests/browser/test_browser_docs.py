"""`/docs` in a real browser without a network."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Error, Locator, Page, Response, expect

pytestmark = pytest.mark.long


def open_docs(page: Page) -> None:
    """Open `/docs` and wait until every target is shown."""
    page.goto("/docs")
    for target in ("score", "mirror", "scalars", "half"):
        expect(page.locator(f"#operations-targets-{target}")).to_be_visible()


def try_out(page: Page, target: str, body: str = "") -> Response:
    """Execute a target with `body`, or else with the example shown."""
    shown: Locator = page.locator(f"#operations-targets-{target}")
    shown.locator(".opblock-summary-control").click()
    shown.get_by_role("button", name="Try it out").click()
    if body:
        shown.locator("textarea").fill(body)
    with page.expect_response(lambda response: f"/{target}" in response.url) as response_info:
        shown.get_by_role("button", name="Execute").click()
    expect(shown.locator(".live-responses-table tbody .response-col_status")).to_have_text("200")
    return response_info.value


def test_docs_list_every_target_accessibly(
    page: Page, axe: Callable[..., list[str]], screenshot: Callable[[str], Path]
) -> None:
    open_docs(page)
    assert screenshot("docs").stat().st_size > 0
    assert axe(page, exclude=["#ui"]) == []  # Swagger UI's own


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_docs_follow_the_color_scheme_and_link_back(
    page: Page, scheme: Literal["light", "dark"], screenshot: Callable[[str], Path]
) -> None:
    page.emulate_media(color_scheme=scheme)
    open_docs(page)
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ("rgb(28, 32, 34)" in background) == (scheme == "dark")
    screenshot(f"docs-{scheme}")
    page.get_by_role("link", name="Back to the forms").click()
    expect(page.locator("#score")).to_be_visible()


def test_docs_call_targets(page: Page) -> None:
    open_docs(page)
    assert json.loads(try_out(page, "half", "5").body()) == {"result": 2.5}
    assert try_out(page, "score").status == 200


def test_axe_finds_serious_violations(page: Page, axe: Callable[..., list[str]]) -> None:
    page.goto("/docs")
    page.evaluate("document.body.append(document.createElement('img'))")
    assert axe(page, exclude=["#ui"]) == ["image-alt: <img>"]


def test_page_errors_are_detected(page: Page, faults: list[str]) -> None:
    """Each of these would fail any other test."""
    page.goto("/docs")
    page.evaluate("setTimeout(() => { throw new Error('thrown') })")
    page.evaluate("console.error('reported')")
    page.evaluate("document.body.append(document.createElement('script'))")
    page.evaluate("document.body.lastChild.textContent = 'let inline'")
    page.evaluate("fetch('none')")
    page.evaluate("fetch('http://other.example/').catch(() => 0)")
    with suppress(Error):  # it has no network
        page.goto("http://other.example/")
    messages = "\n".join(faults)
    for fault in (
        "thrown",
        "reported",
        "script-src",
        "connect-src",
        "404",
        "host: http://other.example",
    ):
        assert fault in messages
    faults.clear()

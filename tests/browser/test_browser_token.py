"""The page and `/docs` in a real browser, with a service that requires tokens."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Page, expect

from mmf_core.access.key_set import public_jwk
from services import serve

pytestmark = pytest.mark.long
MAIN = """
import mmf_core as mmf

WINES = {"alcohol": float, "ash": float}


@mmf.target(returns=mmf.DataFrame(format=mmf.XLSX))
def score(data=mmf.DataFrame(schema=WINES)):
    return [f"class_{round(ash)}" for ash in data["ash"]]


@mmf.target(returns=mmf.Img())
def mirror(photo=mmf.Img(format="rgb")):
    return photo[:, ::-1]


@mmf.target(returns=mmf.Float())
def half(number=mmf.Float()):
    return number / 2
"""
APP = """
from mmf_core.web import create_app

app = create_app()
"""
KEY = Ed25519PrivateKey.generate()


def token(**changed: object) -> str:
    """Return a token for `half` and `score`, with other claims."""
    claims = {
        "sub": "person",
        "aud": "mmf",
        "exp": int(time.time()) + 600,
        "targets": ["half", "score"],
        "groups": ["docs", "predict", "tasks"],
        **changed,
    }
    return jwt.encode(claims, KEY, algorithm="EdDSA")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a service under gunicorn that requires tokens."""
    folder = tmp_path_factory.mktemp("token")
    (folder / "main.py").write_text(MAIN, encoding="utf-8")
    keys = json.dumps(public_jwk(KEY.public_key().public_bytes_raw()))
    settings = {"WEB_CONCURRENCY": "1", "MMF_TASK_WORKERS": "1", "MMF_TOKEN_KEYS": keys}
    with serve("gunicorn", folder, subprocess.DEVNULL, APP, **settings) as running:
        yield running.url


def enter(page: Page, text: str) -> None:
    page.locator("input[type=password]").fill(text)
    page.locator("form button").click()


def test_token_is_requested_once_and_kept_in_memory(
    page: Page, faults: list[str], axe: Callable[..., list[str]], screenshot: Callable[[str], Path]
) -> None:
    page.goto("/")
    assert axe(page) == []
    screenshot("page-token")
    for text in ("not a token", "токен", "abc"):
        enter(page, text)
        expect(page.locator(".status")).to_have_text("This token is not valid, or no longer valid.")
    enter(page, token(groups=["predict"]))
    expect(page.locator(".status")).to_contain_text("needs the group docs")
    assert len(faults) == 2  # the console reports a 401 and a 403
    faults.clear()

    enter(page, token())
    section = page.locator("#half")
    page.locator("nav.targets a", has_text="half").click()
    expect(section).to_be_visible()
    expect(page.locator("#mirror")).to_have_count(0)
    assert axe(page) == []
    section.locator("[name=number]").fill("5")
    section.locator("button.main").click()
    expect(section.locator(".response")).to_contain_text("2.5")
    code = section.locator("[data-code=curl]")
    expect(code).to_contain_text("Authorization: Bearer $TOKEN")
    assert "eyJ" not in page.content()
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [
        *(0, 0, ""),
    ]
    assert "eyJ" not in page.url

    page.reload()
    expect(page.locator("input[type=password]")).to_be_visible()


def test_downloads_and_previews_send_the_token(page: Page, tmp_path: Path) -> None:
    page.goto("/?lang=ru#score")
    enter(page, token())
    section = page.locator("#score")
    expect(section).to_be_visible()
    section.locator("[data-use]").click()
    expect(section.locator(".preview tbody tr")).to_have_count(1)
    with page.expect_download() as download:
        section.locator("a[download]", has_text="Excel").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    download.value.save_as(file := tmp_path / "example.xlsx")
    section.locator("input[type=file]").set_input_files(file)
    section.locator("button.main").click()
    expect(section.locator(".response")).to_contain_text("class_", timeout=20_000)


def test_expired_token_is_reported_at_the_failed_call(page: Page, faults: list[str]) -> None:
    page.goto("/#half")
    enter(page, token(exp=int(time.time()) + 3))
    section = page.locator("#half")
    expect(section).to_be_visible()
    time.sleep(3)
    section.locator("[name=number]").fill("5")
    section.locator("button.main").click()
    expect(section.locator(".response")).to_contain_text("expired")
    faults.clear()


def test_docs_send_the_token(page: Page, faults: list[str]) -> None:
    page.goto("/docs")
    enter(page, "abc")
    expect(page.locator("[role=status]")).to_contain_text("not valid")
    faults.clear()
    enter(page, token())
    half = page.locator("#operations-targets-half")
    expect(half).to_be_visible()
    expect(page.locator("#operations-targets-mirror")).to_have_count(0)
    expect(page.locator(".auth-wrapper .authorize.locked")).to_be_visible()
    half.locator(".opblock-summary-control").click()
    half.get_by_role("button", name="Try it out").click()
    half.locator("textarea").fill("5")
    with page.expect_response(lambda response: "/half" in response.url) as response_info:
        half.get_by_role("button", name="Execute").click()
    assert response_info.value.status == 200
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]

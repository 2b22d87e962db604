"""Panels in "About": drift charts, and a comparison of two versions on a table."""

import io
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect
from sklearn.linear_model import LinearRegression

import mmf_core as mmf
from services import serve

pytestmark = pytest.mark.long
MAIN = """
import mmf_core as mmf

model = mmf.artifact("model.joblib").load()


@mmf.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame(schema={"size": float, "age": float, "kind": mmf.Column(str)})):
    return model.predict(data[["size", "age"]])
"""
APP = """
from mmf_core.web import create_app

app = create_app()
"""
PLAN = """
[candidate]
name = "v2"
[candidate.artifacts]
"model.joblib" = "new/model.joblib"
"""


def table(rows: int, moved: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(1)
    numbers = pd.DataFrame(random.normal(size=(rows, 2)), columns=["size", "age"])
    numbers["size"] += moved
    return numbers.assign(kind=random.choice(["red", "white"], rows))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with two models and a profile of the first."""
    folder, reference = tmp_path_factory.mktemp("panels"), table(1_000)
    (folder / "new").mkdir()
    (folder / "main.py").write_text(MAIN, encoding="utf-8")
    (folder / "rollout.toml").write_text(PLAN, encoding="utf-8")
    for name, slope in (("model.joblib", 1.0), ("new/model.joblib", 2.0)):
        columns = reference[["size", "age"]]
        model = LinearRegression().fit(columns, slope * columns["size"].clip(0))
        mmf.save_model(model, folder / name, example=columns.head(), reference=columns)
    return folder


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[str]:
    settings = {"WEB_CONCURRENCY": "1", "MMF_DRIFT_SECONDS": "600", "MMF_ADMIN_HTTP": "1"}
    with serve("gunicorn", folder, subprocess.DEVNULL, APP, **settings) as running:
        yield running.url


def send(page: Page, rows: pd.DataFrame) -> None:
    headers = {"Content-Type": "text/csv"}
    response = page.request.post("/score", data=rows.to_csv(index=False), headers=headers)
    assert response.ok, response.text()


def test_drift_is_charted_per_column(
    page: Page, axe: Callable[..., list[str]], screenshot: Callable[[str], Path]
) -> None:
    send(page, table(20))
    page.goto("/")
    about = page.locator("footer details")
    about.locator("summary").click()
    expect(about).to_contain_text("Figures from 200 rows on")
    send(page, table(900, moved=2.0))
    about.locator("summary").click()
    about.locator("summary").click()
    figures = about.locator("figure")
    expect(figures).to_have_count(3)
    expect(figures.first).to_contain_text("drifted, PSI")
    expect(figures.first.locator("figcaption")).to_have_class("fault")
    heights = figures.first.locator("rect:not([opacity])").evaluate_all(
        "bars => bars.map((bar) => Number(bar.getAttribute('height')))"
    )
    assert max(heights) == pytest.approx(56)
    expect(figures.first.locator("svg")).to_have_attribute("role", "img")
    assert axe(page) == []
    screenshot("page-drift")
    page.goto("/?lang=ru")
    about.locator("summary").click()
    expect(figures.first).to_contain_text("дрейф, PSI")


def test_versions_are_compared_on_a_table(
    page: Page, axe: Callable[..., list[str]], faults: list[str]
) -> None:
    page.goto("/")
    about = page.locator("footer details")
    about.locator("summary").click()
    form = about.locator("form")
    expect(about).to_contain_text("and v2 on a table")
    rows = pd.DataFrame({"size": [1.0, 2.0], "age": [0.0, 0.0], "kind": ["red", "red"]})
    body = rows.to_csv(index=False).encode()
    form.locator("input").set_input_files(
        [{"name": "t.csv", "mimeType": "text/csv", "buffer": body}]
    )
    form.get_by_role("button", name="Run").click()
    outcome = about.get_by_role("status")
    expect(outcome).to_contain_text("Changed rows: 2 of 2")
    with page.expect_download() as download:
        outcome.get_by_role("link").click()
    sheet = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes())).active
    assert sheet.max_row == 3
    assert sheet["F2"].fill.patternType == "solid"
    assert axe(page) == []
    wrong = body.replace(b"1.0", b"many")
    form.locator("input").set_input_files(
        [{"name": "t.csv", "mimeType": "text/csv", "buffer": wrong}]
    )
    form.get_by_role("button", name="Run").click()
    expect(outcome).to_contain_text('expected a number, got "many"')
    faults.clear()  # the console reports the 422


def test_page_without_panels(browser: Browser, folder: Path) -> None:
    (folder / "rollout.toml").unlink()
    with (
        serve("gunicorn", folder, subprocess.DEVNULL, APP, WEB_CONCURRENCY="1") as running,
        browser.new_context(base_url=running.url, locale="en-GB") as context,
    ):
        page = context.new_page()
        page.goto("/")
        about = page.locator("footer details")
        with page.expect_response("**/page/panels/en") as response:
            about.locator("summary").click()
        assert response.value.json()["panels"] == {}
        expect(about.locator("[data-panels]")).to_be_empty()

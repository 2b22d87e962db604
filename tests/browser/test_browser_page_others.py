"""The page with hostile names, texts and cells, and with charts of numbers."""

import io
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect
from sklearn.datasets import load_wine
from sklearn.linear_model import LinearRegression

from services import serve

pytestmark = pytest.mark.long
HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>\'&amp;{{7*7}}'
APP = f"""
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.linear_model import LinearRegression

import mmf_core as mmf
from mmf_core.web import create_app

HOSTILE = {HOSTILE!r}
wines = load_wine(as_frame=True).data
model = LinearRegression().fit(wines.drop(columns="alcohol"), wines["alcohol"])
registry = mmf.Registry()
registry.artifact("none", name=HOSTILE, description=HOSTILE)(lambda: 1)


@registry.target(returns=mmf.DataFrame(format=mmf.XLSX))
def alcohol(data=mmf.DataFrame()):
    return data.assign(prediction=model.predict(data.drop(columns="alcohol")))


@registry.target(name=HOSTILE, description=HOSTILE, returns=mmf.DataFrame(format=mmf.CSV))
def echo(data=mmf.DataFrame(name=HOSTILE, description=HOSTILE), text=mmf.String(default=HOSTILE)):
    return data


@registry.target(returns=mmf.Dict())
def echoed(text=mmf.String(default=HOSTILE)):
    if text == "wrong":
        raise mmf.InvalidValue(HOSTILE, [mmf.ErrorDetail(HOSTILE, where=HOSTILE, value=HOSTILE)])
    return {{HOSTILE: text, "shares": {{HOSTILE: 0.75, "other": 0.25}}}}


@registry.target(returns=mmf.Dict(), name="Sums")
def sums(tree=mmf.Dict(), rows=mmf.Array(columns=["a", "b"]), more=mmf.JsonFile(default=None)):
    return {{"tree": tree, "more": more, "sums": dict(zip("ab", rows.sum(axis=0).tolist()))}}


@registry.target(returns=mmf.File())
def file():
    return mmf.FileBytes(b"<script>alert(3)</script>", name=HOSTILE, media_type="text/html")


app = create_app(registry)
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of this service instead of the default one."""
    folder = tmp_path_factory.mktemp("others")
    (folder / "none").touch()
    settings = {"WEB_CONCURRENCY": "1", "MMF_TASK_WORKERS": "1"}
    with serve("gunicorn", folder, subprocess.DEVNULL, APP, **settings) as running:
        yield running.url


def test_user_content_is_escaped(
    page: Page, faults: list[str], screenshot: Callable[[str], Path]
) -> None:
    page.on("dialog", lambda dialog: faults.append(f"a script ran: {dialog.message}"))
    page.goto("/#echo")
    echo = page.locator("#echo")
    table = pd.DataFrame({HOSTILE: [HOSTILE, "=1+1", "b"], "b": [1, 2, 3]})
    content = table.to_csv(index=False).encode()
    file = {"name": f"{HOSTILE.replace('/', '')}.csv", "mimeType": "text/csv", "buffer": content}
    echo.locator("input[type=file]").set_input_files([file])
    expect(echo.locator(".preview tbody td").first).to_have_text(HOSTILE)
    echo.locator("button.main").click()
    expect(echo.locator(".response tbody td").first).to_have_text(HOSTILE)
    expect(echo.locator(".response th").nth(1)).to_have_text(HOSTILE)
    echo.locator(".response select").select_option(HOSTILE)
    expect(echo.locator("h2")).to_have_text(HOSTILE)
    screenshot("page-hostile")

    page.goto("/#echoed")
    echoed = page.locator("#echoed")
    echoed.locator("button.main").click()
    expect(echoed.locator(".response dt")).to_have_text(HOSTILE)
    echoed.locator("textarea").fill("wrong")
    echoed.locator("button.main").click()
    expect(echoed.locator(".failed")).to_contain_text(HOSTILE)
    faults[:] = [fault for fault in faults if "422" not in fault]

    page.goto("/#file")
    form = page.locator("#file")
    form.locator("button.main").click()
    expect(form.locator(".response")).to_contain_text("download the file to see it")
    assert page.locator("img, body script").count() == 0


def test_trees_and_arrays_are_typed_or_uploaded(
    page: Page, axe: Callable[..., list[str]], screenshot: Callable[[str], Path]
) -> None:
    page.goto("/#sums")
    sums = page.locator("#sums")
    sums.get_by_role("button", name="Use the example").first.click()
    expect(sums.get_by_label("tree", exact=True)).to_have_value('{"name":1.5}')
    rows = {"name": "rows.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n3,4\n"}
    sums.locator("[data-name=rows] input[type=file]").set_input_files([rows])
    expect(sums.get_by_label("rows", exact=True)).to_be_disabled()
    sums.locator("button.main").click()
    result = sums.locator(".response")
    expect(result.locator("dd")).to_have_text(['{"name":1.5}', "\N{EN DASH}"])
    expect(result.get_by_role("img", name="Values of sums: a: 4; b: 6")).to_be_visible()
    assert axe(page) == []
    screenshot("page-trees")


def test_predictions_are_charted_and_exact(
    page: Page, tmp_path: Path, screenshot: Callable[[str], Path]
) -> None:
    wines = load_wine(as_frame=True).data
    wines.to_parquet(tmp_path / "wines.parquet")
    page.goto("/#alcohol")
    alcohol = page.locator("#alcohol")
    alcohol.locator("input[type=file]").set_input_files(tmp_path / "wines.parquet")
    expect(alcohol.locator(".preview tbody tr")).to_have_count(10)
    alcohol.locator("button.main").click()
    result = alcohol.locator(".response")
    chart = result.get_by_role("img", name="Distribution of prediction, bins: 9")
    expect(chart).to_be_visible()
    expect(chart.locator("rect")).to_have_count(9)
    assert sum(map(int, chart.locator("text[text-anchor=middle]").all_text_contents()[:-1])) == 178
    result.locator("select").select_option("ash")
    expect(result.get_by_role("img", name="Distribution of ash")).to_be_visible()
    screenshot("page-histogram")
    with page.expect_download() as download:
        result.get_by_text("Download alcohol.xlsx").click()
    book = io.BytesIO(download.value.path().read_bytes())
    predictions = pd.read_excel(book, engine="calamine")["prediction"]
    rest = wines.drop(columns="alcohol")
    own = LinearRegression().fit(rest, wines["alcohol"]).predict(rest)
    np.testing.assert_allclose(predictions, own, rtol=1e-12)

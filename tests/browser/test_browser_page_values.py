"""The page with dates, lists, described columns and very many columns."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from services import serve

pytestmark = pytest.mark.long
APP = """
from datetime import date

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
WINES = {
    "alcohol": mmf.Column(float, ge=0, description="alcohol, % by volume"),
    "colour": mmf.Column(str, choices=["red", "white"], description="of the wine"),
    "day": mmf.Column(date, description="of the harvest"),
}


@registry.target(returns=mmf.JsonFile())
def tagged(
    day=mmf.Date(),
    tags=mmf.List(mmf.String()),
    numbers=mmf.List(mmf.Integer(ge=1), default=[1, 2]),
):
    return {"day": day, "tags": tags, "numbers": numbers}


@registry.target(returns=mmf.DataFrame(format=mmf.JSON))
def harvest(wines=mmf.DataFrame(schema=WINES)):
    return wines.assign(day=wines["day"].dt.date)


@registry.target(returns=mmf.DataFrame(format=mmf.JSON))
def wide(data=mmf.DataFrame(schema={f"feature_{number}": float for number in range(5_000)})):
    return data.sum(axis=1)


app = create_app(registry)
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of this service instead of the default one."""
    folder = tmp_path_factory.mktemp("values")
    settings = {"WEB_CONCURRENCY": "1", "MMF_TASK_WORKERS": "1"}
    with serve("gunicorn", folder, subprocess.DEVNULL, APP, **settings) as running:
        yield running.url


def test_list_and_date_inputs(
    page: Page,
    faults: list[str],
    axe: Callable[..., list[str]],
    screenshot: Callable[[str], Path],
) -> None:
    page.goto("/#tagged")
    form = page.locator("#tagged")
    form.get_by_label("day", exact=True).fill("2026-01-31")
    form.locator("[name=tags]").fill("red\n\nChianti, dry\n")
    expect(form.locator("[name=numbers]")).to_have_value("1\n2")
    form.locator("button.main").click()
    expect(form.locator(".response dd")).to_contain_text(
        ["2026-01-31", '["red","Chianti, dry"]', "[1,2]"]
    )
    assert axe(page) == []
    screenshot("page-list")
    form.locator("[name=tags]").fill('["one\\nitem", "["]')
    form.locator("[name=numbers]").fill("[]")
    form.locator("button.main").click()
    expect(form.locator(".response dd").nth(1)).to_contain_text('["one\\nitem","["]')
    form.locator("[name=numbers]").fill("3\nx")
    form.locator("button.main").click()
    expect(form.locator(".failed")).to_contain_text('item 1: expected a whole number >= 1, got "x"')
    faults[:] = [fault for fault in faults if "422" not in fault]


def test_row_fields_show_column_descriptions(page: Page, screenshot: Callable[[str], Path]) -> None:
    page.goto("/#harvest")
    form = page.locator("#harvest")
    form.get_by_role("button", name="Fill in one row").click()
    expect(form.get_by_text("alcohol, % by volume · number, ≥ 0", exact=True)).to_be_visible()
    expect(form.get_by_text("of the wine", exact=True)).to_be_visible()
    expect(form.get_by_label("day", exact=True)).to_have_attribute("type", "date")
    form.get_by_label("day", exact=True).fill("2026-02-01")
    form.locator("button.main").click()
    expect(form.locator(".response tbody")).to_contain_text("2026-02-01")
    screenshot("page-row-described")


def test_long_column_list_is_shortened(page: Page, tmp_path: Path) -> None:
    page.goto("/#wide")
    form = page.locator("#wide")
    form.locator("summary").first.click()
    expect(form.locator("tr[data-more]")).to_contain_text("and 4900 more")
    assert form.get_by_role("button", name="Fill in one row").count() == 0
    names = [f"feature_{number}" for number in range(5_000)]
    table = tmp_path / "wide.csv"
    table.write_text(",".join(names) + "\n" + ",".join(["1"] * 5_000) + "\n")
    form.locator("input[type=file]").set_input_files([table])
    expect(form.locator(".missing-columns")).to_have_count(0)
    form.locator("button.main").click()
    expect(form.locator(".response tbody")).to_contain_text("5000")

"""Tables on the page: sheets, titles, missing columns, single rows, edits, predictions, charts."""

import io
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from services import serve

pytestmark = pytest.mark.long
AXE = Callable[..., list[str]]
SHOT = Callable[[str], Path]
APP = """
from datetime import datetime

import numpy as np
import pandas as pd

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
RED = np.full((3, 4, 3), 255, dtype=np.uint8)
HOUSES = {
    "District": mmf.Column(str, choices=["Centre", "North"]),
    "area": mmf.Column(float, gt=0, le=1000),
    "rooms": mmf.Column(int, ge=1, le=20),
    "built": datetime,
    "lift": bool | None,
}


@registry.target(returns=mmf.DataFrame(format=mmf.XLSX))
def price(data=mmf.DataFrame(schema=HOUSES)):
    return data.assign(prediction=data["area"] * 2345.678 + data["rooms"] * 10_000)


@registry.target(
    returns=mmf.Dict(),
    examples={
        "cheap": {"houses": [{"area": 20.5, "city": "Omsk"}], "photo": RED, "discount": 0.25},
        "dear": {"houses": [{"area": 200, "city": None}], "photo": RED, "about": {"floor": 7}},
    },
)
def offer(
    houses=mmf.DataFrame(schema={"area": float, "city": str | None}),
    photo=mmf.Img(),
    about=mmf.Dict(default={}),
    discount=mmf.Float(default=0.5),
    kind=mmf.String(choices=["flat", "house"], default="house"),
):
    empty = houses["city"].isna().sum()
    sizes = {"area": houses["area"].sum(), "empty": empty, "pixels": photo[:, :, 0].size}
    return {**sizes, "floor": about.get("floor"), "discount": discount, "kind": kind}


@registry.target(returns=mmf.DataFrame(format=mmf.XLSX))
def rate(data=mmf.DataFrame(schema={"area": float}, extra="keep")):
    return data["area"].to_numpy() * 2


@registry.target(returns=mmf.DataFrame(format=mmf.CSV))
def forecast(days=mmf.Integer(default=60)):
    dates = pd.date_range("2026-01-01", periods=days)
    return pd.DataFrame({"date": dates, "prediction": np.arange(days) / 3})


@registry.target(returns=mmf.DataFrame(format=mmf.CSV))
def embed(data=mmf.DataFrame()):
    return np.zeros((len(data), 384)) + 0.25


@registry.target(returns=mmf.Dict())
def explain(data=mmf.Dict()):
    return {"shares": {"red": 0.12, "white": 0.77, "blue": 0.11}}


@registry.target(returns=mmf.DataFrame(format=mmf.XLSX))
def same(data=mmf.DataFrame()):
    return data


app = create_app(registry)
"""
HOUSES = pd.DataFrame(
    {
        "id": range(100_234, 100_254),
        "District": ["Centre", "North"] * 10,
        "area": np.linspace(20.5, 200, 20).round(1),
        "rooms": [*range(1, 11)] * 2,
        "built": pd.date_range("1999-05-05", periods=20, freq="-90D"),
        "lift": [True, False] * 10,
    }
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of this service instead of the default one."""
    folder = tmp_path_factory.mktemp("tables")
    settings = {"WEB_CONCURRENCY": "1", "MMF_TASK_WORKERS": "1"}
    with serve("gunicorn", folder, subprocess.DEVNULL, APP, **settings) as running:
        yield running.url


def opened(page: Page, target: str, language: str = "en") -> Locator:
    page.goto(f"/?lang={language}#{target}")
    section = page.locator(f"#{target}")
    expect(section).to_be_visible()
    return section


def choose(section: Locator, name: str, content: bytes | str) -> None:
    data = content.encode() if isinstance(content, str) else content
    file: Any = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    section.locator("input[type=file]").set_input_files([file])
    expect(section.locator(".preview table")).to_be_visible()


def run(section: Locator) -> Locator:
    section.locator("button.main").click()
    result = section.locator(".response")
    expect(result).to_be_visible()
    return result


def saved(page: Page, link: Locator) -> bytes:
    with page.expect_download() as download:
        link.click()
    return download.value.path().read_bytes()


def workbook(table: pd.DataFrame, *, row: int = 0) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer) as writer:
        pd.DataFrame({"note": ["read me"]}).to_excel(writer, sheet_name="Notes", index=False)
        table.to_excel(writer, sheet_name="Houses", index=False, startrow=row)
        if row:
            writer.book["Houses"]["A1"] = "Houses of 2026"
    return buffer.getvalue()


def prices(book: bytes) -> list[float]:
    return pd.read_excel(io.BytesIO(book), engine="calamine")["prediction"].tolist()


def expected_prices(houses: pd.DataFrame) -> Any:
    own = houses["area"] * 2345.678 + houses["rooms"] * 10_000
    return pytest.approx(own.tolist(), rel=1e-12)


def test_sheet_is_selected_and_header_detected_below_a_title(
    page: Page, faults: list[str], axe: AXE
) -> None:
    wrong = HOUSES.astype(object)
    wrong.loc[2, "area"] = "large"
    section = opened(page, "price")
    choose(section, "houses.xlsx", workbook(wrong, row=3))
    expect(section.locator(".missing-columns li")).to_have_count(5)
    section.get_by_label("Sheet").select_option("Houses")
    expect(section).to_contain_text("The column names were found in row 4, below a title.")
    expect(section.locator(".preview tbody th").first).to_have_text("5")
    expect(section.locator(".missing-columns")).to_have_count(0)
    expect(section.locator("[data-code=curl]")).to_contain_text("sheet=Houses&header_row=4")
    assert axe(page) == []
    result = run(section)
    faults.clear()
    expect(result.locator("tbody tr")).to_contain_text("7area")
    expect(section.locator(".preview .invalid")).to_have_text("large")
    book = saved(page, result.get_by_role("button", name="errors marked"))
    faults.clear()
    marked = pd.read_excel(io.BytesIO(book), sheet_name=None, header=None, engine="calamine")
    assert marked["errors"].iloc[2, 0] == 7
    choose(section, "houses.xlsx", workbook(HOUSES, row=3))
    section.get_by_label("Sheet").select_option("Houses")
    expect(section.locator(".preview tbody th").first).to_have_text("5")
    assert prices(saved(page, run(section).get_by_text("Download"))) == expected_prices(HOUSES)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1251"])
def test_header_of_a_csv_is_detected(page: Page, encoding: str) -> None:
    section = opened(page, "price")
    text = "Дома\n\n" + HOUSES.to_csv(index=False, sep=";", decimal=",")
    choose(section, "houses.csv", text.encode(encoding))
    expect(section).to_contain_text("found in row 3")
    expect(section.locator(".preview tbody th").first).to_have_text("4")
    assert prices(saved(page, run(section).get_by_text("Download"))) == expected_prices(HOUSES)


def test_header_is_detected_without_a_schema(page: Page) -> None:
    section = opened(page, "same")
    choose(section, "t.csv", "a title\nname,size\nx,1\n")
    expect(section).to_contain_text("found in row 2")
    choose(section, "t.csv", "name,size\nx,1\n")
    expect(section).not_to_contain_text("found in row")
    buffer = io.BytesIO()
    pd.DataFrame({"name": ["x", "y"]}, index=["first", "second"]).to_excel(buffer)
    choose(section, "t.xlsx", buffer.getvalue())
    expect(section.locator(".preview tbody tr")).to_have_count(2)
    expect(section).not_to_contain_text("found in row")


def test_missing_columns_suggest_similar_names(page: Page, faults: list[str], axe: AXE) -> None:
    section = opened(page, "price")
    renamed = HOUSES.rename(columns={"District": " district", "area": "aria", "lift": "x"})
    choose(section, "houses.csv", renamed.to_csv(index=False))
    expect(section.locator(".missing-columns li")).to_have_text(
        [
            'District: missing column; did you mean " district"? Rename it',
            'area: missing column; did you mean "aria"? Rename it',
            "lift: missing column",
        ]
    )
    assert axe(page) == []
    result = run(section)
    faults.clear()
    expect(result).to_contain_text("Missing columns: District, area, lift", ignore_case=True)
    expect(result).to_contain_text('missing column; did you mean "aria"?')
    expect(result.get_by_role("button", name="errors marked")).to_have_count(0)
    for name in ("District", "area"):
        section.locator(".missing-columns li", has_text=name).get_by_role("button").click()
    expect(section.locator(".missing-columns li")).to_have_count(1)
    section.locator(".preview thead th", has_text="x").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("lift")
    page.keyboard.press("Tab")
    expect(section.locator(".missing-columns")).to_have_count(0)
    assert prices(saved(page, run(section).get_by_text("Download"))) == expected_prices(HOUSES)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_cells_can_be_edited(page: Page, kind: str, faults: list[str]) -> None:
    section = opened(page, "price")
    buffer = io.BytesIO()
    HOUSES.to_excel(buffer, index=False)
    content = buffer.getvalue() if kind == "xlsx" else HOUSES.to_csv(index=False).encode()
    choose(section, f"houses.{kind}", content)
    cell = section.locator(".preview tbody tr").nth(1).locator("td").nth(2)
    cell.click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("large")
    page.keyboard.press("Tab")
    page.keyboard.type("20")
    page.keyboard.press("Tab")
    expect(section.locator("[data-undo]")).to_contain_text("changed")
    run(section)
    faults.clear()
    expect(section.locator(".preview .invalid").first).to_have_text("large")
    cell.click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("64.5")
    page.keyboard.press("Enter")
    below = section.locator(".preview tbody tr").nth(2).locator("td").nth(2)
    expect(below).to_be_focused()
    changed = HOUSES.assign(area=HOUSES["area"].where(HOUSES.index != 1, 64.5))
    changed["rooms"] = changed["rooms"].where(HOUSES.index != 1, 20)
    section.locator("button.main").click()
    link = section.locator(".response").get_by_text("Download")
    expect(link).to_be_visible()
    assert prices(saved(page, link)) == expected_prices(changed)
    section.get_by_role("button", name="Undo").click()
    expect(section.locator("[data-undo]")).to_have_count(0)
    expect(cell).to_have_text(f"{HOUSES['area'][1]:g}")
    assert prices(saved(page, run(section).get_by_text("Download"))) == expected_prices(HOUSES)


def test_workbook_without_a_schema_is_not_editable(page: Page) -> None:
    """An edited workbook would have its dates as texts."""
    section = opened(page, "same")
    buffer = io.BytesIO()
    HOUSES.to_excel(buffer, index=False)
    choose(section, "houses.xlsx", buffer.getvalue())
    expect(section.locator("[contenteditable]")).to_have_count(0)


def test_single_row_form(page: Page, faults: list[str], axe: AXE, screenshot: SHOT) -> None:
    section = opened(page, "price")
    section.get_by_role("button", name="Fill in one row").click()
    expect(section.get_by_label("District")).to_have_value("Centre")
    expect(section.get_by_label("District")).to_be_focused()
    expect(section.get_by_label("lift")).to_have_value("true")
    section.get_by_label("District").select_option("North")
    section.get_by_label("area").fill("0")
    section.get_by_label("rooms").fill("3")
    assert axe(page) == []
    result = run(section)
    faults.clear()
    expect(section.locator(".fields .fault", has_text="expected")).to_have_text(
        ["expected a number > 0 and <= 1000, got 0"]
    )
    section.get_by_label("area").fill("100.25")
    section.get_by_label("lift").select_option("")
    run(section)
    expect(result.locator(".big")).to_have_text("265,154.22")
    expect(result.locator("thead th").nth(1)).to_have_text("prediction")
    expect(result.locator("thead .pin")).to_have_count(1)
    expect(section.locator("[data-code=curl]")).to_contain_text('data=@"row.json"')
    screenshot("page-one-row")
    section.get_by_label("rooms").fill("99")
    section.locator("button.main").click()  # the browser checks the bounds
    expect(section.get_by_label("rooms")).to_be_focused()
    section.get_by_role("button", name="Use a file").click()
    section.get_by_role("button", name="Use the example").click()
    expect(section.locator(".preview tbody tr")).to_have_count(1)


def test_errors_are_translated_and_grouped(
    page: Page, faults: list[str], axe: AXE, screenshot: SHOT
) -> None:
    wrong = HOUSES.astype(object)
    wrong.loc[[3, 7, 9], "area"] = None
    wrong.loc[4, "District"] = "East"
    section = opened(page, "price", "ru")
    choose(section, "houses.csv", wrong.to_csv(index=False))
    result = run(section)
    expect(result.get_by_role("alert")).to_contain_text("ячеек, не подходящих по типу: 4")
    expect(result.locator("tbody tr")).to_have_text(
        [
            "5, 9, 11areaожидается число больше 0 и до 1000, получено: пустая ячейка",  # noqa: RUF001
            '6Districtожидается одно из значений "Centre", "North", получено: "East"East',  # noqa: RUF001
        ]
    )
    expect(result.get_by_role("button", name="отмеченными")).to_be_visible()
    assert axe(page) == []
    screenshot("page-errors-ru")
    section.locator("input[type=file]").set_input_files(
        [{"name": "a.csv", "mimeType": "text/csv", "buffer": b"area\n1\n"}]
    )
    result = run(section)
    faults.clear()
    expect(result).to_contain_text("Нет столбцов", ignore_case=True)
    expect(result.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(1280, "light", "en"), (1280, "dark", "ru"), (390, "light", "ru"), (390, "dark", "en")],
)
def test_predictions_stay_visible(
    page: Page, width: int, scheme: Any, language: str, axe: AXE, screenshot: SHOT
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    wide = HOUSES.assign(**{f"more_{place}": place for place in range(12)})
    section = opened(page, "price", language)
    choose(section, "houses.csv", wide.to_csv(index=False))
    result = run(section)
    heads = result.locator("thead th")
    expect(heads.nth(1)).to_have_text("prediction")
    cell = result.locator("tbody td").first
    expect(cell).to_have_text("58,086.40" if language == "en" else "58\xa0086,40")
    expect(cell).to_have_attribute("title", "58086.399")
    expect(result.locator("tbody tr").first).to_contain_text("1999-05-05")
    expect(result.locator("tbody tr").first).not_to_contain_text("00:00")
    result.locator(".scroll").evaluate("element => { element.scrollLeft = element.scrollWidth; }")
    box = cell.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    cell.scroll_into_view_if_needed()
    covering = cell.evaluate(
        "cell => { const box = cell.getBoundingClientRect();"
        " return document.elementFromPoint(box.right - 20, box.y + 8) === cell; }"
    )
    assert covering
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe(page) == []
    screenshot(f"page-predictions-{width}-{scheme}-{language}")


@pytest.mark.parametrize(("language", "size"), [("en", "4 bytes"), ("ru", "4 байта")])
def test_hints_fit_a_narrow_screen(page: Page, language: str, size: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    section = opened(page, "price", language)
    choose(section, "t.csv", "a\n1\n")
    expect(section.locator(".chosen")).to_have_text(re.compile(size))
    section.locator(".help summary").click()
    expect(section.locator(".help table")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    first, second = (button.bounding_box() for button in section.locator(".help button").all())
    assert first
    assert second
    if second["y"] > first["y"]:
        assert second["y"] - first["y"] - first["height"] >= 2


def test_chart_type_follows_the_values(page: Page, screenshot: SHOT) -> None:
    result = run(opened(page, "forecast"))
    name = "prediction from 2026-01-01 to 2026-03-01, between 0 and 19.67"
    expect(result.get_by_role("img", name=name)).to_be_visible()
    screenshot("page-line")

    section = opened(page, "explain")
    section.get_by_role("button", name="Use the example").click()
    name = "Values of shares: white: 0.77; red: 0.12; blue: 0.11"
    expect(run(section).get_by_role("img", name=name)).to_be_visible()

    section = opened(page, "embed")
    choose(section, "t.csv", "a\n1\n2\n")
    result = run(section)
    expect(result).to_contain_text("columns: 384, the first 200 columns")
    expect(result.locator("thead th")).to_have_count(201)
    expect(result.locator("svg, select")).to_have_count(0)


def test_call_history_keeps_results(page: Page, faults: list[str]) -> None:
    section = opened(page, "price")
    calls = section.get_by_role("region", name="Calls on this page")
    choose(section, "first.csv", HOUSES.to_csv(index=False))
    run(section)
    expect(calls).to_have_count(0)
    second = HOUSES.head(3)
    choose(section, "second.csv", second.to_csv(index=False))
    section.locator("button.main").click()
    expect(calls.locator("li")).to_have_count(2)
    choose(section, "third.csv", "a\n1\n")
    section.locator("button.main").click()
    expect(calls.locator("li")).to_have_count(3)
    faults.clear()
    expect(calls.locator("li").first).to_contain_text("third.csv")
    expect(calls.locator("li").first).to_contain_text("The data has errors")
    assert prices(saved(page, calls.locator("a").nth(0))) == expected_prices(second)
    assert prices(saved(page, calls.locator("a").nth(1))) == expected_prices(HOUSES)


def test_file_selected_during_a_call_is_not_mistaken_for_the_sent_one(
    page: Page, faults: list[str]
) -> None:
    section = opened(page, "price")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/price?*", hold)
    choose(section, "first.csv", HOUSES.assign(rooms=0).to_csv(index=False))
    section.locator("button.main").click()
    expect(section.locator("progress")).to_be_visible()
    choose(section, "second.csv", HOUSES.head(3).to_csv(index=False))
    held[0].continue_()
    page.unroute("**/price?*")
    result = section.locator(".response")
    book = saved(page, result.get_by_role("button", name="marked"))
    assert len(pd.read_excel(io.BytesIO(book), engine="calamine")) == len(HOUSES)
    run(section)
    expect(section.get_by_role("region", name="Calls on this page").locator("li")).to_have_text(
        [re.compile("second.csv"), re.compile("first.csv")]
    )
    faults.clear()


def test_csv_download_opens_in_excel(page: Page) -> None:
    section = opened(page, "same")
    choose(section, "t.csv", "имя\nЮлия\n")
    section.locator("[data-format]").select_option("csv")
    assert saved(page, run(section).get_by_text("Download")).decode() == "\ufeffимя\nЮлия\n"


def test_large_download_is_complete_when_done_is_shown(page: Page) -> None:
    section = opened(page, "same")
    rows = "a,b\n" + "".join(f"{row},{row / 7}\n" for row in range(200_000))
    choose(section, "t.csv", rows)
    page.evaluate(
        """() => {
          window.early = 0;
          const result = document.querySelector("#same .result");
          new MutationObserver(() => {
            if (/Done/.test(result.textContent) && !result.querySelector("table")) early += 1;
          }).observe(result, { subtree: true, childList: true });
        }"""
    )
    result = run(section)
    expect(result.get_by_text("Download same.xlsx")).to_be_visible()
    expect(result).to_contain_text("Done in", timeout=60_000)
    expect(result.locator("tbody tr")).to_have_count(100)
    expect(result).to_contain_text("Rows: 200,000")
    assert page.evaluate("early") == 0


# The author's examples


def test_example_fills_the_form_and_runs(page: Page, axe: AXE) -> None:
    section = opened(page, "offer")
    cheap, dear = (section.get_by_role("button", name=name) for name in ("cheap", "dear"))
    cheap.click()
    expect(section.locator(".preview table")).to_contain_text("Omsk")
    expect(section.locator("input[type=number]")).to_have_value("0.25")
    expect(run(section)).to_contain_text("area20.5")
    expect(section.locator(".response")).to_contain_text("pixels12")
    assert axe(page) == []

    section.get_by_label("kind").select_option("flat")
    dear.click()
    expect(section.locator("textarea[name=about]")).to_have_value('{"floor":7}')
    expect(section.locator("input[type=number]")).to_have_value("0.5")  # not in this example
    expect(section.get_by_label("kind")).to_have_value("house")
    expect(section.locator(".preview table")).not_to_contain_text("Omsk")
    result = run(section)
    for text in ("area200", "empty1", "floor7", "discount0.5"):
        expect(result).to_contain_text(text)


# Columns that come back


def test_identifier_is_shown_beside_its_prediction(page: Page, axe: AXE) -> None:
    section = opened(page, "rate")
    choose(section, "houses.csv", "id,area,city\n007,1.5,Omsk\n008,2.5,Kazan\n")
    result = run(section)
    table = result.locator("table")
    expect(table.locator("thead th")).to_have_text(["row", "prediction", "id", "city"])
    for row, texts in enumerate((("3", "007", "Omsk"), ("5", "008", "Kazan"))):
        for text in texts:
            expect(table.locator("tbody tr").nth(row)).to_contain_text(text)
    assert axe(page) == []

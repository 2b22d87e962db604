"""The page at `/` in a real browser: what users do, from dropping a file to its response."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from sklearn.datasets import load_wine
from sklearn.tree import DecisionTreeClassifier

pytestmark = pytest.mark.long
WINES = load_wine(as_frame=True)
CULTIVARS = WINES.target_names[WINES.target]
EMPTY = "\N{EN DASH}"
AXE = Callable[..., list[str]]
SHOT = Callable[[str], Path]


@pytest.fixture(scope="module")
def wines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wines as a workbook."""
    file = tmp_path_factory.mktemp("files") / "wines.xlsx"
    WINES.data.to_excel(file, index=False)
    return file


def opened(page: Page, target: str, address: str = "/") -> Locator:
    """Return the section of a target on the page."""
    page.goto(f"{address}#{target}")
    section = page.locator(f"#{target}")
    expect(section).to_be_visible()
    return section


def run(section: Locator) -> Locator:
    """Call the target and return the element that shows its response."""
    section.locator("button.main").click()
    result = section.locator(".response")
    expect(result).to_be_visible()
    return result


def saved(page: Page, button: Locator) -> bytes:
    """Return the file that a click downloads."""
    with page.expect_download() as download:
        button.click()
    return download.value.path().read_bytes()


def test_excel_file_in_and_out(page: Page, wines: Path, axe: AXE, screenshot: SHOT) -> None:
    section = opened(page, "score")
    assert axe(page) == []
    section.locator("input[type=file]").set_input_files(wines)
    rows = section.get_by_role("region", name="First rows of wines.xlsx")
    expect(rows.locator("tbody tr")).to_have_count(10)
    expect(rows.locator("tbody tr").first).to_contain_text("14.23")
    expect(section).to_contain_text("Rows: 178, columns: 13")

    result = run(section)
    expect(result).to_be_focused()
    expect(result.locator("tbody tr")).to_have_count(100)
    counts = pd.Series(CULTIVARS).value_counts()
    label = result.get_by_role("img").get_attribute("aria-label") or ""
    for cultivar, count in counts.items():
        assert f"{cultivar}: {count}" in label
    section.locator("summary", has_text="Call it from code").click()
    expect(section.locator("[data-code=curl]")).to_contain_text(
        "/score?format=xlsx' \\\n  -F 'data=@"
    )
    expect(section.locator("[data-code=Python]")).to_contain_text('open("wines.xlsx", "rb")')
    assert axe(page) == []
    screenshot("page-table")

    book = saved(page, result.get_by_text("Download score.xlsx"))
    model = DecisionTreeClassifier(random_state=0).fit(WINES.data, CULTIVARS)
    predictions = pd.read_excel(io.BytesIO(book), engine="calamine")["prediction"].tolist()
    assert predictions == model.predict(WINES.data).tolist()

    head = result.get_by_role("columnheader", name="prediction")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(result.locator("tbody td").first).to_have_text("class_2")


def test_invalid_cells_are_highlighted(
    page: Page, tmp_path: Path, axe: AXE, screenshot: SHOT, faults: list[str]
) -> None:
    table = WINES.data.astype(object)
    table.loc[3, "alcohol"] = "abc"
    table.loc[150, "hue"] = None
    table.to_excel(tmp_path / "bad.xlsx", index=False)
    section = opened(page, "score")
    section.locator("input[type=file]").set_input_files(tmp_path / "bad.xlsx")
    expect(section.locator(".preview table")).to_be_visible()
    result = run(section)
    faults.clear()  # the browser reports the 422
    expect(section.locator(".preview .invalid")).to_have_text(["abc", EMPTY])
    assert section.locator(".preview tr", has_text="abc").locator("th").inner_text() == "5"
    expect(result.get_by_role("alert")).to_contain_text("2 cells do not match the schema")
    listed = result.locator("tbody tr")
    expect(listed.nth(0)).to_have_text('5alcoholexpected a number, got "abc"abc')
    expect(listed.nth(1)).to_have_text("152hueexpected a number, got an empty cell")
    assert axe(page) == []
    screenshot("page-faults")
    book = saved(page, result.get_by_role("button", name="errors marked"))
    faults.clear()
    sheet = openpyxl.load_workbook(io.BytesIO(book)).worksheets[0]
    assert sheet["A5"].comment.text == 'expected a number, got "abc"'


def test_csv_preview_shows_parsed_cells(page: Page) -> None:
    section = opened(page, "score")
    text = WINES.data.head(3).to_csv(index=False, sep=";", decimal=",")
    file = {"name": "вина.csv", "mimeType": "text/csv", "buffer": text.encode("windows-1251")}
    section.locator("input[type=file]").set_input_files([file])
    expect(section.locator(".preview tbody tr")).to_have_count(3)
    expect(section.locator(".preview tbody td").first).to_have_text("14,23")
    section.locator("[data-format]").select_option("csv")
    result = run(section)
    expect(result.locator("tbody tr")).to_have_count(3)
    assert saved(page, result.get_by_text("Download score.csv")).startswith(
        b"\xef\xbb\xbfprediction\n"
    )
    section.get_by_role("button", name="Remove: вина.csv").click()
    expect(section.locator(".preview")).to_have_count(0)


def test_cells_can_be_pasted_from_a_spreadsheet(page: Page) -> None:
    section = opened(page, "score")
    text = WINES.data.head(2).to_csv(index=False, sep="\t")
    section.locator("input[type=file]").evaluate(
        """(input, text) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", text);
          input.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }""",
        text,
    )
    expect(section.locator(".preview tbody tr")).to_have_count(2)
    expect(run(section).locator("tbody tr")).to_have_count(2)


def test_oversized_file_is_rejected_with_a_message(
    page: Page, tmp_path: Path, faults: list[str]
) -> None:
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(60 * 1024**2)
    section = opened(page, "score")
    section.locator("input[type=file]").set_input_files(tmp_path / "large.csv")
    expect(section).to_contain_text("This file is 60 MB; the limit is 50 MB.")
    page.evaluate(
        """() => {
          const progress = document.querySelector("#score .progress");
          window.texts = [];
          new MutationObserver(() => texts.push(progress.textContent))
            .observe(progress, { subtree: true, childList: true });
        }"""
    )
    result = run(section)
    faults.clear()  # the browser reports the 413 or the reset connection
    expect(result).to_contain_text("The limit is 50 MB.")
    expect(result.locator("h3")).to_have_text("The data is too large")
    assert re.search(r"Sending… \d+ %", " ".join(page.evaluate("texts")))


def test_reset_connection_still_names_the_limit(
    page: Page, tmp_path: Path, faults: list[str]
) -> None:
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(51 * 1024**2)
    section = opened(page, "score")
    page.route("**/score?*", lambda route: route.abort("connectionreset"))
    section.locator("input[type=file]").set_input_files(tmp_path / "large.csv")
    result = run(section)
    expect(result).to_contain_text(
        "The connection was lost while sending 51 MB; the limit is 50 MB."
    )
    section.get_by_role("button", name="Use the example").click()
    expect(section.locator(".chosen b")).to_have_text("example.csv")
    expect(section.locator(".preview table")).to_be_visible()
    expect(run(section)).to_contain_text("Is it running")
    faults.clear()


def test_keyboard_navigation(page: Page, wines: Path) -> None:
    opened(page, "half").page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the form")).to_be_focused()
    page.locator(".targets a").nth(3).focus()
    page.keyboard.press("Enter")
    section = page.locator("#half")
    expect(section).to_be_visible()
    expect(page.locator("#score")).to_be_hidden()
    expect(page.locator(".targets [aria-current]")).to_have_text("half")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "half-number":
            break
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    result = section.locator(".response")
    expect(result).to_be_focused()
    expect(result.locator(".big")).to_have_text("2.5")
    page.keyboard.press("Tab")
    expect(result.get_by_text("Download")).to_be_focused()
    page.goto("/#score")
    with page.expect_file_chooser() as chooser:
        page.locator("#score-data").focus()
        page.keyboard.press("Enter")
    chooser.value.set_files(wines)
    for _ in range(3):  # remove, two examples …
        page.keyboard.press("Tab")
    expect(page.locator("#score .preview table")).to_be_visible()
    page.locator("#score .preview .scroll").focus()
    page.keyboard.press("ArrowRight")  # a wide table is scrolled with the keyboard
    page.wait_for_function("document.querySelector('#score .preview .scroll').scrollLeft > 0")


def test_image(page: Page, tmp_path: Path, screenshot: SHOT, axe: AXE) -> None:
    picture = Image.new("RGB", (80, 40), "white")
    picture.paste((200, 30, 60), (0, 0, 20, 40))
    picture.save(tmp_path / "p.png")
    section = opened(page, "mirror")
    section.locator("input[type=file]").set_input_files(tmp_path / "p.png")
    expect(section.locator(".shown img")).to_be_visible()
    result = run(section)
    shown = result.get_by_role("img", name="Resulting image")
    expect(shown).to_be_visible()
    page.wait_for_function("document.querySelector('#mirror .response img').naturalWidth === 80")
    turned = Image.open(io.BytesIO(saved(page, result.get_by_text("Download mirror.png"))))
    assert turned.getpixel((79, 0)) == (200, 30, 60)
    assert axe(page) == []
    screenshot("page-picture")


def test_scalars(page: Page, screenshot: SHOT, axe: AXE, faults: list[str]) -> None:
    section = opened(page, "scalars")
    section.locator("button.main").click()  # the browser checks required fields
    expect(section.locator("#scalars-text")).to_be_focused()
    section.get_by_label("text").fill("<b>bold</b> & more")
    section.get_by_label("part").fill("0.25")
    section.get_by_label("flag").select_option("yes")
    section.get_by_label("moment").fill("2026-01-31T12:30")
    result = run(section)
    pairs = dict(
        zip(
            result.locator("dt").all_inner_texts(),
            result.locator("dd").all_inner_texts(),
            strict=True,
        )
    )
    assert pairs == {
        "text": "<b>bold</b> & more",
        "whole": "1",
        "part": "0.25",
        "flag": "yes",
        "moment": "2026-01-31 12:30:00",
    }
    assert axe(page) == []
    screenshot("page-scalars")
    section.locator("summary", has_text="Call it from code").click()
    expect(section.locator("[data-code=curl]")).to_contain_text(
        "--form-string 'text=<b>bold</b> & more'"
    )
    assert faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_russian_in_both_color_schemes(
    page: Page, wines: Path, scheme: str, axe: AXE, screenshot: SHOT
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # it is one of them
    section = opened(page, "score", "/?lang=ru")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    section.locator("input[type=file]").set_input_files(wines)
    expect(section).to_contain_text("Строк: 178, столбцов: 13")
    expect(run(section)).to_contain_text("Скачать score.xlsx")
    if scheme == "dark":  # the other color scheme is checked above
        assert axe(page) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(re.findall(r"\d+", background)[0])
    assert (red < 50) == (scheme == "dark")
    screenshot(f"page-ru-{scheme}")
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#score")).to_be_visible()


def test_narrow_screen(page: Page, wines: Path, screenshot: SHOT) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    section = opened(page, "score")
    section.locator("input[type=file]").set_input_files(wines)
    run(section)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    screenshot("page-narrow")

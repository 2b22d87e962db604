"""Take the pictures of the page and of /docs, from a running sample service.

    make demo                                              # in another terminal
    .venv/bin/python tools/screenshots.py [URL]            # page.png, docs.png and after-*.png
    .venv/bin/python tools/screenshots.py URL before       # before-*.png alone, of an older version

They are written to docs/images, in 64 colours. Needs chromium on the PATH. The older version's were
taken once, of commit 8dc5778: `git worktree add build/before 8dc5778; make -C build/before demo`.
"""

import argparse
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from sklearn.datasets import load_wine

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTH = 1280
COLOURS = 64


class View(NamedTuple):
    """One view of the page: a sheet with a title, or the errors of an invalid one."""

    width: int
    scheme: Any
    language: str
    has_errors: bool

    @property
    def name(self) -> str:
        """The end of the file's name."""
        return f"{self.width}-{self.scheme}-{self.language}"


VIEWS = [
    View(1280, "light", "en", has_errors=False),
    View(1280, "dark", "ru", has_errors=True),
    View(390, "light", "ru", has_errors=False),
    View(390, "dark", "en", has_errors=True),
]


def save(page: Page, name: str) -> None:
    """Write what the window shows, in few colours."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS).save(IMAGES / f"{name}.png", optimize=True)


@contextmanager
def open_page(browser: Browser, width: int, height: int, **options: Any) -> Iterator[Page]:
    """Open a window of this size."""
    viewport: Any = {"width": width, "height": height}
    page = browser.new_page(viewport=viewport, reduced_motion="reduce", **options)
    yield page
    page.close()


def drop(page: Page, url: str, workbook: Path) -> None:
    """Drop a workbook on the first form."""
    page.goto(url)
    page.locator("#score input[type=file]").first.set_input_files(workbook)
    page.locator("#score .preview table").wait_for()


def run(page: Page, response: str) -> None:
    """Call the first target and wait for the result."""
    page.locator("#score button.main").click()
    page.locator(f"#score {response}").first.wait_for()


def take_page(browser: Browser, url: str, workbook: Path) -> None:
    """Score a workbook on the page, and take its picture down to the first predictions."""
    with open_page(browser, WIDTH, 1180, locale="en-GB") as page:
        drop(page, f"{url}/#score", workbook)
        run(page, ".response table")
        page.evaluate("scrollTo(0, 0)")
        save(page, "page")


def take_docs(browser: Browser, url: str) -> None:
    """Take a picture of the routes in Swagger UI."""
    with open_page(browser, WIDTH, 1000, locale="en-GB") as page:
        page.goto(f"{url}/docs")
        page.locator("#operations-targets-score").wait_for()
        save(page, "docs")


def take_view(browser: Browser, url: str, view: View, workbook: Path, prefix: str) -> None:
    """Take a picture of a dropped workbook, or of the errors in it."""
    height = 760 if view.width == WIDTH else 844
    with open_page(browser, view.width, height, color_scheme=view.scheme) as page:
        drop(page, f"{url}/?lang={view.language}#score", workbook)
        if view.has_errors:
            run(page, ".response.failed")
        top = "button.main" if view.has_errors else "form"
        page.locator(f"#score {top}").evaluate("element => element.scrollIntoView()")
        save(page, f"{prefix}-{view.name}")


def workbooks(folder: Path) -> tuple[Path, Path, Path]:
    """Write a workbook of wines, one with a title above them, and one with wrong cells."""
    paths = folder / "wines.xlsx", folder / "titled.xlsx", folder / "faulty.xlsx"
    wines = load_wine(as_frame=True).data
    wines.to_excel(paths[0], index=False)
    with pd.ExcelWriter(paths[1]) as writer:
        wines.to_excel(writer, sheet_name="2026", index=False, startrow=2)
        writer.sheets["2026"].cell(1, 1, "Wines of the cellar")
        wines.to_excel(writer, sheet_name="2025", index=False)
    faulty = wines.head(12).astype({"alcohol": object, "hue": object})
    faulty.loc[[1, 3, 4], "alcohol"] = "strong"
    faulty.loc[2, "hue"] = None
    faulty.to_excel(paths[2], index=False)
    return paths


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000")
    parser.add_argument("prefix", nargs="?", choices=["before", "after"], default="after")
    arguments = parser.parse_args()
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        valid, titled, faulty = workbooks(Path(folder))
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        if arguments.prefix == "after":
            take_page(browser, arguments.url, valid)
            take_docs(browser, arguments.url)
        for view in VIEWS:
            workbook = faulty if view.has_errors else titled
            take_view(browser, arguments.url, view, workbook, arguments.prefix)
        browser.close()


if __name__ == "__main__":
    main()

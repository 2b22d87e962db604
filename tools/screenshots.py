"""Take the README's pictures of the page and of /docs, of a sample service that is running.

    make demo                                    # in another terminal
    .venv/bin/python tools/screenshots.py [URL]

They are written to docs/images. Needs chromium on the PATH.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright
from sklearn.datasets import load_wine

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTH = 1280


def take_page(page: Page, url: str, workbook: Path) -> None:
    """Score a workbook on the page, and take its picture down to the first predictions."""
    page.set_viewport_size({"width": WIDTH, "height": 1180})
    page.goto(f"{url}/#score")
    section = page.locator("#score")
    section.locator("input[type=file]").set_input_files(workbook)
    section.locator(".preview table").wait_for()
    section.locator("button.main").click()
    section.locator(".response table").wait_for()
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=IMAGES / "page.png")


def take_docs(page: Page, url: str) -> None:
    """Take a picture of the routes in Swagger UI."""
    page.set_viewport_size({"width": WIDTH, "height": 1000})
    page.goto(f"{url}/docs")
    page.locator("#operations-targets-score").wait_for()
    page.screenshot(path=IMAGES / "docs.png")


def main() -> None:
    """Take both pictures."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        workbook = Path(folder, "wines.xlsx")
        load_wine(as_frame=True).data.to_excel(workbook, index=False)
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(locale="en-GB", reduced_motion="reduce")
        take_page(page, url, workbook)
        take_docs(page, url)
        browser.close()


if __name__ == "__main__":
    main()

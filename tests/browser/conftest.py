"""A real browser and a real service; any fault of the page fails the test.

A test takes `page`, and finds the service's address in `service`. A console error, a violation of
the page's Content-Security-Policy, an exception in a script or a request to another host fails the
test when it ends. A test that provokes one takes `faults` too, and clears it.

`--host-resolver-rules` leaves the browser without a network, which exposes a page that needs one.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from baking import ROOT
from services import serve

SCREENSHOTS = ROOT / "build" / "screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome")
LONGEST_STEP = 30_000  # milliseconds; playwright waits no longer than it must
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
GRAVE = ("serious", "critical")
# The console reports most of these too, but not for every directive.
REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", event => console.error(
  `Content-Security-Policy: ${event.violatedDirective} forbids ${event.blockedURI}`));
"""
MAIN = """
from sklearn.datasets import load_wine
from sklearn.tree import DecisionTreeClassifier

import mmf_core as mmf

wines = load_wine(as_frame=True)
cultivars = wines.target_names[wines.target]
model = DecisionTreeClassifier(random_state=0).fit(wines.data, cultivars)
WINES = dict.fromkeys(wines.feature_names, float)


@mmf.target(returns=mmf.DataFrame(format=mmf.XLSX), default=True)
def score(data=mmf.DataFrame(description="thirteen measurements, one wine a row", schema=WINES)):
    \"\"\"Predict the cultivar of each wine in a table.\"\"\"
    return model.predict(data)


@mmf.target(returns=mmf.Img())
def mirror(photo=mmf.Img(format="rgb", description="a picture")):
    \"\"\"Turn a picture round.\"\"\"
    return photo[:, ::-1]


@mmf.target(returns=mmf.Dict())
def scalars(
    text=mmf.String(description="some words"),
    whole=mmf.Integer(default=1),
    part=mmf.Float(default=0.5),
    flag=mmf.Bool(default=False),
    moment=mmf.Datetime(default=None),
):
    \"\"\"Give back what was sent.\"\"\"
    return {"text": text, "whole": whole, "part": part, "flag": flag, "moment": str(moment)}


@mmf.target(returns=mmf.Float())
def half(number=mmf.Float()):
    \"\"\"Halve a number.\"\"\"
    return number / 2
"""
APP = """
from mmf_core.web import create_app

app = create_app()
"""


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a service under gunicorn: `score`, `mirror`, `scalars` and `half`."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "main.py").write_text(MAIN, encoding="utf-8")
    settings = {"WEB_CONCURRENCY": "1", "MMF_TASK_WORKERS": "1"}
    with serve("gunicorn", folder, subprocess.DEVNULL, APP, **settings) as running:
        yield running.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield chromium; skip if it is not installed."""
    expect.set_options(timeout=LONGEST_STEP)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_chromium(playwright), args=ARGUMENTS)
        yield chromium
        chromium.close()


def _chromium(playwright: Playwright) -> str:
    """Return the system's chromium, or else playwright's."""
    installed = [path for name in NAMES if (path := shutil.which(name))]
    own = playwright.chromium.executable_path
    if not installed and not Path(own).is_file():
        pytest.skip(
            "no browser: apt-get install chromium, or else .venv/bin/playwright install chromium"
        )
    return installed[0] if installed else own


@pytest.fixture
def faults() -> list[str]:
    """Return the page's faults so far."""
    return []


@pytest.fixture
def page(browser: Browser, service: str, faults: list[str]) -> Iterator[Page]:
    """Yield a page with a fresh profile and the service as its base URL."""
    with browser.new_context(base_url=service, locale="en-GB", reduced_motion="reduce") as context:
        context.set_default_timeout(LONGEST_STEP)
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("console", lambda message: _note(message, faults))
        context.on("weberror", lambda error: faults.append(f"exception: {error.error}"))
        context.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((f"{service}/", "data:", "blob:"))
                else faults.append(f"request to another host: {request.url}")
            ),
        )
        yield context.new_page()
    assert faults == []


def _note(message: ConsoleMessage, faults: list[str]) -> None:
    if message.type == "error":
        faults.append(f"console: {message.text} ({message.location['url']})")


@pytest.fixture(scope="session")
def axe() -> Callable[..., list[str]]:
    """Return a function that lists violations that axe-core considers serious or critical.

    `axe(page, exclude=["#id", …])` skips elements that are not ours.
    """
    runner = Axe()

    def faults_of(page: Page, exclude: list[str] | None = None) -> list[str]:
        context = {"include": [["html"]], "exclude": [[selector] for selector in exclude or ()]}
        violations = runner.run(page, context).response["violations"]
        return [
            f"{violation['id']}: {node['html']}"
            for violation in violations
            for node in violation["nodes"]
            if violation["impact"] in GRAVE
        ]

    return faults_of


@pytest.fixture
def screenshot(page: Page) -> Callable[[str], Path]:
    """Return a function that saves the full page as build/screenshots/<name>.png."""

    def take(name: str) -> Path:
        file = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=file, full_page=True)
        return file

    return take

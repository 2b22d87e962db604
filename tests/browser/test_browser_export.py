"""The exported page predicts in a real browser, from a file and without a network."""

import fcntl
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page, expect
from sklearn.datasets import load_wine

from baking import ROOT
from commands import LONGEST_COMMAND
from exported_project import make_exportable
from mmf_core.cli import main
from mmf_core.registry import load
from mmf_core.web import create_app

pytestmark = pytest.mark.long
PACKAGE = "onnxruntime-web@1.30.0"
ROWS = load_wine(as_frame=True).data.iloc[::20]


@pytest.fixture(scope="session")
def runtime() -> Path:
    """Return the npm package that runs models in a browser."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm, which brings onnxruntime-web: apt-get install npm")
    folder = ROOT / ".cache" / "onnxruntime-web"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [npm, "install", "--prefix", folder, "--no-save", "--ignore-scripts", PACKAGE]
        if not (folder / "node_modules").exists():
            subprocess.run(command, check=True, timeout=LONGEST_COMMAND)
    return folder / "node_modules" / "onnxruntime-web"


@pytest.fixture
def exported(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Return a function that exports a target and returns the page."""
    folder = make_exportable(tmp_path, monkeypatch)

    def export(target: str) -> Path:
        arguments = ["export", "out", target, "--runtime", str(runtime)]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        return folder / "out" / "index.html"

    return export


@pytest.fixture
def offline(browser: Browser) -> Iterator[Page]:
    """Yield a page without a network; check that it loads nothing else and has no errors."""
    faults: list[str] = []
    with browser.new_context(offline=True) as context:
        context.on("weberror", lambda error: faults.append(str(error.error)))
        context.on("console", lambda message: faults.append(message.text))
        context.on("request", lambda request: faults.append(request.url[:80]))
        yield context.new_page()
    file, *others = faults
    assert file.startswith("file:")
    assert [fault for fault in others if not fault.startswith("data:text/javascript")] == []


@pytest.mark.parametrize("target", ["score", "probabilities"])
def test_exported_page_predicts_like_the_service(
    target: str, exported: Callable[[str], Path], offline: Page, axe: Callable[..., list[str]]
) -> None:
    offline.goto(exported(target).as_uri())
    expect(offline.get_by_role("button", name="Predict")).to_be_enabled()
    client = create_app(load("main")).test_client()
    response = client.post(f"/{target}?format=json", json=ROWS.to_dict("records"))
    expected = [list(row.values()) for row in response.get_json()]
    offline.get_by_role("textbox").fill(ROWS.to_csv(index=False))
    offline.get_by_role("button", name="Predict").click()
    cells = offline.locator("#result td")
    expect(cells).to_have_count(sum(map(len, expected)))
    shown = cells.all_inner_texts()
    for text, value in zip(shown, [cell for row in expected for cell in row], strict=True):
        if isinstance(value, str):
            assert text == value
        else:
            assert float(text) == pytest.approx(value, abs=1e-5)
    assert axe(offline) == []


def test_invalid_table_is_reported(exported: Callable[[str], Path], offline: Page) -> None:
    offline.goto(exported("score").as_uri())
    button, error = offline.get_by_role("button", name="Predict"), offline.get_by_role("alert")
    expect(button).to_be_enabled()
    rows = offline.get_by_role("textbox")
    rows.fill(ROWS.to_csv(index=False).replace("14.23", "strong", 1))
    button.click()
    expect(error).to_have_text('column "alcohol", row 0: expected a number, got "strong"')
    rows.fill("alcohol\n12\n")
    button.click()
    expect(error).to_contain_text("missing columns: malic_acid")

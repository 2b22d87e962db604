"""examples/great-expectations: its README; Great Expectations and the service reject the same."""

import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from baking import ROOT, make_project
from commands import LONGEST_COMMAND
from pages import Reader

pytestmark = pytest.mark.long
EXAMPLE = ROOT / "examples" / "great-expectations"
README = EXAMPLE / "README.md"
BAD = """trip_id,subscriber,minutes,day
1,Annual,12.5,1
2,Weekly,30,3
2,Annual,0,2
4,,1441,2
5,Annual,,1
"""
CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a project without the sample, with the files of the example."""
    folder = make_project(tmp_path / "output", {"sample": "none"})
    for name in ("check.py", "main.py", "trips.csv"):
        (folder / name).write_bytes((EXAMPLE / name).read_bytes())
    (folder / "bad.csv").write_text(BAD, encoding="utf-8")
    return folder


def check(folder: Path, programs: Path, table: str, code: int) -> dict[str, list[int]]:
    """Check a table with Great Expectations; return the rows that each expectation rejects."""
    done = subprocess.run(
        [programs / "python", "check.py", table],
        cwd=folder,
        env={"PATH": f"{programs}:/usr/bin:/bin", "GX_ANALYTICS_ENABLED": "false"},
        capture_output=True,
        text=True,
        timeout=LONGEST_COMMAND,
        check=False,
    )
    assert done.returncode == code, done.stderr
    rejected: dict[str, list[int]] = json.loads(done.stdout)
    return rejected


def test_service_rejects_what_great_expectations_does(
    folder: Path,
    example_environment: Callable[[str], Path],
    figure: Callable[[str, float, str], None],
) -> None:
    programs = example_environment("great-expectations")
    started = time.perf_counter()
    assert check(folder, programs, "trips.csv", 0) == {}
    figure("check.py, the start included", time.perf_counter() - started, "s")
    expected = check(folder, programs, "bad.csv", 1)
    docs = folder / "gx" / "uncommitted" / "data_docs" / "local_site" / "index.html"
    assert "trips" in docs.read_text(encoding="utf-8")

    (links,) = re.findall(r"(?s)```toml\n(.*?)```", README.read_text(encoding="utf-8"))
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{links}")
    reader = Reader(folder, elsewhere=("export GX", "python check.py"))
    reader.follow(README)
    with reader.serving("make run"):
        url = f"http://127.0.0.1:{reader.port}"
        started = time.perf_counter()
        response = requests.post(f"{url}/price", BAD.encode(), headers=CSV, timeout=60)
        figure("the service rejects a table", (time.perf_counter() - started) * 1000, "ms")
        assert response.status_code == 422
        assert rows_by_column(response.json()["errors"]) == merged(expected)
        short = requests.post(f"{url}/price", BAD.encode()[:47], headers=CSV, timeout=60)
        assert short.json()["detail"] == "number of rows: expected at least 2, got 1"
        page = requests.get(url, timeout=60).text
        assert '<a href="https://data.example.org/trips/" rel="noreferrer">Data docs</a>' in page


def rows_by_column(errors: list[dict[str, object]]) -> set[tuple[object, object]]:
    """Return (column, row) of each error."""
    return {(error["column"], error["row"]) for error in errors}


def merged(rejected: dict[str, list[int]]) -> set[tuple[object, object]]:
    """Return (column, row) of all expectations."""
    return {(name.split()[1], row) for name, rows in rejected.items() for row in rows}

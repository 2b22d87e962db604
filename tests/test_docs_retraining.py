"""docs/retraining.md, done as it stands in the sample's project."""

import threading
from pathlib import Path

import pandas as pd
import pytest
import requests

from baking import ROOT, make_project
from commands import wait_until
from pages import BLOCK, Reader
from test_life import wine_records

PAGE = ROOT / "docs" / "retraining.md"
LONGEST = 120.0
SWAPPED = {"class_0": "class_1", "class_1": "class_0"}


@pytest.mark.long
def test_the_page_is_right(tmp_path: Path) -> None:
    reader = Reader(make_project(tmp_path / "output", {}))
    reader.follow(PAGE)


@pytest.mark.long
def test_the_sample_retrains_itself_and_no_request_is_lost(tmp_path: Path) -> None:
    """With two labels exchanged in what it learns from, so that the new version is seen."""
    reader = Reader(make_project(tmp_path / "output", {}), extra={"WEB_CONCURRENCY": "2"})
    url = f"http://127.0.0.1:{reader.port}"
    seen: list[tuple[str, ...]] = []
    lost: list[str] = []
    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            try:
                response = requests.post(f"{url}/score", json=wine_records(), timeout=LONGEST)
                seen.append(tuple(row["prediction"] for row in response.json()))
            except (requests.RequestException, TypeError) as error:
                lost.append(repr(error))

    threads = [threading.Thread(target=call) for _ in range(2)]
    with reader.server:
        for paragraph, language, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
            match language:
                case "python":
                    reader.python(text, paragraph)
                case "bash":
                    reader.bash(text)
            if "make run" in text:
                break
        wines = pd.read_csv(reader.folder / "wines.csv").replace({"cultivar": SWAPPED})
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: len(seen) > 10)
            task = requests.post(
                f"{url}/retrain",
                headers={"Prefer": "respond-async"},
                files={"data": ("wines.csv", wines.to_csv(index=False))},
                timeout=LONGEST,
            ).json()
            wait_until(lambda: ended(url + task["urls"]["self"]))
            after = len(seen)
            wait_until(lambda: len(seen) > after + 20 and seen[-1][0] == "class_1")
        finally:
            over.set()
            for thread in threads:
                thread.join()
    assert lost == []
    before = ("class_0", "class_1", "class_2")
    assert set(seen) == {before, tuple(SWAPPED.get(name, name) for name in before)}


def ended(url: str) -> bool:
    """Report whether a task is done, which must have succeeded."""
    task = requests.get(url, timeout=LONGEST).json()
    assert task["status"] not in ("failed", "canceled"), task
    return bool(task["status"] == "succeeded")

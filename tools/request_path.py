"""Count what one request visits: files of mmf_core, and hops from one file to another.

A reader who follows the functions of mmf_core in the order in which they are called makes a hop
each time the next one is in another file. The requests are the sample project's: a table of
thirteen columns to a target with `batch=True`. Flask's test client sends them, so the server is not
in the figures; requests before the counted one have warmed all caches.

    python tools/request_path.py [FOLDER] [--verbose]

FOLDER holds mmf_core; without it, the template's own.
"""

import argparse
import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import pandas as pd
from sklearn.datasets import load_wine

if TYPE_CHECKING:
    from flask.testing import FlaskClient

PAYLOAD = Path(__file__).resolve().parent.parent / "{{cookiecutter.project_slug}}"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WARM_UP = 3
WINE: dict[str, float] = load_wine(as_frame=True).data.iloc[0].to_dict()


@dataclass
class PathCounter:
    """A profile function that keeps the files visited and the hops, each as (from, to)."""

    package: str
    files: set[str] = field(default_factory=set)
    hops: list[tuple[str, str]] = field(default_factory=list)
    current: str = ""

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Record a call of a function of the package."""
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(self.package):
            self.visit(path.removeprefix(self.package))

    def visit(self, file: str) -> None:
        """Record that a function of `file` is called."""
        self.files.add(file)
        if self.current and file != self.current:
            self.hops.append((self.current, file))
        self.current = file


@contextmanager
def counting(package: Path) -> Iterator[PathCounter]:
    """Count in this thread and in the ones that it starts."""
    counter = PathCounter(f"{package}/")
    threading.setprofile(counter)
    sys.setprofile(counter)
    try:
        yield counter
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def make_client() -> "FlaskClient":
    """Serve the sample project's target, with a sum, an array as well, in place of the model."""
    import mmf_core as mmf
    from mmf_core.web import create_app

    registry = mmf.Registry()

    @registry.target(returns=mmf.DataFrame(format=mmf.XLSX), batch=True)
    def score(data: Any = mmf.DataFrame(schema=dict.fromkeys(WINE, float))) -> Any:  # noqa: B008
        return data.to_numpy().sum(axis=1)

    return create_app(registry).test_client()


def requests() -> dict[str, dict[str, Any]]:
    """Return the two requests by name, as arguments of the test client."""
    workbook = io.BytesIO()
    pd.DataFrame([WINE]).to_excel(workbook, index=False)
    json = {"json": [WINE], "headers": {"Accept": "application/json"}}
    xlsx = {"data": workbook.getvalue(), "content_type": XLSX}
    return {"one row, JSON in and out": json, "one row, XLSX in and out": xlsx}


def count(client: "FlaskClient", request: dict[str, Any], package: Path) -> PathCounter:
    """Warm up, then count one request."""
    for _ in range(WARM_UP):
        client.post("/score", **request)
    with counting(package) as counter:
        response = client.post("/score", **request)
    if response.status_code != HTTPStatus.OK:
        raise SystemExit(response.text)
    return counter


def measure(folder: Path) -> dict[str, PathCounter]:
    """Count every request; what the service logs meanwhile is counted and not shown."""
    sys.path.insert(0, str(folder))
    package = folder / "mmf_core"
    with redirect_stdout(io.StringIO()):
        client = make_client()
        return {name: count(client, request, package) for name, request in requests().items()}


def main() -> None:
    """Print a line for each request: its files and its hops."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, nargs="?", default=PAYLOAD)
    parser.add_argument("--verbose", action="store_true", help="list every hop")
    arguments = parser.parse_args()
    print(f"{'request':<28}{'files':>6}{'hops':>6}")
    for name, counter in measure(arguments.folder.resolve()).items():
        print(f"{name:<28}{len(counter.files):>6}{len(counter.hops):>6}")
        if arguments.verbose:
            print("".join(f"    {source} -> {target}\n" for source, target in counter.hops), end="")


if __name__ == "__main__":
    main()

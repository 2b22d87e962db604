"""Start to first response: the generated service against a bare Flask app with the same libraries.

`make bench-startup` runs it with the demo project's interpreter. Both are started in turns by the
same gunicorn command, and called as soon as they listen; the ratio is taken pair by pair.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from sklearn.datasets import load_wine

BARE = """
import pandas
import sklearn.linear_model, sklearn.pipeline, sklearn.preprocessing
from flask import Flask

app = Flask(__name__)


@app.post("/score")
def score():
    return []
"""
WINE = json.dumps(load_wine(as_frame=True).data.head(1).to_dict("records")).encode()
LONGEST = 60.0


def seconds_to_first_answer(folder: Path, *options: str) -> float:
    """Start gunicorn in a folder, call it until it responds, stop it; return the seconds."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    bind = f"127.0.0.1:{port}"
    gunicorn = [sys.executable, "-m", "gunicorn", "-w", "2", "-b", bind, *options, "app:app"]
    started = time.perf_counter()
    server = subprocess.Popen(
        gunicorn,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        call(f"http://{bind}/score", started)
        return time.perf_counter() - started
    finally:
        server.terminate()
        server.wait(LONGEST)


def call(url: str, started: float) -> None:
    """Post one wine until a response comes."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    request = urllib.request.Request(url, WINE, headers)  # noqa: S310 - our own server
    while time.perf_counter() - started < LONGEST:
        try:
            urllib.request.urlopen(request, timeout=LONGEST).read()  # noqa: S310 - our own server
        except OSError:
            time.sleep(0.005)
        else:
            return
    raise SystemExit(f"{url} did not respond within {LONGEST:.0f} s")


def main() -> None:
    """Print both medians and the median ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "project", type=Path, help="the folder of a generated project with its model"
    )
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "app.py").write_text(BARE)
        plain = ("--worker-class", "gthread", "--threads", "4", "--preload")
        for counted in range(options.rounds + 1):  # the first only fills the disk's cache
            pair = (
                seconds_to_first_answer(options.project),
                seconds_to_first_answer(Path(folder), *plain),
            )
            if counted:
                ours.append(pair[0])
                bare.append(pair[1])
    ratio = statistics.median(mine / other for mine, other in zip(ours, bare, strict=True))
    print(f"generated service  {statistics.median(ours):.2f} s to the first prediction")
    print(f"bare Flask app     {statistics.median(bare):.2f} s to the first empty response")
    print(f"ratio              {ratio:.2f} (median of {options.rounds} pairs)")


if __name__ == "__main__":
    main()

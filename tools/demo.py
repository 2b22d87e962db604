"""Serve a generated project, get predictions from it, show them, and serve until Ctrl-C.

Run by the project's own interpreter, with nothing but what the project installs.
"""

import argparse
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pandas as pd
from sklearn.datasets import load_wine

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HOST = "127.0.0.1"
EACH = 2
LONGEST_START = 60.0
LONGEST_STOP = 30.0


class Stopped(Exception):
    """The user or the system ends the demo."""


def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Turn a signal into an exception, so that the server is ended on the way out."""
    raise Stopped


def port_problem(port: int) -> str | None:
    """Return why nothing can be served on `port`, or None if it can."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("", port))
        except OverflowError:
            return "it goes up to 65535"
        except OSError as error:
            return error.strerror
    return None


@contextmanager
def serving(project: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run gunicorn with two workers in `project` for as long as the block lasts."""
    command = [str(Path(sys.executable).with_name("gunicorn")), "-w", "2", "app:app"]
    # A session of its own: Ctrl-C reaches the demo alone, which then ends the server in order.
    server = subprocess.Popen(
        command,
        cwd=project,
        env=os.environ | {"PORT": str(port), "MMF_DRAIN_SECONDS": "0"},
        start_new_session=True,
    )
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(LONGEST_STOP)
        except subprocess.TimeoutExpired:
            server.kill()


def wait_until_ready(server: subprocess.Popen[bytes], url: str) -> None:
    """Return when the service reports that its model is loaded."""
    end = time.monotonic() + LONGEST_START
    while time.monotonic() < end:
        if server.poll() is not None:
            raise SystemExit(f"The server ended with {server.returncode}: the reason is above.")
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=5):  # noqa: S310
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"The server was not ready after {LONGEST_START:.0f} seconds.")


def post(url: str, body: bytes, media_type: str) -> bytes:
    """POST a table and return the response in the same format."""
    headers = {"Content-Type": media_type, "Accept": media_type}
    request = urllib.request.Request(url, body, headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            content: bytes = response.read()
            return content
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{url} responded with {error.code}: {error.read().decode()}") from None


def ask_as_json(url: str, rows: pd.DataFrame) -> pd.Series:
    """Send rows as JSON records and read the response as JSON."""
    body = json.dumps(rows.to_dict("records")).encode()
    return pd.DataFrame(json.loads(post(url, body, "application/json")))["prediction"]


def ask_as_excel(url: str, rows: pd.DataFrame) -> pd.Series:
    """Send rows as an Excel file and read the response as one."""
    book = io.BytesIO()
    rows.to_excel(book, index=False)
    return pd.read_excel(io.BytesIO(post(url, book.getvalue(), XLSX)), engine="calamine")[
        "prediction"
    ]


def compare(url: str) -> str:
    """Get predictions for a few wines in both formats, beside the truth."""
    wine = load_wine(as_frame=True)
    rows = wine.data.groupby(wine.target).head(EACH)
    table = pd.DataFrame(
        {
            "alcohol": rows["alcohol"].to_numpy(),
            "proline": rows["proline"].to_numpy(),
            "cultivar": wine.target_names[wine.target[rows.index]],
            "by JSON": ask_as_json(url, rows).to_numpy(),
            "by Excel": ask_as_excel(url, rows).to_numpy(),
        }
    )
    return table.to_string(index=False)


def demo(project: Path, port: int) -> None:
    """Serve, show predictions, and serve until the server ends."""
    url = f"http://{HOST}:{port}"
    print(f"== starting gunicorn on {url}", flush=True)
    with serving(project, port) as server:
        wait_until_ready(server, url)
        print(f"== POST {url}/score, {EACH} wines of each cultivar", flush=True)
        print(f"\n{compare(f'{url}/score')}\n\nServing on {url} until Ctrl-C", flush=True)
        server.wait()
    raise SystemExit(f"The server ended with {server.returncode}: the reason is above.")


def main() -> int:
    """Read the command line, serve, and end quietly on a signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path, help="the folder of an installed project")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    problem = port_problem(options.port)
    if problem:
        other = options.port + 1 if 1024 <= options.port < 65535 else 8001  # noqa: PLR2004
        print(f"Port {options.port}: {problem}. Try: make demo PORT={other}", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        demo(options.project, options.port)
    except Stopped:
        print("== stopped", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Starts the service on a free port, runs the load test against it and stops it again.

With LOAD_HOST it runs the test against a service that is there already. Report and figures stay
in loadtests/results.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
RESULTS = PROJECT / "loadtests" / "results"
HOST = "127.0.0.1"
# Loading a large model takes its time.
STARTS_WITHIN = 120
# The default of WEB_GRACEFUL_TIMEOUT, and a little for the rest.
ENDS_WITHIN = 30


def free_port() -> int:
    """Let the system name a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def is_ready(url: str) -> bool:
    """Ask the service whether its artifacts are loaded."""
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)  # noqa: PLR2004
    except OSError:  # nobody listens yet, or the answer is not 2xx
        return False


def wait_until_ready(service: subprocess.Popen[bytes], url: str) -> bool:
    """Wait for the service; False where it ended or took too long."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and service.poll() is None:
        if is_ready(url):
            return True
        time.sleep(0.1)
    return False


def locust(url: str) -> int:
    """Run locustfile.py and return its verdict."""
    users = os.environ.get("LOAD_USERS", "10")
    seconds = os.environ.get("LOAD_SECONDS", "10")
    RESULTS.mkdir(exist_ok=True)
    options = ["--headless", "--only-summary", "--users", users, "--spawn-rate", users]
    options += ["--html", str(RESULTS / "report.html"), "--csv", str(RESULTS / "load")]
    options += ["--run-time", f"{seconds}s", "--host", url]
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", *options]
    return subprocess.run(command, cwd=PROJECT, check=False).returncode


def stop(service: subprocess.Popen[bytes]) -> None:
    """End the service: politely, then for certain."""
    service.terminate()
    try:
        service.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        service.kill()


def main() -> int:
    """Return 0 where the load test passed."""
    host = os.environ.get("LOAD_HOST")
    if host:
        return locust(host)
    port = str(free_port())
    url = f"http://{HOST}:{port}"
    # A line per request would bury locust's figures.
    with tempfile.TemporaryFile() as log:
        service = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "app:app"],
            cwd=PROJECT,
            env={**os.environ, "WEB_HOST": HOST, "PORT": port, "MMF_DRAIN_SECONDS": "0"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            ready = wait_until_ready(service, url)
            verdict = locust(url) if ready else 1
        finally:
            stop(service)
        if not ready:
            log.seek(0)
            sys.stderr.buffer.write(log.read())
            print(f"the service was not ready within {STARTS_WITHIN} s, see above", file=sys.stderr)
        return verdict


if __name__ == "__main__":
    sys.exit(main())

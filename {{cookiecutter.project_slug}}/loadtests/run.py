"""Start the service on a free port, run the load test against it and stop it again.

With LOAD_HOST the test runs against a service that is already running. Report and figures are kept
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
# Seconds; loading a large model takes time.
START_TIMEOUT = 120
# Seconds: the default of WEB_GRACEFUL_TIMEOUT, and some more.
STOP_TIMEOUT = 30


def free_port() -> int:
    """Return a port that is not in use."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def is_ready(url: str) -> bool:
    """Return whether the service has loaded its artifacts."""
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)  # noqa: PLR2004
    except OSError:  # not listening yet, or not a 2xx
        return False


def wait_until_ready(service: subprocess.Popen[bytes], url: str) -> bool:
    """Wait for the service; return False if it ended or took too long."""
    deadline = time.monotonic() + START_TIMEOUT
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
    """Stop the service by SIGTERM, and by SIGKILL if that takes too long."""
    service.terminate()
    try:
        service.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        service.kill()


def main() -> int:
    """Return 0 if the load test passed."""
    host = os.environ.get("LOAD_HOST")
    if host:
        return locust(host)
    port = str(free_port())
    url = f"http://{HOST}:{port}"
    # The access log would bury locust's figures.
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
            print(f"not ready within {START_TIMEOUT} s; see the log above", file=sys.stderr)
        return verdict


if __name__ == "__main__":
    sys.exit(main())

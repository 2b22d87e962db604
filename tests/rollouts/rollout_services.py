"""A service whose two versions behave as their files define, and a rollout between them."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from baking import PAYLOAD
from commands import wait_until
from services import Service, serve

APP = """
from mmf_core.web import create_app

app = create_app("main")
"""
MAIN = '''
"""A model that is a file of instructions."""

import json
import os
import random
import signal
import time
from pathlib import Path
from threading import Lock

import mmf_core as mmf


@mmf.artifact("model.json")
def model():
    return json.loads(Path("model.json").read_text())


def happens(what):
    return random.random() < model.get(what, 0)


def fails_from_now_on():
    later = Path("fails")  # written while it serves
    return model["by"] != "v1" and later.exists() and random.random() < float(later.read_text())


@mmf.target(returns=mmf.Dict(format=mmf.JSON))
def score(x=mmf.Float(example=1.0)):
    """Return the number, and the version."""
    if happens("ends"):
        os._exit(3)
    if happens("is_killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    if happens("hangs"):
        lock = Lock()
        lock.acquire()
        lock.acquire()
    if happens("grows"):
        bytearray(1 << 40)
    time.sleep(model.get("seconds", 0))
    if happens("fails") or fails_from_now_on():
        raise RuntimeError("a secret")
    return {"x": x, "by": model["by"], "factor": x * model.get("factor", 1)}
'''


@dataclass
class Rollout:
    """A running service in its own folder."""

    folder: Path
    service: Service

    def call(self, x: float = 1.0, **headers: str) -> requests.Response:
        """Call the target once."""
        url = f"{self.service.url}/score"
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.post(url, json={"x": x}, headers=names, timeout=30)

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> requests.Response:
        """Send a body."""
        return requests.post(f"{self.service.url}{path}", body, headers=headers, timeout=30)

    def get(self, path: str) -> requests.Response:
        """Request a path."""
        return requests.get(f"{self.service.url}{path}", timeout=30)

    def v2_versions(self) -> list[str]:
        """Return the versions in V2's metadata, the current one first."""
        versions: list[str] = self.get("/v2/models/score").json()["versions"]
        return versions

    def infer(self, version: str) -> int:
        """Call a version by its path in V2; return the status."""
        body = {"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1.0]}]}
        url = f"{self.service.url}/v2/models/score/versions/{version}/infer"
        response = requests.post(url, json=body, timeout=30)
        assert response.status_code != 200 or response.json()["model_version"] == version
        return response.status_code

    def put(self, body: object) -> requests.Response:
        """Change the rollout by a request."""
        return requests.put(f"{self.service.url}/rollout", json=body, timeout=30)

    def calls(self, count: int, **headers: str) -> Counter[Any]:
        """Call it by eight clients; count versions, or statuses of errors."""
        with ThreadPoolExecutor(8) as pool:
            responses = list(pool.map(lambda x: self.call(x, **headers), map(float, range(count))))
        for x, response in enumerate(responses):
            if response.status_code == 200:
                assert response.json()["x"] == x
                is_second = response.headers["X-Model-Version"] == "v2"
                assert response.json()["by"] == ("v2" if is_second else "v1")
        return Counter(
            each.json()["by"] if each.status_code == 200 else each.status_code for each in responses
        )

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `mmfmeta rollout …` in the project."""
        return subprocess.run(
            [sys.executable, "-m", "mmf_core", "rollout", *arguments],
            cwd=self.folder,
            env={
                "PYTHONPATH": str(PAYLOAD),
                "PYTHONDONTWRITEBYTECODE": "1",  # in the payload, which is copied
                "PATH": "/usr/bin:/bin",
            }
            | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def state(self) -> dict[str, Any]:
        """Return the state of the rollout."""
        document: dict[str, Any] = requests.get(f"{self.service.url}/rollout", timeout=30).json()
        return document

    def until(self, **expected: Any) -> dict[str, Any]:
        """Wait until the rollout has this state."""
        wait_until(lambda: expected.items() <= self.state().items())
        return self.state()

    def readiness(self) -> dict[str, Any]:
        """Return the service's readiness."""
        ready: dict[str, Any] = requests.get(f"{self.service.url}/health/ready", timeout=30).json()
        return ready


def write_model(path: Path, by: str, **instructions: Any) -> None:
    """Write a model's file: which version it is, and how often it `fails`, `hangs` or `ends`."""
    path.write_text(json.dumps({"by": by, **instructions}), encoding="utf-8")


def write_plan(folder: Path, **tables: Any) -> None:
    """Write a plan by hand."""
    candidate = {"name": "v2", "artifacts": {"model.json": "new.json"}} | tables.pop(
        "candidate", {}
    )
    lines = ["[candidate]", *_lines({k: v for k, v in candidate.items() if k != "artifacts"})]
    lines += ["[candidate.artifacts]", *_lines(candidate["artifacts"])]
    for name, table in tables.items():
        lines += [f"[{name}]", *_lines(table)]
    new = folder / "rollout.new"
    new.write_text("\n".join(lines), encoding="utf-8")
    new.replace(folder / "rollout.toml")


def _lines(table: dict[str, Any]) -> list[str]:
    return [f'"{key}" = {json.dumps(value)}' for key, value in table.items()]


@contextmanager
def serving(folder: Path, log: Path, **settings: str) -> Iterator[Rollout]:
    """Serve the project in a folder, by gunicorn, with two workers."""
    (folder / "main.py").write_text(MAIN, encoding="utf-8")
    with (
        log.open("ab") as output,
        serve("gunicorn", folder, output, APP, **({"MMF_ADMIN_HTTP": "1"} | settings)) as service,
    ):
        yield Rollout(folder, service)

"""The payload log of a running service: every call of every worker, up to its last one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import requests

from services import serve

APP = """
import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.Integer())
def double(x=mmf.Integer()):
    return 2 * x


app = create_app(registry)
"""
SETTINGS = {"MMF_PAYLOAD_LOG": "log", "MMF_PAYLOAD_LOG_SECONDS": "600"}


def test_every_call_is_in_the_log(tmp_path: Path) -> None:
    with (
        (tmp_path / "output").open("wb") as output,
        serve("gunicorn", tmp_path, output, APP, **SETTINGS) as service,
    ):

        def call(x: int) -> str:
            url, headers = f"{service.url}/double", {"Connection": "close"}
            response = requests.post(url, json={"x": x}, headers=headers, timeout=30)
            assert response.json() == {"result": 2 * x}
            return response.headers["X-Request-ID"]

        with ThreadPoolExecutor(8) as pool:
            ids = list(pool.map(call, range(100)))
    log = pd.read_parquet(tmp_path / "log")
    assert sorted(log["request_id"]) == sorted(ids)
    assert log["inputs"].str.fullmatch(r'\{"x":\d+\}').all()
    assert len(list((tmp_path / "log").rglob("*.parquet"))) == 2, "one of each worker"


def test_calls_that_run_as_tasks_are_in_the_log(tmp_path: Path) -> None:
    """A task has the id of the request that submitted it; its process writes before it ends."""
    settings = SETTINGS | {"MMF_TASK_WORKERS": "1"}
    with (
        (tmp_path / "output").open("wb") as output,
        serve("gunicorn", tmp_path, output, APP, **settings) as service,
    ):
        ids = []
        for x in range(3):
            response = requests.post(
                f"{service.url}/double",
                json={"x": x},
                headers={"Prefer": "respond-async, wait=30"},
                timeout=60,
            )
            assert response.json() == {"result": 2 * x}
            ids.append(response.headers["X-Request-ID"])
    log = pd.read_parquet(tmp_path / "log").sort_values("inputs")
    assert log["request_id"].tolist() == ids
    assert log["inputs"].tolist() == ['{"x":0}', '{"x":1}', '{"x":2}']
    assert (log["status"] == 200).all()

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


def test_every_call_is_in_the_log(tmp_path: Path) -> None:
    settings = {"MMF_PAYLOAD_LOG": "log", "MMF_PAYLOAD_LOG_SECONDS": "600"}
    with (
        (tmp_path / "output").open("wb") as output,
        serve("gunicorn", tmp_path, output, APP, **settings) as service,
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

"""A client that openapi-python-client generates from `/openapi.json` calls a service."""

import json
import subprocess
from pathlib import Path

import pytest

from baking import ROOT
from commands import make_environment
from services import serve

CLIENTS = ROOT / "tests" / "clients"
LONGEST = 120
APP = """
import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.DataFrame(format=mmf.XLSX))
def score(data=mmf.DataFrame(schema={"a": float, "word": str})):
    return data["a"] * 2


@registry.target(returns=mmf.Dict())
def several(tree=mmf.Dict(), flag=mmf.Bool(), whole=mmf.Integer(default=7)):
    return {"tree": tree, "flag": flag, "whole": whole}


@registry.target(returns=mmf.Dict())
def optional(tree=mmf.Dict(), whole=mmf.Integer(default=7)):
    return {"tree": tree, "whole": whole}


@registry.target(returns=mmf.Float())
def scaled(number=mmf.Float(), times=mmf.Integer(default=2)):
    return number * times


@registry.target(returns=mmf.Float())
def half(number=mmf.Float()):
    return number / 2


@registry.target(returns=mmf.List(mmf.String()))
def tagged(tags=mmf.List(mmf.String()), day=mmf.Date(default="2026-01-31")):
    return [*tags, day.isoformat()]


@registry.target(returns=mmf.File())
def picture(photo=mmf.Img()):
    return b"picture"


app = create_app(registry)
"""
CALLS = """
import json, sys
from made import Client
from made.api.targets import half, optional, scaled, score, several, tagged
from made.models import OptionalJsonBody, ScaledJsonBodyType0, ScoreJsonBodyItem
from made.models import SeveralJsonBody, SeveralJsonBodyTree

client = Client(sys.argv[1], headers={"Accept": "application/json"})
rows = [ScoreJsonBodyItem(a=1.5, word="вино"), ScoreJsonBodyItem(a=2, word="")]
tree = SeveralJsonBodyTree.from_dict({"a": [1]})
refused = half.sync(client=client, body="three")
print(json.dumps([
    [row.to_dict() for row in score.sync(client=client, body=rows)],
    several.sync(client=client, body=SeveralJsonBody(tree=tree, flag=True)).to_dict(),
    optional.sync(client=client, body=OptionalJsonBody.from_dict({"a": [1]}), whole=8).to_dict(),
    scaled.sync(client=client, body=ScaledJsonBodyType0(number=1.5, times=3)).result,
    scaled.sync(client=client, body=1.5).result,
    half.sync(client=client, body=5.0).result,
    tagged.sync(client=client, body=["a", "b"]),
    [type(refused).__name__, refused.status],
]))
"""


@pytest.fixture(scope="module")
def programs() -> Path:
    return make_environment("clients", CLIENTS / "requirements.txt")


def _run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_generated_client_calls_targets(programs: Path, tmp_path: Path) -> None:
    with serve("gunicorn", tmp_path, subprocess.DEVNULL, APP, WEB_CONCURRENCY="1") as service:
        _run(
            *(programs / "openapi-python-client", "generate", "--meta", "none"),
            *("--config", CLIENTS / "openapi.yaml", "--output-path", "made"),
            *("--url", f"{service.url}/openapi.json"),
            folder=tmp_path,
        )
        printed = _run(programs / "python", "-c", CALLS, service.url, folder=tmp_path)
    assert json.loads(printed) == [
        [{"a": 3.0}, {"a": 4.0}],
        {"tree": {"a": [1]}, "flag": True, "whole": 7},
        {"tree": {"a": [1]}, "whole": 8},
        4.5,
        3.0,
        2.5,
        ["a", "b", "2026-01-31"],
        ["Problem", 422],
    ]

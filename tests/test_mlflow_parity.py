"""One model behind `mlflow models serve` and behind this service: the same requests and answers.

Where they differ is `mlflow_parity.deltas`, and nowhere else.
"""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from baking import ROOT
from mlflow_parity import environment
from mlflow_parity.cases import CASES, Case
from mlflow_parity.deltas import DELTAS
from services import serve

SECONDS = 10
APP = """
import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
model = registry.artifact({folder!r}).load()


@registry.target(returns=mmf.DataFrame(), default=True, timeout={seconds})
def predict(
    data=mmf.DataFrame(schema=mmf.schema_of({folder!r})),
    times=mmf.Integer(default=2),
    shape=mmf.String(default="array"),
):
    return model.predict(data, params={{"times": times, "shape": shape}})


app = create_app(registry)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a model's folder, as MLflow saves it."""
    environment.install()
    folder = tmp_path_factory.mktemp("mlflow") / "model"
    environment.script("save.py", str(folder))
    return folder


@pytest.fixture(scope="module")
def ours(model: Path) -> Iterator[int]:
    """Give the port of this service of the model."""
    app = APP.format(folder=str(model), seconds=SECONDS)
    log = model.parent / "ours.log"
    with log.open("wb") as output, serve("gunicorn", model.parent, output, app) as service:
        yield service.port
    print(log.read_text(encoding="utf-8"))


def told(case: Case, port: int) -> str:
    """Send a request; return the status and what there is to compare of the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Content-Type": case.media_type} if case.media_type else {}
    connection.request(case.method, case.path, case.body, headers)
    answer = connection.getresponse()
    body, media_type = answer.read(), answer.headers.get_content_type()
    connection.close()
    if media_type == "text/plain" and answer.status != 200:
        return f"{answer.status} {media_type}"
    try:
        # MLflow writes NaN and Infinity, which are no JSON; here they are null.
        plain = json.loads(body, parse_constant=lambda _: None)
    except ValueError:
        return f"{answer.status} {body.decode()}".rstrip(" ")
    if not isinstance(plain, dict):
        return f"{answer.status} {plain}"
    if answer.status == 200:
        assert list(plain) == ["predictions"]
        return f"200 {json.dumps(plain['predictions'])}"
    code = plain.get("error_code")
    if code:
        assert plain["message"]
        assert {plain["sqlstate"], plain["error_class"]}
    return f"{answer.status} {code}" if code else str(answer.status)


def test_every_request_is_answered_as_by_mlflow_but_for_the_deltas(model: Path, ours: int) -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    with (
        environment.serving(model, model.parent / "mlflow.log", SECONDS) as theirs,
        ThreadPoolExecutor(2) as both,
    ):
        answers = {case.name: tuple(both.map(told, (case, case), (theirs, ours))) for case in CASES}
    wrong = {
        name: answer
        for name, answer in answers.items()
        if answer[0] != answer[1] and name not in DELTAS
    }
    assert wrong == {}
    for name, (mlflows, here, _) in DELTAS.items():
        assert answers[name][0].startswith(mlflows), name
        assert answers[name][1].startswith(here), name
        assert answers[name][0] != answers[name][1], f"{name} is no delta any more"


def test_the_page_tells_every_delta() -> None:
    page = (ROOT / "docs" / "mlflow.md").read_text(encoding="utf-8")
    assert [why for _, _, why in DELTAS.values() if why not in page] == []


def test_mlflows_own_client_is_served(ours: int) -> None:
    lines = environment.script("client.py", str(ours)).splitlines()
    assert lines[1:4] == ["[{0: 2}, {0: 6}]", "[5, 15]", "[2]"]
    assert "error code 400" in lines[4]
    assert "missing: a" in lines[4]

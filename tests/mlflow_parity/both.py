"""One model behind `mlflow models serve` and behind this service, and what both are asked."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mlflow_parity import environment
from mlflow_parity.cases import CASES, Case
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


def save_model(folder: Path) -> Path:
    """Return a model's new folder in another one, as MLflow saves it."""
    environment.install()
    environment.script("save.py", str(folder / "model"))
    return folder / "model"


@contextmanager
def serving(model: Path) -> Iterator[int]:
    """Serve the model by this service until the block ends; gives its port."""
    app = APP.format(folder=str(model), seconds=SECONDS)
    log = model.parent / "ours.log"
    with log.open("wb") as output, serve("gunicorn", model.parent, output, app) as service:
        yield service.port
    print(log.read_text(encoding="utf-8"))


def compare(model: Path, ours: int) -> dict[str, tuple[str, str]]:
    """Ask both everything; return MLflow's answers and ours by case."""
    with (
        environment.serving(model, model.parent / "mlflow.log", SECONDS) as theirs,
        ThreadPoolExecutor(2) as both,
    ):
        return {
            case.name: (mlflows, here)
            for case in CASES
            for mlflows, here in [both.map(outcome, (case, case), (theirs, ours))]
        }


def outcome(case: Case, port: int) -> str:
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

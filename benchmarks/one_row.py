"""The request of one row that instructions.py counts and flame.py samples, without a server.

The sample project's model and target, called as a WSGI server calls them, in this process: JSON in
and out, batching, metrics in files as under gunicorn, and the access line, all as by default.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

NATIVE_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
Application = Callable[[dict[str, Any], Callable[..., object]], Any]


def make_application(folder: Path, working: Path) -> tuple[Application, bytes]:
    """Return the service of the mmf_core in a folder, and the body of a request of one row.

    The model is saved in the folder `working`. Log lines go to the null device.
    """
    limit_threads()
    sys.path.insert(0, str(folder))
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    from mmf_core.capabilities import run_hooks

    run_hooks("before_load")  # as gunicorn.conf.py does: metrics are counted in files
    from sklearn.datasets import load_wine
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    import mmf_core as mmf
    from mmf_core.web import create_app

    wines = load_wine(as_frame=True)
    reference = {"reference": wines.data} if os.environ.get("MMF_DRIFT_SECONDS") else {}
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(wines.data, wines.target)
    file = working / "model.joblib"
    mmf.save_model(fitted, file, example=wines.data, **reference)
    registry = mmf.Registry()
    # Versions that have no fast_path load the model with it.
    fast_path = getattr(mmf, "fast_path", lambda loaded: loaded)
    model = fast_path(registry.artifact(file).load())
    columns = mmf.DataFrame(schema=dict.fromkeys(wines.feature_names, float), extra="keep")

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
    def score(data: Any = columns) -> Any:
        return model.predict(data)

    body = json.dumps(wines.data.head(1).to_dict("records")).encode()
    return create_app(registry).wsgi_app, body


def limit_threads() -> None:
    """Have libraries compute in one thread; call it before numpy is imported."""
    os.environ |= dict.fromkeys(NATIVE_THREADS, "1")


def with_token(_working: Path) -> dict[str, str]:
    """Have the service require tokens; return the header that sends one."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from mmf_core.access.key_set import encode

    key = Ed25519PrivateKey.generate()
    os.environ["MMF_TOKEN_KEYS"] = encode(key.public_key().public_bytes_raw())
    os.environ["MMF_TOKEN_AUDIENCE"] = "bench"  # noqa: S105 - no secret
    claims = {"sub": "bench", "aud": "bench", "exp": 2**40, "targets": ["score"]}
    token = jwt.encode({**claims, "groups": ["predict"]}, key, algorithm="EdDSA")
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def with_drift(_working: Path) -> dict[str, str]:
    """Have the service count drift, against the profile of the model's training data.

    The thread that counts once a second does not: how often depends on how long requests take.
    """
    os.environ["MMF_DRIFT_SECONDS"] = "600"
    limit_threads()
    from mmf_core.drift import buffer

    buffer.INTERVAL = 3600.0
    return {}


def with_payload_log(working: Path) -> dict[str, str]:
    """Have the service write each call to Parquet files."""
    os.environ["MMF_PAYLOAD_LOG"] = str(working / "log")
    return {}


WITH: dict[str, Callable[[Path], dict[str, str]]] = {
    "token": with_token,
    "drift": with_drift,
    "payload-log": with_payload_log,
}
"""Functions that enable a capability, before the application is created; they return headers."""


def send(
    application: Application,
    body: bytes,
    content_type: str = "application/json",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Post the row; a status other than 200 is an error."""
    statuses = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/score",
        "QUERY_STRING": "",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_ACCEPT": "application/json",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        **headers,
    }
    response = application(environ, lambda status, *_: statuses.append(status))
    content = b"".join(response)
    if hasattr(response, "close"):
        response.close()
    if statuses != ["200 OK"]:
        raise SystemExit(f"{statuses}: {content.decode()}")


def fill_queue(body: bytes, tasks: int) -> None:
    """Queue tasks of the same row in the file of `MMF_TASKS_DIR`, by one statement."""
    from mmf_core.tasks.database import SQLite
    from mmf_core.tasks.service import TaskService
    from mmf_core.tasks.task import QUEUED, NewTask

    store = TaskService.of(TaskService.latest).store
    task = NewTask(id="0", target="score", fingerprint="", request="{}", retries=1, timeout=0.0)
    store.add(task, body)
    SQLite(Path(os.environ["MMF_TASKS_DIR"])).rows(
        "WITH RECURSIVE numbers (number) AS "
        "(SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?) INSERT INTO tasks "
        "(id, target, status, fingerprint, request, created_at, retries, timeout, input, size) "
        "SELECT number, target, status, fingerprint, request, created_at, retries, timeout, input, "
        "size FROM tasks, numbers",
        tasks - 1,
    )
    if store.counts() != {QUEUED: tasks}:
        raise SystemExit(f"expected {tasks} tasks that wait, got {store.counts()}")

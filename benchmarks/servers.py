"""The servers that are compared: how each is started, asked and read.

Each takes the same rows. The body is a JSON list of records wherever the server's protocol allows.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paths import BUILD, HERE, MODELS
from workloads import ONE_ROW

HOST = "127.0.0.1"
Record = dict[str, float]


@dataclass(frozen=True)
class Task:
    """What a server shall serve: a model, on a port, with so many workers."""

    model: str
    port: int
    workers: int

    @property
    def file(self) -> str:
        """The model's file."""
        return str(MODELS / f"{self.model}.joblib")


@dataclass(frozen=True)
class Start:
    """A command, the folder that it is run in, and its environment variables."""

    command: list[str]
    folder: Path
    settings: dict[str, str]


@dataclass(frozen=True)
class Server:
    """One thing to measure.

    Servers of one `family` are variants: the better one of each workload counts. A server is
    measured in pairs with the one named `beside`, and runs only the workloads named, if any are.
    """

    name: str
    label: str
    environment: str
    start: Callable[[Task], Start]
    route: str = "/predict"
    body: Callable[[list[Record]], Any] = list
    predictions: Callable[[Any], list[float]] = lambda answer: answer["predictions"]
    family: str = ""
    beside: str = "ours"
    workloads: tuple[str, ...] = ()
    ceiling: bool = False

    @property
    def kin(self) -> str:
        """The name under which variants are compared."""
        return self.family or self.name


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def tool(environment: str, name: str) -> str:
    """Return the path of a command in an environment."""
    return str(BUILD / environment / ".venv" / "bin" / name)


def gunicorn_of_ours(module: str, *options: str, **more: str) -> Callable[[Task], Start]:
    """Serve a module of the generated project, as its README says."""

    def start(task: Task) -> Start:
        settings = {"PORT": str(task.port), "WEB_HOST": HOST, "WEB_CONCURRENCY": str(task.workers)}
        command = [tool("ours", "gunicorn"), *options, f"{module}:app"]
        return Start(command, BUILD / "ours", settings | more)

    return start


def flask(task: Task) -> Start:
    """Plain Flask under gunicorn."""
    bind = ("--bind", f"{HOST}:{task.port}", "--workers", str(task.workers))
    command = [tool("flask", "gunicorn"), *bind, "app:app"]
    return Start(command, HERE / "peers" / "flask", {"BENCH_MODEL": task.file})


def fastapi(task: Task) -> Start:
    """FastAPI under uvicorn, without its access log."""
    bind = ("--host", HOST, "--port", str(task.port), "--workers", str(task.workers))
    command = [tool("fastapi", "uvicorn"), *bind, "--no-access-log", "app:app"]
    return Start(command, HERE / "peers" / "fastapi", {"BENCH_MODEL": task.file})


def litserve(batching: str) -> Callable[[Task], Start]:
    """LitServe: a script that starts its own server."""

    def start(task: Task) -> Start:
        settings = {
            "BENCH_MODEL": task.file,
            "BENCH_BATCHING": batching,
            "PORT": str(task.port),
            "WEB_CONCURRENCY": str(task.workers),
        }
        command = [tool("litserve", "python"), "server.py"]
        return Start(command, HERE / "peers" / "litserve", settings)

    return start


def bentoml(batching: str) -> Callable[[Task], Start]:
    """BentoML: its own command on a service."""

    def start(task: Task) -> Start:
        settings = {
            "BENCH_MODEL": task.file,
            "BENCH_BATCHING": batching,
            "WEB_CONCURRENCY": str(task.workers),
            "BENTOML_HOME": str(BUILD / "bentoml" / "home"),
            "BENTOML_DO_NOT_TRACK": "True",
        }
        bind = ("--host", HOST, "--port", str(task.port))
        command = [tool("bentoml", "bentoml"), "serve", "service:Wines", *bind]
        return Start(command, HERE / "peers" / "bentoml", settings)

    return start


def mlserver(**batching: str) -> Callable[[Task], Start]:
    """MLServer with its scikit-learn runtime, set by environment variables alone."""

    def start(task: Task) -> Start:
        folder = BUILD / "mlserver" / "served"
        folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "MLSERVER_HOST": HOST,
            "MLSERVER_HTTP_PORT": str(task.port),
            "MLSERVER_GRPC_PORT": str(free_port()),
            "MLSERVER_METRICS_PORT": str(free_port()),
            "MLSERVER_PARALLEL_WORKERS": str(task.workers),
            "MLSERVER_DEBUG": "false",
            "MLSERVER_MODEL_NAME": "wines",
            "MLSERVER_MODEL_IMPLEMENTATION": "mlserver_sklearn.SKLearnModel",
            "MLSERVER_MODEL_URI": task.file,
        }
        return Start([tool("mlserver", "mlserver"), "start", "."], folder, settings | batching)

    return start


def mlflow(task: Task) -> Start:
    """MLflow's own server of a saved model."""
    model = MODELS / f"mlflow-{task.model}"
    bind = ("--host", HOST, "--port", str(task.port), "--workers", str(task.workers))
    command = [tool("mlflow", "mlflow"), "models", "serve", "--env-manager", "local", *bind]
    settings = {
        # It starts uvicorn by name.
        "PATH": f"{BUILD / 'mlflow' / '.venv' / 'bin'}:/usr/bin:/bin",
        "UVICORN_ACCESS_LOG": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    return Start([*command, "--model-uri", str(model)], BUILD / "mlflow", settings)


def tensor(rows: list[Record]) -> dict[str, Any]:
    """Write rows as the one tensor that MLServer's scikit-learn runtime takes."""
    data = [list(row.values()) for row in rows]
    shape = [len(data), len(data[0])]
    return {"inputs": [{"name": "predict", "shape": shape, "datatype": "FP64", "data": data}]}


def column(answer: list[Record]) -> list[float]:
    """Read our own answer: a table of one column."""
    return [row["prediction"] for row in answer]


def nothing(_answer: object) -> list[float]:
    """Read the answer of a server that predicts nothing."""
    return []


V2 = "/v2/models/wines/infer"
SERVERS = (
    Server(
        "ours", "**this template**", "ours", gunicorn_of_ours("app"), "/{model}", predictions=column
    ),
    Server(
        "ours-unbatched",
        "this template, batching off",
        "ours",
        gunicorn_of_ours("app", BENCH_BATCHING="0"),
        "/{model}",
        predictions=column,
        workloads=("one-row-32",),
    ),
    Server(
        "ours-deadline",
        "this template, batching off, deadline on",
        "ours",
        gunicorn_of_ours("app", BENCH_BATCHING="0", MMF_TIMEOUT="10"),
        "/{model}",
        predictions=column,
        beside="ours-unbatched",
        workloads=("one-row-32",),
    ),
    *(
        Server(
            f"gthread-{threads}",
            f"this template on gunicorn's gthread, {threads} threads",
            "ours",
            gunicorn_of_ours("app", "--worker-class", "gthread", "--threads", str(threads)),
            "/{model}",
            predictions=column,
            workloads=("one-row-1", "one-row-32", "forest-32"),
        )
        for threads in (4, 16, 32)
    ),
    Server("flask", "Flask + gunicorn", "flask", flask),
    Server("fastapi", "FastAPI + uvicorn", "fastapi", fastapi),
    Server("litserve", "LitServe, batching", "litserve", litserve("1"), family="litserve"),
    Server("litserve-plain", "LitServe", "litserve", litserve("0"), family="litserve"),
    Server(
        "bentoml",
        "BentoML, batching",
        "bentoml",
        bentoml("1"),
        body=lambda rows: {"wines": rows},
        predictions=list,
        family="bentoml",
    ),
    Server(
        "bentoml-plain",
        "BentoML",
        "bentoml",
        bentoml("0"),
        body=lambda rows: {"wines": rows},
        predictions=list,
        family="bentoml",
    ),
    Server(
        "mlserver",
        "MLServer, batching",
        "mlserver",
        mlserver(MLSERVER_MODEL_MAX_BATCH_SIZE="64", MLSERVER_MODEL_MAX_BATCH_TIME="0.005"),
        V2,
        body=tensor,
        predictions=lambda answer: answer["outputs"][0]["data"],
        family="mlserver",
    ),
    Server(
        "mlserver-plain",
        "MLServer",
        "mlserver",
        mlserver(),
        V2,
        body=tensor,
        predictions=lambda answer: answer["outputs"][0]["data"],
        family="mlserver",
    ),
    Server(
        "mlflow",
        "`mlflow models serve`",
        "mlflow",
        mlflow,
        "/invocations",
        body=lambda rows: {"dataframe_records": rows},
    ),
    Server(
        "empty-view",
        "ceiling: an empty Flask view",
        "ours",
        gunicorn_of_ours("empty_view"),
        predictions=nothing,
        workloads=ONE_ROW,
        ceiling=True,
    ),
    Server(
        "bare-wsgi",
        "ceiling: a bare WSGI function",
        "ours",
        gunicorn_of_ours("bare_wsgi"),
        predictions=nothing,
        workloads=ONE_ROW,
        ceiling=True,
    ),
)

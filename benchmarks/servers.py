"""The compared servers: how each is started and called, and how its response is read.

Each takes the same rows. The body is a JSON list of records wherever the server's protocol allows.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paths import BUILD, HERE, MODELS
from workloads import ALL, BATCHED, CEILINGS, CLOSED

HOST = "127.0.0.1"
Record = dict[str, float]


@dataclass(frozen=True)
class Task:
    """What a server serves: a model, on a port, with a number of workers."""

    model: str
    port: int
    workers: int

    @property
    def file(self) -> str:
        """The model's file, as scikit-learn's."""
        return str(MODELS / f"{self.model.removesuffix('_onnx')}.joblib")


@dataclass(frozen=True)
class Start:
    """A command, the folder that it is run in, and its environment variables."""

    command: list[str]
    folder: Path
    settings: dict[str, str]


@dataclass(frozen=True)
class Server:
    """One thing to measure.

    Servers of one `family` are variants: the better one of each workload counts. Each runs only
    the workloads named.
    """

    name: str
    label: str
    environment: str
    start: Callable[[Task], Start]
    route: str = "/predict"
    body: Callable[[list[Record]], Any] = list
    predictions: Callable[[Any], list[float]] = lambda response: response["predictions"]
    family: str = ""
    workloads: tuple[str, ...] = CLOSED
    ceiling: bool = False

    @property
    def kin(self) -> str:
        """The name under which variants are compared."""
        return self.family or self.name


def free_port() -> int:
    """Return a free port of this machine."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def tool(environment: str, name: str) -> str:
    """Return the path of a command in an environment."""
    return str(BUILD / environment / ".venv" / "bin" / name)


APPS = {"elasticnet": "app", "forest": "app", "forest_onnx": "onnx_app", "large": "large_app"}
"""The modules of the generated project that serve each model."""


def ours(*options: str, module: str = "", **more: str) -> Callable[[Task], Start]:
    """Serve a module of the generated project, as its README says."""

    def start(task: Task) -> Start:
        settings = {
            "PORT": str(task.port),
            "WEB_HOST": HOST,
            "WEB_CONCURRENCY": str(task.workers),
            "MMF_MAX_ARTIFACT_MIB": "20",  # the forest as ONNX
        }
        command = [tool("ours", "gunicorn"), *options, f"{module or APPS[task.model]}:app"]
        return Start(command, BUILD / "ours", settings | more)

    return start


def granian(task: Task) -> Start:
    """Our application under Granian, with as many threads as ours has."""
    bind = ("--host", HOST, "--port", str(task.port), "--workers", str(task.workers))
    threads = ("--interface", "wsgi", "--blocking-threads", "32")
    command = [tool("granian", "granian"), *bind, *threads, f"{APPS[task.model]}:app"]
    return Start(command, BUILD / "ours", {})


def flask(*options: str) -> Callable[[Task], Start]:
    """Plain Flask under gunicorn."""

    def start(task: Task) -> Start:
        bind = ("--bind", f"{HOST}:{task.port}", "--workers", str(task.workers))
        command = [tool("flask", "gunicorn"), *bind, *options, "app:app"]
        return Start(command, HERE / "peers" / "flask", {"BENCH_MODEL": task.file})

    return start


def gthread(threads: int) -> tuple[str, ...]:
    """Return gunicorn's options for its own threaded worker."""
    return "--worker-class", "gthread", "--threads", str(threads)


def fastapi(module: str) -> Callable[[Task], Start]:
    """FastAPI under uvicorn, without its access log."""

    def start(task: Task) -> Start:
        bind = ("--host", HOST, "--port", str(task.port), "--workers", str(task.workers))
        command = [tool("fastapi", "uvicorn"), *bind, "--no-access-log", f"{module}:app"]
        models = {"BENCH_MODEL": task.file, "BENCH_ONNX": str(MODELS / "forest.onnx")}
        return Start(command, HERE / "peers" / "fastapi", models)

    return start


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
            # One needs no process beside the one that serves HTTP.
            "MLSERVER_PARALLEL_WORKERS": str(task.workers if task.workers > 1 else 0),
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


def column(response: list[Record]) -> list[float]:
    """Read our own response: a table of one column."""
    return [row["prediction"] for row in response]


def nothing(_answer: object) -> list[float]:
    """Read the response of a server that predicts nothing."""
    return []


V2 = "/v2/models/wines/infer"
GTHREAD = (4, 16, 32)
SERVERS = (
    Server(
        "ours", "**this template**", "ours", ours(), "/{model}", predictions=column, workloads=ALL
    ),
    Server(
        "ours-unbatched",
        "this template, batching off",
        "ours",
        ours(BENCH_BATCHING="0"),
        "/{model}",
        predictions=column,
        workloads=("one-row-32",),
    ),
    *(
        Server(
            f"ours-gthread-{threads}",
            f"this template on gunicorn's gthread, {threads} threads",
            "ours",
            ours(*gthread(threads)),
            "/{model}",
            predictions=column,
            workloads=("one-row-32",),
        )
        for threads in GTHREAD
    ),
    Server(
        "ours-granian",
        "this template on Granian",
        "granian",
        granian,
        "/{model}",
        predictions=column,
        workloads=("one-row-1", "one-row-32"),
    ),
    Server("fastapi", "FastAPI + uvicorn", "fastapi", fastapi("app"), workloads=ALL),
    Server(
        "fastapi-onnx",
        "FastAPI + uvicorn + onnxruntime",
        "fastapi",
        fastapi("onnx_app"),
        workloads=("onnx-32",),
    ),
    Server("flask", "Flask + gunicorn", "flask", flask(), workloads=(*CEILINGS, "thousand-rows-4")),
    *(
        Server(
            f"flask-gthread-{threads}",
            f"Flask + gunicorn's gthread, {threads} threads",
            "flask",
            flask(*gthread(threads)),
            workloads=("one-row-32",),
        )
        for threads in GTHREAD
    ),
    Server(
        "litserve",
        "LitServe, batching",
        "litserve",
        litserve("1"),
        family="litserve",
        workloads=BATCHED,
    ),
    Server(
        "litserve-plain",
        "LitServe",
        "litserve",
        litserve("0"),
        family="litserve",
        workloads=("one-row-1",),
    ),
    Server(
        "bentoml",
        "BentoML, batching",
        "bentoml",
        bentoml("1"),
        body=lambda rows: {"wines": rows},
        predictions=list,
        family="bentoml",
        workloads=BATCHED,
    ),
    Server(
        "bentoml-plain",
        "BentoML",
        "bentoml",
        bentoml("0"),
        body=lambda rows: {"wines": rows},
        predictions=list,
        family="bentoml",
        workloads=("one-row-1",),
    ),
    Server(
        "mlserver",
        "MLServer, batching",
        "mlserver",
        mlserver(MLSERVER_MODEL_MAX_BATCH_SIZE="64", MLSERVER_MODEL_MAX_BATCH_TIME="0.005"),
        V2,
        body=tensor,
        predictions=lambda response: response["outputs"][0]["data"],
        family="mlserver",
        workloads=BATCHED,
    ),
    Server(
        "mlserver-plain",
        "MLServer",
        "mlserver",
        mlserver(),
        V2,
        body=tensor,
        predictions=lambda response: response["outputs"][0]["data"],
        family="mlserver",
        workloads=("one-row-1", "thousand-rows-4"),
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
        ours(module="empty_view"),
        predictions=nothing,
        workloads=CEILINGS,
        ceiling=True,
    ),
    Server(
        "bare-wsgi",
        "ceiling: a bare WSGI function",
        "ours",
        ours(module="bare_wsgi"),
        predictions=nothing,
        workloads=CEILINGS[:2],
        ceiling=True,
    ),
)
BY_NAME = {server.name: server for server in SERVERS}

"""The caller's trace in every log line, and OpenTelemetry spans if configured."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from log_output import Output
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import mmf_core as mmf
from baking import PAYLOAD
from mmf_core.tracing import setup
from mmf_core.tracing.traceparent import parse_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
TABLE = mmf.DataFrame(schema={"a": float})


@pytest.mark.parametrize("header", [PARENT, f" {PARENT}\t", f"cc-{TRACE}-{SPAN}-01-what-will-be"])
def test_valid_traceparent_is_used(header: str) -> None:
    assert parse_traceparent(header) == {"trace_id": TRACE, "span_id": SPAN}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "x",
        PARENT.upper(),
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"{PARENT}-more",
        f"cc-{TRACE}-{SPAN}-01more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}",
        PARENT.replace("-", "_"),
        f"{PARENT}\n",
        f"{PARENT},{PARENT}",
    ],
)
def test_invalid_traceparent_is_ignored(header: str) -> None:
    assert parse_traceparent(header) == {}


def test_log_lines_have_the_trace_id(
    output: Output, serve_function: Callable[..., FlaskClient]
) -> None:
    def predict() -> None:
        print("printed")
        raise RuntimeError

    client = serve_function(predict)
    client.post("/predict", headers={"traceparent": PARENT})
    client.post("/predict", headers={"traceparent": "nonsense"})
    lines = output.json()
    assert [(line.get("trace_id"), line.get("span_id")) for line in lines] == [
        *[(TRACE, SPAN)] * 3,
        *[(None, None)] * 3,
    ]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Yield an exporter of the spans of all requests."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(setup, "tracer", provider.get_tracer("mmf_core"))
    yield exporter
    provider.shutdown()


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def test_request_span_has_stage_spans(
    output: Output, spans: InMemorySpanExporter, serve_function: Callable[..., FlaskClient]
) -> None:
    def score(data: Any = TABLE) -> Any:
        current = trace.get_current_span().get_span_context()
        print(f"{current.span_id:016x}")
        return data

    client = serve_function(score, returns=mmf.DataFrame(format=mmf.JSON), batch=True)
    client.post("/score", json=[{"a": 1}, {"a": 2}], headers={"traceparent": PARENT})
    finished = by_name(spans)
    assert finished.keys() == {"POST /score", "decode", "queue", "call", "encode"}
    whole = finished["POST /score"]
    assert whole.kind is SpanKind.SERVER
    assert whole.parent is not None
    assert f"{whole.parent.trace_id:032x}" == TRACE
    assert f"{whole.parent.span_id:016x}" == SPAN
    assert whole.attributes is not None
    assert (
        whole.attributes.items()
        >= {
            "http.request.method": "POST",
            "http.route": "/score",
            "http.response.status_code": 200,
            "mmf.target": "score",
            "mmf.rows_in": 2,
            "mmf.rows_out": 2,
            "mmf.batch_size": 1,
        }.items()
    )
    assert whole.status.status_code is StatusCode.UNSET
    last = whole.start_time or 0
    for name in ("decode", "queue", "call", "encode"):
        stage = finished[name]
        assert stage.parent is not None
        assert stage.parent.span_id == whole.context.span_id
        assert stage.start_time is not None
        assert stage.end_time is not None
        assert last <= stage.start_time <= stage.end_time
        last = stage.end_time
    assert last <= (whole.end_time or 0)
    own = f"{whole.context.span_id:016x}"
    lines = output.json()
    assert {(line["trace_id"], line["span_id"]) for line in lines} == {(TRACE, own)}
    printed = [line["message"] for line in lines if line["logger"] == "mmf.stdout"]
    assert printed == [own], "it is the current span"


def test_crash_span_is_an_error_without_an_encode_stage(
    spans: InMemorySpanExporter, serve_function: Callable[..., FlaskClient]
) -> None:
    def predict() -> None:
        raise RuntimeError

    serve_function(predict).post("/predict")
    finished = by_name(spans)
    assert finished.keys() == {"POST /predict", "decode", "queue", "call"}
    whole = finished["POST /predict"]
    assert whole.parent is None
    assert whole.status.status_code is StatusCode.ERROR
    assert whole.attributes is not None
    assert whole.attributes["error.type"] == "500"


def test_unknown_paths_are_not_span_names(
    spans: InMemorySpanExporter, serve_function: Callable[..., FlaskClient]
) -> None:
    def predict() -> None: ...

    serve_function(predict).get("/no/such")
    (span,) = spans.get_finished_spans()
    assert span.name == "GET"
    assert trace.get_current_span() is trace.INVALID_SPAN


@pytest.mark.parametrize(
    ("variables", "exporters"),
    [
        ({}, []),
        ({"OTEL_SERVICE_NAME": "x"}, []),
        ({"OTEL_TRACES_EXPORTER": "none"}, []),
        ({"OTEL_TRACES_EXPORTER": "console"}, ["console"]),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ["console", "otlp_proto_http"]),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, ["otlp_proto_http"]),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            ["otlp_proto_grpc"],
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, []),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "TRUE"}, []),
    ],
)
def test_opentelemetry_variables_select_exporters(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], exporters: list[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    assert list(setup._exporters()) == exporters


APP = """
import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.String())
def hello():
    return "hello"


client = create_app(registry).test_client()
print(client.post("/hello").get_json())
"""


def run(folder: Path, code: str = APP, **variables: str) -> str:
    """Run a small service in a separate process and return its output."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "PYTHONPATH": str(PAYLOAD), "MMF_LOG_FORMAT": "json", **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_tracing_needs_only_environment_variables(tmp_path: Path) -> None:
    output = run(tmp_path, OTEL_TRACES_EXPORTER="console", OTEL_SERVICE_NAME="wine-scores")
    assert '"name": "POST /hello"' in output
    assert '"service.name": "wine-scores"' in output
    assert '"name": "call"' in output


def test_missing_packages_are_a_warning(tmp_path: Path) -> None:
    code = f"import sys; sys.modules['opentelemetry'] = None\n{APP}"
    output = run(tmp_path, code, OTEL_TRACES_EXPORTER="otlp")
    assert "no spans: " in output
    assert "{'result': 'hello'}" in output


def test_missing_exporter_is_reported(tmp_path: Path) -> None:
    output = run(tmp_path, OTEL_TRACES_EXPORTER="nobodys")
    assert "the package of exporter nobodys is not installed" in output
    assert "{'result': 'hello'}" in output


def test_opentelemetry_is_not_imported_by_default(tmp_path: Path) -> None:
    code = f"{APP}\nimport sys; print([name for name in sys.modules if 'opentelemetry' in name])"
    assert run(tmp_path, code).endswith("[]\n")

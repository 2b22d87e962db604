"""Request ids, and the access log line of each request."""

import logging
import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from log_output import Output

from error_shape import assert_problem

MADE = re.compile(r"[0-9a-f]{32}")
FIELDS = {
    *("method", "path", "target", "status", "ms", "rows_in", "rows_out", "bytes_in", "bytes_out"),
    *("level", "logger", "message", "pid", "request_id", "time"),
}
TIMES = {
    "model_version",
    "decode_ms",
    "queue_ms",
    "call_ms",
    "encode_ms",
    "batch_size",
}  # only for a called target


@pytest.mark.parametrize(
    "sent",
    [
        "a",
        "7f3c1a52-9a0b-4c8e-9f57-0d1f0c5f5b0e",
        "Root=1-67891233-abcdef012345678912345678",  # AWS
        "105445aa7843bc8bf206b12000100000/1;o=1".replace(";o=1", ""),  # Google
        "user@host:port/path+x.y_z=",
        "x" * 128,
    ],
)
def test_valid_request_id_is_accepted(client: FlaskClient, sent: str) -> None:
    response = client.get("/health/live", headers={"X-Request-ID": sent})
    assert response.headers.getlist("X-Request-ID") == [sent]


@pytest.mark.parametrize(
    "sent",
    [
        *("", " ", "a b", 'a"b', "a'b", "a\\b", "a,b", "<a>", "{a}", "a;b", "%0a", "x" * 129),
        *("a\x00b", "a\tb", "a\x1b[31m", "\xd0\xb6", "\N{FULLWIDTH LATIN SMALL LETTER A}", "$(id)"),
        *("a\nb", "a\r\nSet-Cookie: x", "a\n", "\na"),
    ],
    ids=ascii,
)
def test_invalid_request_id_is_replaced(client: FlaskClient, sent: str) -> None:
    response = client.get("/health/live", environ_overrides={"HTTP_X_REQUEST_ID": sent})
    assert MADE.fullmatch(response.headers["X-Request-ID"])


def test_every_response_has_its_own_id(client: FlaskClient) -> None:
    paths = ["/health/live", "/nothing", "/records", "/version"]
    ids = [client.get(path).headers["X-Request-ID"] for path in paths * 2]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("status", [200, 204, 404, 405, 406, 415, 422])
def test_request_id_is_logged(output: Output, client: FlaskClient, status: int) -> None:
    headers = {"X-Request-ID": f"id-{status}"}
    match status:
        case 200:
            response = client.post("/shout", json="x", headers=headers)
        case 204:
            response = client.post("/forget", json="x", headers=headers)
        case 404:
            response = client.post("/nothing", json="x", headers=headers)
        case 405:
            response = client.put("/shout", json="x", headers=headers)
        case 406:
            response = client.post("/shout?format=png", json="x", headers=headers)
        case 415:
            response = client.post("/shout", data="x", headers=headers)
        case _:
            response = client.post("/shout", json=5, headers=headers)
    if status >= 400:
        assert_problem(response, status)
    assert response.status_code == status
    line = output.access()
    assert (line["request_id"], line["status"]) == (f"id-{status}", status)


def test_log_line_of_a_request(output: Output, client: FlaskClient) -> None:
    body = b"a,b\n1,2.5\n3,4.5\n"
    response = client.post("/records", data=body, content_type="text/csv")
    line = output.access()
    assert line.keys() == FIELDS | TIMES
    assert (line["method"], line["path"], line["target"]) == ("POST", "/records", "records")
    assert (line["status"], line["level"]) == (200, "INFO")
    assert (line["rows_in"], line["rows_out"]) == (2, 2)
    assert (line["bytes_in"], line["bytes_out"]) == (len(body), len(response.data))
    assert line["pid"] == os.getpid()
    assert 0 < line["ms"] < 60_000
    assert line["request_id"] == response.headers["X-Request-ID"]


def test_log_line_of_a_rejected_request(output: Output, client: FlaskClient) -> None:
    response = client.post("/strict", json=[{"a": 1.5}, {"a": "x"}])
    line = output.access()
    assert line.keys() == FIELDS | TIMES
    assert (line["target"], line["status"]) == ("strict", 422)
    assert (line["rows_in"], line["rows_out"]) == (2, None)
    assert line["bytes_out"] == len(response.data)


def test_log_line_of_a_crash(output: Output, serve_function: Callable[..., FlaskClient]) -> None:
    def predict() -> None:
        raise RuntimeError

    response = serve_function(predict).post("/predict")
    line = output.access()
    assert line.keys() == FIELDS | TIMES
    assert (line["target"], line["status"]) == ("predict", 500)
    assert line["request_id"] == response.headers["X-Request-ID"]


def test_log_line_of_a_request_without_a_target(output: Output, client: FlaskClient) -> None:
    client.get("/health/live")
    line = output.access()
    assert line.keys() == FIELDS
    assert [line[name] for name in ("target", "rows_in", "rows_out", "bytes_in")] == [None] * 4


def test_rows_of_several_arguments_are_summed(output: Output, client: FlaskClient) -> None:
    client.post("/labelled", json={"data": [{"a": 1}, {"a": 2}], "label": "x"})
    assert output.access()["rows_in"] == 2


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_unicode_path_is_logged_readably(output: Output, client: FlaskClient, method: str) -> None:
    client.open("/предсказать", method=method, json={"таблица": [{"a": 1}]})
    line = output.access()
    assert line["path"] == "/предсказать"
    assert "/предсказать" in line["message"]


@pytest.mark.parametrize(
    "path", ["/%0aforged line", "/%1b[2J", "/%00", "/%ff", "/%e2%80%ae", "/%0d", "/%c2%85"]
)
def test_path_cannot_forge_log_lines(output: Output, client: FlaskClient, path: str) -> None:
    client.get(path)
    line = output.access()
    assert line["path"].isprintable()
    assert line["message"].isprintable()
    assert line["status"] == 404


@pytest.mark.parametrize(
    ("length", "expected"), [("", None), ("-1", None), ("x", None), ("0", 0), ("5", 5)]
)
def test_bytes_in_are_the_content_length(
    output: Output, client: FlaskClient, length: str, expected: int | None
) -> None:
    client.get("/health/live", environ_overrides={"CONTENT_LENGTH": length})
    assert output.access()["bytes_in"] == expected


def test_no_access_line_at_warning_level(
    bare_logging: Output, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mmf_core.settings import Settings
    from mmf_core.web import logs

    monkeypatch.setenv("MMF_LOG_LEVEL", "warning")
    monkeypatch.setenv("MMF_LOG_FORMAT", "json")
    logs.configure(Settings.from_env())
    assert client.get("/nothing").status_code == 404
    assert bare_logging.getvalue() == ""


class Listener(logging.Handler):
    """A custom handler."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.mark.parametrize("logger", ["mmf.access", "mmf", ""])
def test_other_handlers_get_a_record_of_each_request(
    output: Output, client: FlaskClient, logger: str
) -> None:
    client.post("/records", data=b"a,b\n1,2.5\n", content_type="text/csv")
    alone = output.access()
    output.seek(0)
    output.truncate()
    listener = Listener()
    logging.getLogger(logger).addHandler(listener)
    try:
        client.post("/records", data=b"a,b\n1,2.5\n", content_type="text/csv")
    finally:
        logging.getLogger(logger).removeHandler(listener)
    (record,) = [record for record in listener.records if record.name == "mmf.access"]
    assert vars(record).keys() >= (FIELDS | TIMES) - {
        "level",
        "logger",
        "pid",
        "request_id",
        "time",
    }
    assert list(output.access()) == list(alone), "a line is the same with and without a record"
    same = {"method", "path", "target", "status", "rows_in", "rows_out", "bytes_in", "bytes_out"}
    for field in {*same, "level", "logger", "pid", "batch_size"}:
        assert output.access()[field] == alone[field]
    for line in (output.access(), alone):
        assert line["message"] == f"POST /records 200 {line['ms']:.1f} ms"


def test_custom_filter_is_applied(output: Output, client: FlaskClient) -> None:
    def mark(record: logging.LogRecord) -> bool:
        record.marked = True
        return record.name != "mmf.access" or vars(record)["path"] != "/health/live"

    (handler,) = logging.getLogger().handlers
    handler.addFilter(mark)
    client.get("/health/live")
    client.get("/version")
    assert [line["path"] for line in output.json()] == ["/version"]
    assert output.access()["marked"] is True
    log = logging.getLogger("mmf.access")
    handler.removeFilter(mark)
    log.addFilter(mark)
    try:
        client.get("/health/live")
    finally:
        log.removeFilter(mark)
    assert len(output.json()) == 1


def test_custom_record_factory_is_applied(output: Output, client: FlaskClient) -> None:
    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = logging.LogRecord(*args, **kwargs)
        record.host = "a"
        return record

    logging.setLogRecordFactory(make)
    try:
        client.get("/health/live")
    finally:
        logging.setLogRecordFactory(logging.LogRecord)
    assert output.access()["host"] == "a"


def test_failing_log_output_does_not_fail_requests(
    output: Output, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_text: str) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(output, "write", fail)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    assert client.get("/health/live").status_code == 200


def test_failure_below_the_application_is_logged(output: Output) -> None:
    from mmf_core.web.middleware import RequestContextMiddleware

    def failing(_environ: Any, _start: Any) -> list[bytes]:
        raise OSError("nothing can be done")

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_REQUEST_ID": "abc"}
    with pytest.raises(OSError, match="nothing"):
        RequestContextMiddleware(failing, {"": "native"})(environ, lambda *_: lambda _: None)
    line = output.access()
    assert (line["status"], line["request_id"], line["bytes_out"]) == (500, "abc", None)

"""Logs: one format for the service's lines, the author's lines and printed output."""

import io
import json
import logging
import os
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from log_output import Output

import mmf_core as mmf
from mmf_core.errors import SettingError
from mmf_core.settings import Settings
from mmf_core.web import create_app, logs
from mmf_core.web.replaced_handlers import warn_if_replaced
from mmf_core.web.stdout_capture import StdoutCapture

SHAPE = {"level", "logger", "message", "pid", "request_id", "time"}
TEXT = mmf.String()


def printed(output: Output) -> list[str]:
    return [line["message"] for line in output.json() if line["logger"] == "mmf.stdout"]


def test_print_and_logging_have_the_request_id(
    output: Output, serve_function: Callable[..., FlaskClient]
) -> None:
    def predict() -> None:
        print("printed", 'with "quotes"', "и по-русски")
        logging.getLogger("author").warning("logged %s", "by the author")

    serve_function(predict).post("/predict", headers={"X-Request-ID": "abc"})
    lines = {line["logger"]: line for line in output.json()}
    assert lines["mmf.stdout"]["message"] == 'printed with "quotes" и по-русски'
    assert lines["author"]["message"] == "logged by the author"
    assert lines["author"]["level"] == "WARNING"
    for line in lines.values():
        assert line.keys() >= SHAPE
        assert line["request_id"] == "abc"


def test_printing_log_handler_does_not_recurse(
    output: Output, serve_function: Callable[..., FlaskClient]
) -> None:
    """Kedro installs rich's handler on the root logger: one request logged gigabytes."""

    class Printing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            print("rich:", record.getMessage())

    def predict() -> None:
        print("printed")
        logging.getLogger("author").info("logged")

    client = serve_function(predict)
    handler = Printing()
    logging.getLogger().addHandler(handler)
    try:
        client.post("/predict")
    finally:
        logging.getLogger().removeHandler(handler)
    lines = output.getvalue().splitlines()
    messages = [json.loads(line)["message"] for line in lines if "mmf.stdout" in line]
    assert messages[:2] == ["printed", "rich: logged"]
    assert messages[2].startswith("rich: POST /predict")
    assert len(messages) == 3
    assert lines.count("rich: printed") == 1


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["whole\n"], ["whole"]),
        (["unfinished"], ["unfinished"]),
        (["a", "b", "\n", "c"], ["ab", "c"]),
        (["a\nb\nc"], ["a", "b", "c"]),
        (["\n\n"], ["", ""]),
        ([""], []),
        (["%s %d {x}\n"], ["%s %d {x}"]),
        (['{"level": "FORGED"}\n'], ['{"level": "FORGED"}']),
        (["a\rb\n"], ["a\rb"]),
    ],
)
def test_printed_text_is_split_into_lines(
    output: Output,
    serve_function: Callable[..., FlaskClient],
    pieces: list[str],
    expected: list[str],
) -> None:
    def predict() -> None:
        for piece in pieces:
            print(piece, end="", flush=True)

    serve_function(predict).post("/predict")
    assert printed(output) == expected
    assert output.json()[-1]["logger"] == "mmf.access", "an unfinished line comes before the end"


def test_unfinished_line_before_a_crash_is_logged(
    output: Output, serve_function: Callable[..., FlaskClient]
) -> None:
    def predict() -> None:
        print("so far", end="")
        raise RuntimeError

    client = serve_function(predict)
    client.post("/predict", headers={"X-Request-ID": "first"})
    client.get("/health/live", headers={"X-Request-ID": "second"})
    lines = [line for line in output.json() if line["logger"] == "mmf.stdout"]
    assert [(line["message"], line["request_id"]) for line in lines] == [("so far", "first")]


def test_lines_of_threads_are_not_mixed(output: Output, registry: mmf.Registry) -> None:
    barrier = Barrier(4, timeout=20)

    @registry.target(returns=mmf.String())
    def predict(text: Any = TEXT) -> str:
        for _ in range(3):
            print(text, end="-")
            barrier.wait()
            logging.getLogger("author").info(text)
            barrier.wait()
            print(text)
        print(text, end="")
        barrier.wait()
        return str(text)

    app = create_app(registry)

    names = ["один", "two", "3", "four " * 100]

    def call(place: int) -> str:
        headers = {"X-Request-ID": f"id-{place}"}
        response = app.test_client().post("/predict", json=names[place], headers=headers)
        return str(response.get_json()["result"])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, range(4))) == names
    for place, name in enumerate(names):
        own = [line for line in output.json() if line["request_id"] == f"id-{place}"]
        by_logger = [(line["logger"], line["message"]) for line in own]
        once = [("author", name), ("mmf.stdout", f"{name}-{name}")]
        assert by_logger[:-1] == [*once * 3, ("mmf.stdout", name)]
        assert by_logger[-1][0] == "mmf.access"


def test_print_outside_a_request_is_unchanged(output: Output) -> None:
    print("plain")
    print("unfinished", end="")
    assert output.getvalue() == "plain\nunfinished"


def test_lines_outside_a_request_have_no_id(output: Output) -> None:
    logging.getLogger("author").info("starting")
    (line,) = output.json()
    assert line["request_id"] == "-"


def test_traceback_is_one_line(output: Output) -> None:
    try:
        int("two\nlines")
    except ValueError:
        logging.getLogger("author").exception("failed")
    (line,) = output.json()
    assert "ValueError: invalid literal" in line["exc_info"]


@pytest.mark.parametrize(
    "extra", [{"rows": 5}, {"имя": "Вася"}, {"model": object()}], ids=["number", "script", "object"]
)
def test_extra_fields_are_kept(output: Output, extra: dict[str, Any]) -> None:
    logging.getLogger("author").info("done", extra=extra)
    (line,) = output.json()
    assert line.keys() == SHAPE | extra.keys()


def test_stdout_is_still_file_like(output: Output) -> None:
    assert sys.stdout is not output
    assert sys.stdout.writable()
    assert not sys.stdout.isatty()
    with pytest.raises(io.UnsupportedOperation):  # it has no descriptor, like the stream
        sys.stdout.fileno()


def test_buffer_and_encoding_are_those_of_the_wrapped_stream() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    lines = StdoutCapture(stream)
    assert lines.buffer is stream.buffer
    assert lines.encoding == "utf-8"


def test_stdout_is_wrapped_once(output: Output) -> None:
    logging.config.dictConfig(logs.dict_config(Settings(log_format="json")))
    print("once")
    logging.getLogger("author").info("once")
    assert output.getvalue().count("once") == 2


# Settings


def test_terminal_output_is_text(bare_logging: Output, client: FlaskClient) -> None:
    bare_logging.is_terminal = True
    logs.configure(Settings())
    client.get("/health/live", headers={"X-Request-ID": "abc"})
    line = bare_logging.getvalue()
    assert "GET /health/live 200" in line
    assert "(abc)" in line
    assert not line.startswith("{")


@pytest.mark.parametrize(
    ("is_terminal", "format", "is_json"),
    [
        *((True, "auto", False), (False, "auto", True), (True, "json", True)),
        *((False, "text", False), (False, "JSON", True), (False, "Text", False)),
    ],
)
def test_log_format_setting(
    bare_logging: Output,
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
    format: str,
    is_json: bool,
) -> None:
    bare_logging.is_terminal = is_terminal
    monkeypatch.setenv("MMF_LOG_FORMAT", format)
    create_app(mmf.Registry())
    logging.getLogger("author").info("a line")
    assert bare_logging.getvalue().startswith("{") == is_json
    assert "a line" in bare_logging.getvalue()


@pytest.mark.parametrize("chosen", ["debug", "info", "warning", "error", "INFO"])
def test_log_level_setting(
    bare_logging: Output, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    monkeypatch.setenv("MMF_LOG_LEVEL", chosen)
    create_app(mmf.Registry())
    levels = ["debug", "info", "warning", "error"]
    for level in levels:
        logging.getLogger("author").log(getattr(logging, level.upper()), level)
    messages = [json.loads(line)["message"] for line in bare_logging.getvalue().splitlines()]
    assert messages == levels[levels.index(chosen.lower()) :]


@pytest.mark.parametrize("variable", ["MMF_LOG_LEVEL", "MMF_LOG_FORMAT", "MMF_MAX_BODY_MIB"])
def test_invalid_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "nonsense")
    with pytest.raises(SettingError, match=f"{variable}='nonsense'"):
        create_app(mmf.Registry())


def test_existing_logging_is_kept(bare_logging: Output) -> None:
    own = logging.StreamHandler(io.StringIO())
    root = logging.getLogger()
    root.addHandler(own)
    root.setLevel(logging.ERROR)
    create_app(mmf.Registry())
    assert root.handlers == [own]
    assert root.level == logging.ERROR
    assert sys.stdout is bare_logging


@pytest.mark.usefixtures("output")
def test_warns_if_an_import_replaces_handlers(caplog: pytest.LogCaptureFixture) -> None:
    root = logging.getLogger()
    with warn_if_replaced():
        pass
    assert not caplog.messages
    with warn_if_replaced():
        root.handlers[:] = [logging.NullHandler(), caplog.handler]
    (message,) = caplog.messages
    assert "expected StdoutHandler, got NullHandler, LogCaptureHandler" in message
    with warn_if_replaced():  # which we did not install
        root.handlers[:] = [caplog.handler]
    assert len(caplog.messages) == 1


def test_import_does_not_configure_logging(bare_logging: Output) -> None:
    import importlib

    importlib.reload(sys.modules["mmf_core.web"])
    assert logging.getLogger().handlers == []
    assert sys.stdout is bare_logging


def test_werkzeug_access_lines_are_dropped() -> None:
    def record(message: str, *args: object) -> logging.LogRecord:
        return logging.LogRecord("werkzeug", logging.INFO, "", 0, message, args, None)

    line = '127.0.0.1 - - [date] "%s" %s %s\n'
    assert not logs.NoAccessLine().filter(record(line, "GET / HTTP/1.1", "200", "-"))
    assert logs.NoAccessLine().filter(record("Press CTRL+C to quit"))


def test_long_messages_are_shortened_in_the_middle(output: Output) -> None:
    secret = "x" * 100_000
    try:
        raise ValueError(f"begins {secret} ends")
    except ValueError:
        logging.getLogger("author").exception("first %s last", secret)
    (line,) = output.json()
    assert line["message"] == "first … 100000 characters left out … last"
    assert line["exc_info"].startswith("Traceback")
    assert "ValueError: begins … 100000 characters left out … ends" in line["exc_info"]


def test_long_messages_are_shortened_before_redaction(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = []
    handler = next(h for h in logging.getLogger().handlers if isinstance(h, logs.StdoutHandler))
    monkeypatch.setattr(handler, "_redact", lambda line: lengths.append(len(line)) or line)
    logging.getLogger("author").warning("%s", "a " * 1_000_000)
    assert max(lengths) < logs.MAX_TEXT + 1_000
    assert output.json()


def test_other_handlers_get_the_full_record(output: Output) -> None:
    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    records: list[logging.LogRecord] = []
    logger = logging.getLogger("author")
    logger.addHandler(handler := Keeping())
    try:
        logger.warning("%s %d", "a" * 100_000, 1)
    finally:
        logger.removeHandler(handler)
    assert records[0].args == ("a" * 100_000, 1)
    assert output.json()


def test_access_line_waits_for_no_other_line() -> None:
    reader, writer = os.pipe()
    handler = logs.StdoutHandler()
    with os.fdopen(writer, "w") as stream, os.fdopen(reader) as lines:
        handler.setStream(stream)
        writing = Thread(target=handler.write_object, args=({"path": "/вино"},))
        with handler.lock or nullcontext():  # another line is being written
            writing.start()
            writing.join(10)
            assert not writing.is_alive()
        assert json.loads(lines.readline()) == {"path": "/вино"}
        long = {"path": "/" + "a" * 10_000}  # a pipe might take it in pieces
        handler.write_object(long)
        assert json.loads(lines.readline()) == long


def test_access_line_may_be_cut_within_a_character(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = json.dumps({"path": "/вино"}, ensure_ascii=False, separators=(",", ":")).encode()
    handler = logs.StdoutHandler()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with (tmp_path / "log").open("w") as stream:
        handler.setStream(stream)
        resource.setrlimit(resource.RLIMIT_FSIZE, (line.index("в".encode()) + 1, limits[1]))
        try:
            handler.write_object({"path": "/вино"})  # as on a full disk
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert line.startswith((tmp_path / "log").read_bytes())
    assert "File too large" in capsys.readouterr().err


def test_access_lines_do_not_interrupt_long_lines() -> None:
    reader, writer = os.pipe()
    handler = logs.StdoutHandler()
    record = logging.makeLogRecord({"msg": "a" * 9_000})  # a pipe may take it in pieces

    def write_records() -> None:
        for _ in range(1_000):
            handler.handle(record)

    def write_access_lines() -> None:
        for _ in range(10_000):
            handler.write_object({"path": "/" * 200})

    def write_all() -> None:
        with os.fdopen(writer, "w") as stream, ThreadPoolExecutor(4) as pool:
            handler.setStream(stream)
            for write in (write_records, *[write_access_lines] * 3):
                pool.submit(write)

    writing = Thread(target=write_all)
    writing.start()
    with os.fdopen(reader, buffering=4096) as lines:
        assert {len(line) for line in lines} == {9_001, 212}
    writing.join()

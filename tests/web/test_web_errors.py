"""Errors of the service, as reported to the client and as logged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from log_output import Output

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.errors import ArtifactError, MissingPackage, MMFError
from mmf_core.web import create_app, errors, rest


def raising(error: BaseException) -> Callable[[], None]:
    def predict() -> None:
        raise error

    return predict


def test_traceback_is_logged_with_the_request_id(
    output: Output, serve_function: Callable[..., FlaskClient]
) -> None:
    client = serve_function(raising(RuntimeError("a secret")))
    response = client.post("/predict", headers={"X-Request-ID": "abc-1"})
    problem = assert_problem(response, 500, "log", "request_id")
    assert "secret" not in response.text
    assert problem["request_id"] == "abc-1"
    (line,) = [entry for entry in output.json() if entry["level"] == "ERROR"]
    assert line["request_id"] == "abc-1"
    assert line["target"] == "predict"
    for part in ("Traceback", "RuntimeError: a secret", "in predict"):
        assert part in line["exc_info"]


@pytest.mark.parametrize("error", [SystemExit("a secret"), KeyError("a secret")])
def test_log_has_the_original_exception(
    output: Output, serve_function: Callable[..., FlaskClient], error: BaseException
) -> None:
    assert_problem(serve_function(raising(error)).post("/predict"), 500)
    assert f"{type(error).__name__}: " in output.getvalue()


@pytest.mark.parametrize(("count", "more"), [(1, ""), (20, ""), (21, ", …")])
def test_unknown_path_lists_targets(registry: mmf.Registry, count: int, more: str) -> None:
    for number in range(count):
        function = raising(KeyError())
        function.__name__ = f"predict_{number}"
        registry.target(function)
    listed = ", ".join(f"/predict_{number}" for number in range(min(count, 20)))
    problem = assert_problem(create_app(registry).test_client().post("/predict"), 404)
    assert problem["detail"] == f"nothing is served at /predict; targets: {listed}{more}"


def test_keyboard_interrupt_propagates(serve_function: Callable[..., FlaskClient]) -> None:
    client = serve_function(raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        client.post("/predict")


def test_missing_package_names_the_pip_command(
    serve_function: Callable[..., FlaskClient],
) -> None:
    client = serve_function(raising(MissingPackage("model.onnx", ["onnxruntime"])))
    assert_problem(client.post("/predict"), 500, "model.onnx needs: pip install onnxruntime")


def test_artifact_error_is_503(output: Output, serve_function: Callable[..., FlaskClient]) -> None:
    client = serve_function(raising(ArtifactError("/secret/model.joblib cannot be loaded")))
    response = client.post("/predict")
    assert_problem(response, 503, "model", "later")
    assert response.headers["Retry-After"].isdecimal()
    assert "/secret/model.joblib" in output.getvalue()


def test_package_error_does_not_leak_details(
    serve_function: Callable[..., FlaskClient],
) -> None:
    response = serve_function(raising(MMFError("a secret"))).post("/predict")
    assert_problem(response, 500)
    assert "secret" not in response.text


@pytest.mark.parametrize("value", [5, "x", [1], {"a": None}])
def test_target_may_reject_a_value(serve_function: Callable[..., FlaskClient], value: Any) -> None:
    error = mmf.ErrorDetail("send hex or rgb", where="notation", value=value)
    client = serve_function(raising(mmf.InvalidValue("notation is hex or rgb", [error])))
    problem = assert_problem(client.post("/predict"), 422, "notation is hex or rgb")
    assert problem["errors"] == [
        {"where": "notation", "message": "send hex or rgb", "value": value}
    ]


def test_abort_in_a_target_is_500(serve_function: Callable[..., FlaskClient]) -> None:
    """The function is also called outside HTTP."""

    def predict() -> None:
        abort(404)

    assert_problem(serve_function(predict).post("/predict"), 500)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 418, 429, 500, 501, 503])
def test_every_http_error_is_a_problem(status: int) -> None:
    """Including errors of added routes, which the native protocol does not raise."""
    app = create_app(mmf.Registry())
    app.add_url_rule("/own", view_func=lambda: abort(status))
    assert_problem(app.test_client().get("/own"), status, path="/own")


def test_error_in_another_route_is_500() -> None:
    app = create_app(mmf.Registry())
    app.add_url_rule("/own", view_func=lambda: 1 / 0)
    assert_problem(app.test_client().get("/own"), 500)


def test_other_application_can_use_problem_errors() -> None:
    """Without the middleware there is no request id."""
    app = Flask(__name__)
    errors.install(app, [rest.PROTOCOL], [])
    response = app.test_client().get("/nothing").get_json()
    assert (response["status"], response["request_id"]) == (404, None)


def test_head_of_an_error_has_no_body(client: FlaskClient) -> None:
    response = client.head("/nothing")
    assert (response.status_code, response.data) == (404, b"")
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("testing", [True, False])
def test_debug_and_testing_modes_do_not_change_errors(debug: bool, testing: bool) -> None:
    app = create_app(mmf.Registry())
    app.debug, app.testing = debug, testing
    app.add_url_rule("/own", view_func=lambda: 1 / 0)
    assert_problem(app.test_client().get("/own"), 500)


# Startup


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder on sys.path and an empty default registry."""
    from mmf_core.registry import default

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(default, "targets", {})
    monkeypatch.setattr(default, "artifacts", {})
    return tmp_path


def test_create_app_imports_a_module_by_name(project: Path) -> None:
    (project / "wines_by_name.py").write_text(
        "import mmf_meta as mmf\n"
        "@mmf.target(returns=mmf.String())\n"
        "def greet(who=mmf.String()): return who\n"
    )
    client = create_app("wines_by_name").test_client()
    assert client.post("/greet", json="you").get_json() == {"result": "you"}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("mmf.artifact('model.joblib')", ["model.joblib not found", "train.py"]),
        ("mmf.artifact('model.joblib').load()", ["model.joblib not found", "train.py"]),
        ("@mmf.artifact('a')\ndef model(): return 1 / 0", ["a cannot be loaded", "division"]),
        ("@mmf.artifact('a')\ndef model(): return open('b')", ["b not found"]),
        (
            "import os\nopen('big', 'w').close()\nos.truncate('big', 2**24)\nmmf.artifact('big')",
            ["16.0 MiB", "10 MiB"],
        ),
    ],
    ids=["mark", "load", "loader that raises", "loader without its file", "too large"],
)
def test_missing_artifact_prevents_startup(project: Path, source: str, words: list[str]) -> None:
    name = f"wines_{project.name}"
    (project / f"{name}.py").write_text(
        f"import mmf_core as mmf\n{source}\n@mmf.target\ndef predict(): pass\n"
    )
    with pytest.raises(ArtifactError) as refusal:
        create_app(name)
    for word in words:
        assert word in str(refusal.value)

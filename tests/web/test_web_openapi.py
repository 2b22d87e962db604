"""`/openapi.json`: valid, complete, with working examples; `/docs`: Swagger UI offline."""

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from served_api import declare

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.codecs import Format, Kind, readable, writable
from mmf_core.target import Target
from mmf_core.web import create_app
from mmf_core.web.openapi import document as openapi_document

WHOLE = mmf.Integer(ge=1, description="how many", name="Count")
SOME = mmf.Integer(default=3)
TABLE = mmf.DataFrame()
# /openapi.json, /docs and / describe others; the routes of a model version are aliases.
NOT_DESCRIBED = re.compile(
    r"/|/static/.*|/page/.*|/openapi\.json|/docs.*|/invocations|/v2/models/<model>/versions/.*"
)


@pytest.fixture(scope="module")
def client(described: Flask) -> FlaskClient:
    return described.test_client()


@pytest.fixture(scope="module")
def document(client: FlaskClient) -> Any:
    return client.get("/openapi.json").get_json()


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield path, method and operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_document_is_valid_openapi(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_document_of_all_targets_is_valid_openapi(everything: mmf.Registry) -> None:
    document = create_app(everything).test_client().get("/openapi.json").get_json()
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_is_described(described: Flask, document: Any) -> None:
    operation_keys = {(path, method.upper()) for path, method, _ in operations(document)}
    for rule in described.url_map.iter_rules():
        if NOT_DESCRIBED.fullmatch(rule.rule):
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            paths = [rule.rule.replace("<", "{").replace(">", "}")]
            for of_each in ("/v2/models/<model>/infer", "/invocations/<target>"):
                if rule.rule == of_each:
                    paths = [re.sub("<.*>", name, of_each) for name in declare().targets]
            assert {(path, method) for path in paths} <= operation_keys


def test_document_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    builds = []
    make = openapi_document.document
    monkeypatch.setattr(
        openapi_document, "document", lambda *arguments: builds.append(1) or make(*arguments)
    )
    client = create_app(declare()).test_client()
    assert builds == []
    assert client.get("/openapi.json").data == client.get("/openapi.json").data
    assert builds == [1]


def test_tags_and_operation_ids_are_unique(document: Any) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    assert tags == {
        *("targets", "mlflow", "v2", "metrics", "health", "tasks", "rollout", "feedback"),
    }
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert {tag for _, _, operation in operations(document) for tag in operation["tags"]} == tags


def test_every_media_type_is_listed(document: Any) -> None:
    for route, target in declare().targets.items():
        call = document["paths"][f"/{route}"]["post"]
        if target.returns:
            forms = writable(target.returns.kind)
            out = call["responses"]["200"]["content"]
            assert {form.media_type for form in forms} <= out.keys()
            (chosen,) = [
                parameter for parameter in call["parameters"] if parameter["name"] == "format"
            ]
            assert set(chosen["schema"]["enum"]) == {form.extension for form in forms}
        if len(target.arguments) == 1:
            (only,) = target.arguments.values()
            content = call["requestBody"]["content"]
            assert {form.media_type for form in readable(only.kind)} <= content.keys()
            assert "multipart/form-data" in content


BODIES = [
    *(media_type for format_ in Format for media_type in format_.media_types),
    *("multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "text/vnd.unknown"),
]
CALLS = [
    pytest.param(path, target, id=path)
    for name, target in declare().targets.items()
    for path in (f"/{name}", f"/invocations/{name}", f"/v2/models/{name}/infer")
]


@pytest.mark.parametrize(("path", "target"), CALLS)
def test_described_media_types_are_the_accepted_ones(
    client: FlaskClient, document: Any, path: str, target: Target
) -> None:
    if not target.arguments and not path.startswith("/v2"):
        assert "requestBody" not in document["paths"][path]["post"]
        return
    content = document["paths"][path]["post"]["requestBody"]["content"]
    required = {name for name, each in target.required.items() if each.kind is Kind.SCALAR}
    if required == {*target.required}:
        required = {*sorted(required)[1:]}  # the body holds one
    for media_type in BODIES:
        query = dict.fromkeys(required, "1")
        response = client.post(path, data=b"x", content_type=media_type, query_string=query)
        is_accepted = response.status_code != 415 and "cannot be sent as" not in response.text
        is_described = bool({described_name(media_type, path), "*/*"} & content.keys())
        if path.startswith("/v2") or media_type == "application/x-www-form-urlencoded":
            assert is_accepted or not is_described  # docs/openapi.md lists what else is accepted
        else:
            assert is_accepted == is_described, (media_type, response.text)


def described_name(media_type: str, path: str) -> str:
    """Return the name by which a type is described; MLflow accepts no other."""
    format_ = Format.of_media_type(media_type)
    is_known = format_ and not path.startswith("/invocations")
    return format_.media_type if format_ and is_known else media_type.partition(";")[0]


def test_optional_arguments_are_query_parameters_or_in_the_body(
    client: FlaskClient, document: Any
) -> None:
    described = 0
    for path, _, operation in operations(document):
        for parameter in operation.get("parameters", []):
            name = parameter["name"]
            content = operation.get("requestBody", {}).get("content", {})
            form = content.get("multipart/form-data", {}).get("schema", {}).get("properties", {})
            if parameter["in"] == "query" and name in form:
                assert "an argument in both is a 422" in parameter["description"]
                response = client.post(path, query_string={name: "1"}, data={name: "1"})
                assert_problem(response, 422, "duplicate argument", name)
                described += 1
    assert described > 5


def test_every_error_is_a_problem(document: Any) -> None:
    for status in (400, 406, 413, 415, 422, 500, 503):
        reference = document["paths"]["/text"]["post"]["responses"][str(status)]
        response = document["components"]["responses"][reference["$ref"].rpartition("/")[2]]
        (media_type,) = response["content"]
        assert media_type == "application/problem+json"
    with_table = document["paths"]["/table"]["post"]["responses"]["422"]["content"]
    assert with_table.keys() == {"application/problem+json", Format.XLSX.media_type}


def test_limits_are_documented(document: Any) -> None:
    assert document["paths"]["/strict"]["post"]["x-limits"]["timeout_seconds"] == 60
    assert "504" in document["paths"]["/strict"]["post"]["responses"]
    assert "504" not in document["paths"]["/table"]["post"]["responses"]
    assert document["paths"]["/table"]["post"]["x-limits"]["body_bytes"] == 50 * 2**20
    assert "50 MiB" in document["components"]["responses"]["Problem413"]["description"]


def test_arguments_have_descriptions(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def predict(data: Any = TABLE, count: Any = WHOLE, some: Any = SOME) -> Any:
        """Predict the future."""

    client = serve_function(predict, name="Predict")
    call = client.get("/openapi.json").get_json()["paths"]["/predict"]["post"]
    assert (call["summary"], call["description"]) == ("Predict", "Predict the future.")
    schema = call["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["data", "count"]
    assert schema["properties"]["count"]["title"] == "Count"
    assert schema["properties"]["count"]["description"] == "how many"
    assert schema["properties"]["some"]["default"] == 3
    names = {parameter["name"] for parameter in call["parameters"]}
    in_query = {"count", "some", "sheet", "header_row", "errors"}
    of_tasks = {"Prefer", "TASK-ID", "Idempotency-Key"}
    assert names - in_query == of_tasks
    assert call["responses"].keys() & {"200", "204", "406"} == {"204"}


def test_webhooks_are_described_only_where_they_are_on(
    serve_function: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = base64.b64encode(b"a secret of twenty-four bytes or more").decode()
    monkeypatch.setenv("MMF_WEBHOOK_SECRET", f"whsec_{secret}")

    def one() -> int:
        return 1

    client = serve_function(one, returns=mmf.Integer())
    call = client.get("/openapi.json").get_json()["paths"]["/one"]["post"]
    assert "Webhook-URL" in {parameter["name"] for parameter in call["parameters"]}


def test_every_example_works(client: FlaskClient, document: Any) -> None:
    calls = 0
    for path, method, operation in operations(document):
        query = {"flag": "true"} if path == "/labelled" else {}
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if "example" not in content:
                continue
            example, form = content["example"], Format.of_media_type(media_type)
            is_json = form is Format.JSON
            response = client.open(
                path,
                method=method.upper(),
                query_string={} if is_json else query,
                content_type=media_type,
                **({"json": example} if is_json else {"data": example.encode()}),
            )
            assert response.status_code == 200, (path, media_type, response.data)
            calls += 1
    assert calls > 50


# /docs


def test_docs_page_needs_no_other_host_or_inline_script(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "//" not in page.text
    assert re.findall(r"<script(?! src=)|<style|\son\w+=|javascript:", page.text) == []
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(linked) == 8
    for path in linked:  # relative to /docs
        with client.get(f"/{path.removeprefix('./')}") as response:  # a file, to be closed
            assert response.status_code == 200


def test_docs_static_files(client: FlaskClient) -> None:
    start = client.get("/docs/start.js")
    assert start.mimetype == "text/javascript"
    assert 'url: "openapi.json"' in start.text
    assert "validatorUrl: null" in start.text
    path = "/docs/swagger-ui-bundle.js"
    with client.get(path) as bundle:
        assert bundle.mimetype == "text/javascript"
        assert b"SwaggerUIBundle" in bundle.data
        assert "max-age" in bundle.headers["Cache-Control"]
    with client.get(path, headers={"If-None-Match": bundle.headers["ETag"]}) as again:
        assert again.status_code == 304
    assert_problem(client.get("/docs/VERSION"), 404)
    assert_problem(client.get("/docs/../dist/VERSION"), 404)


def test_docs_can_be_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_UI", "0")
    client = create_app(declare()).test_client()
    assert_problem(client.get("/docs"), 404)
    assert_problem(client.get("/docs/start.js"), 404)
    assert client.get("/openapi.json").status_code == 200


def test_missing_package_is_named(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmf_core.swagger_ui.routes.find_spec", lambda _: None)
    assert_problem(client.get("/docs"), 500, "pip install flask-swagger-ui")


def test_unrepresentable_format_is_406(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def listed() -> Any:
        return [1]

    client = serve_function(listed, returns=mmf.JsonFile())
    assert_problem(client.post("/listed?format=pb"), 406, "protobuf", "application/json")
    assert client.post("/listed").get_json() == [1]

"""The page at `/`: its contents, its languages and its security."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from served_api import declare

import mmf_core as mmf
from cpu_time import at_most
from error_shape import assert_problem
from mmf_core.capabilities import parts
from mmf_core.page import view
from mmf_core.page.files import ALL_FILES, FILES
from mmf_core.page.translations import LANGUAGES, TEXTS
from mmf_core.swagger_ui.settings import SwaggerUISettings
from mmf_core.web import create_app

MAX_SIZE = 80_000
HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>{{ 7*7 }}&amp;"
SCHEMA = {
    "size": mmf.Column(float, ge=0, lt=100),
    "kind": mmf.Column(str | None, choices=["red", "white"]),
    "picked": datetime,
}
VOID = {"meta", "link", "input", "br", "img"}


class Elements(HTMLParser):
    """Collects every element with its attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attributes}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def named(self, name: str) -> dict[str, str]:
        """Return the attributes of the control with this name, and its tag."""
        ((tag, attributes),) = [
            (tag, each) for tag, each in self.elements if each.get("name") == name and tag != "meta"
        ]
        return {"tag": tag, **attributes}

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def elements(client: FlaskClient, path: str = "/") -> Elements:
    return Elements(client.get(path).text)


@pytest.fixture(scope="module")
def client(described: Flask) -> FlaskClient:
    return described.test_client()


@pytest.fixture
def field(serve_function: Callable[..., FlaskClient]) -> Callable[[Any], dict[str, str]]:
    """Return a function that returns the control of an argument with this descriptor."""

    def make(descriptor: Any) -> dict[str, str]:
        def predict(value: Any = descriptor) -> None:
            del value

        return elements(serve_function(predict)).named("value")

    return make


def test_every_target_has_a_plain_html_form(client: FlaskClient) -> None:
    page = elements(client)
    assert page.open == []  # every element is closed
    forms = {form["data-target"]: form for form in page.all("form")}
    assert forms.keys() == declare().targets.keys()
    for form in forms.values():
        assert form["method"] == "post"
        assert form["enctype"] == "multipart/form-data"
    assert forms["table"]["action"] == "table?format=csv"
    assert forms["nothing"]["action"] == "nothing"
    assert forms["предсказать"]["action"].startswith("%D0%BF")
    assert "Count rows" in page.words
    identifiers = [each["id"] for _, each in page.elements if "id" in each]
    assert len(set(identifiers)) == len(identifiers)
    for _, each in page.elements:
        for reference in ("for", "aria-describedby", "aria-labelledby"):
            assert each.get(reference, identifiers[0]) in identifiers


def test_file_inputs_list_formats(field: Callable[[Any], dict[str, str]]) -> None:
    table = field(mmf.DataFrame())
    assert (table["type"], "required" in table) == ("file", True)
    assert {".xlsx", ".csv", ".parquet"} <= set(table["accept"].split(","))
    assert "required" not in field(mmf.DataFrame(default=None))
    assert ".png" in field(mmf.Img())["accept"]
    assert "accept" not in field(mmf.File())


@pytest.mark.parametrize(
    ("descriptor", "expected"),
    [
        (mmf.Integer(), {"type": "number", "step": "1", "value": "", "required": ""}),
        (mmf.Integer(ge=0, le=9, default=3), {"min": "0", "max": "9", "value": "3"}),
        (mmf.Float(le=0.5), {"type": "number", "step": "any", "max": "0.5"}),
        (mmf.Float(default=float("inf"), finite=False), {"tag": "textarea"}),
        (mmf.String(), {"tag": "textarea", "required": ""}),
        (mmf.String(choices=["a", "b"]), {"tag": "select"}),
        (mmf.Integer(choices=[1, 2]), {"tag": "select"}),
        (mmf.Bool(), {"tag": "select"}),
        (mmf.Datetime(), {"type": "datetime-local", "value": ""}),
        (
            mmf.Datetime(default=datetime(2026, 1, 31, 12)),
            {"type": "datetime-local", "value": "2026-01-31T12:00:00"},
        ),
        (mmf.Datetime(default=datetime(2026, 1, 31, tzinfo=UTC)), {"tag": "textarea"}),
        (mmf.Dict(), {"tag": "textarea", "placeholder": '{"name":1.5}'}),
        (mmf.JsonFile(), {"tag": "textarea"}),
        (mmf.Array(), {"tag": "textarea", "placeholder": "[[1.5,2.0],[3.0,4.5]]"}),
    ],
    ids=repr,
)
def test_descriptors_have_matching_controls(
    field: Callable[[Any], dict[str, str]], descriptor: Any, expected: dict[str, str]
) -> None:
    control = field(descriptor)
    assert {key: control.get(key) for key in expected} == expected


def test_choices_and_defaults(serve_function: Callable[..., FlaskClient]) -> None:
    def options_of(descriptor: Any) -> list[tuple[str, bool]]:
        def predict(value: Any = descriptor) -> None:
            del value

        listed = elements(serve_function(predict)).all("option")
        return [(option["value"], "selected" in option) for option in listed]

    assert options_of(mmf.Bool(default=False)) == [("true", False), ("false", True)]
    assert options_of(mmf.String(choices=["a", "b"], default="b")) == [("a", False), ("b", True)]
    assert options_of(mmf.Bool(default=None)) == [("", False), ("true", False), ("false", False)]


def test_missing_columns_are_explained(serve_function: Callable[..., FlaskClient]) -> None:
    table, array = mmf.DataFrame(schema=SCHEMA), mmf.Array(columns=["height"])

    def predict(data: Any = table, more: Any = array) -> None:
        del data, more

    client = serve_function(predict)
    words = elements(client).words
    for text in ("number, ≥ 0, < 100", "one of red, white, may be empty", "date and time"):
        assert text in words
    assert "height" in words
    assert "одно из: red, white, может быть пустым" in elements(client, "/?lang=ru").words


def test_row_form_describes_the_columns(serve_function: Callable[..., FlaskClient]) -> None:
    """A script builds its fields from the list of columns."""
    schema = {**SCHEMA, "count": int, "flag": bool | None, "few": mmf.Column(int, choices=[1, 2])}
    table = mmf.DataFrame(schema=schema)

    def predict(data: Any = table) -> None:
        del data

    page = elements(serve_function(predict))
    assert [row for row in page.all("tr") if row] == [
        {"data-type": "number", "data-min": "0"},
        {"data-type": "choice", "data-choices": '["red","white"]', "data-nullable": ""},
        {"data-type": "datetime"},
        {"data-type": "integer"},
        {"data-type": "boolean", "data-nullable": ""},
        {"data-type": "choice", "data-choices": '["1","2"]'},
    ]
    assert "integer" in page.words
    assert "e+18" not in page.words  # the limits of 64 bits
    assert [button for button in page.all("button") if "data-row" in button]


def test_many_choices_are_a_text_field(serve_function: Callable[..., FlaskClient]) -> None:
    choices = [f"level {place}" for place in range(100_000)]
    table = mmf.DataFrame(schema={"a": mmf.Column(str, choices=choices, category=True)})

    def predict(data: Any = table) -> None:
        del data

    page = elements(serve_function(predict))
    assert [row for row in page.all("tr") if row] == [{"data-type": "string"}]
    assert "level 11" not in page.words


def test_row_form_only_for_few_columns(serve_function: Callable[..., FlaskClient]) -> None:
    def buttons(table: Any) -> int:
        def predict(data: Any = table) -> None:
            del data

        buttons = elements(serve_function(predict)).all("button")
        return sum("data-row" in button for button in buttons)

    assert buttons(mmf.DataFrame(schema=dict.fromkeys(map(str, range(100)), float))) == 1
    assert buttons(mmf.DataFrame(schema=dict.fromkeys(map(str, range(101)), float))) == 0
    assert buttons(mmf.DataFrame()) == 0


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [
        ("/", "", "en"),
        ("/", "ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("/", "fr,en;q=0.5", "en"),
        ("/", "fr", "en"),
        ("/?lang=en", "ru", "en"),
        ("/?lang=ru", "", "ru"),
        ("/?lang=xx", "ru", "ru"),
        ("/?other=1", "ru", "ru"),
    ],
)
def test_language_negotiation(client: FlaskClient, path: str, accepted: str, language: str) -> None:
    response = client.get(path, headers={"Accept-Language": accepted})
    assert response.headers["Content-Language"] == language
    assert "Accept-Language" in response.headers["Vary"]
    page = Elements(response.text)
    assert page.all("html") == [{"lang": language}]
    assert TEXTS[language]["run"] in page.words
    links = {link["href"] for link in page.all("a") if "hreflang" in link}
    assert links == {f"?lang={code}" for code in LANGUAGES}


def test_languages_have_the_same_keys() -> None:
    english, russian = TEXTS["en"], TEXTS["ru"]
    assert TEXTS.keys() == LANGUAGES.keys()
    assert english.keys() == russian.keys()
    assert not any(hasattr(dict, key) for key in english)  # Jinja would render the method
    for key, text in english.items():
        assert re.findall(r"\{\w*\}", text) == re.findall(r"\{\w*\}", russian[key])
    same = {key for key, text in english.items() if text == russian[key]}
    assert same == {"description"}  # OpenAPI


def test_every_text_is_used_and_defined() -> None:
    folder = Path(view.__file__).parent
    scripts = "".join(file.read_text() for file in folder.glob("*/*.js"))
    others = "".join(
        file.read_text() for file in (*folder.glob("templates/*"), folder / "fields.py")
    )
    for key in TEXTS["en"]:
        if key.startswith(("js_", "panel_")):
            name = key.removeprefix("js_").removeprefix("panel_")
            built = r"problem_\d+|true|false|ready|unready|unknown|drift_(same|moved|drifted)"
            is_built = re.fullmatch(built, name)
            assert is_built or f'"{name}"' in scripts, key
        else:
            assert f"t.{key}" in others or f'"{key}"' in others or key.startswith("type_"), key
    for function, prefix in {"say": "js_", "tell": "panel_"}.items():
        keys = set(re.findall(rf'{function}\("(\w+)"', scripts))
        assert {f"{prefix}{name}" for name in keys} <= TEXTS["en"].keys()


def test_content_security_policy(client: FlaskClient) -> None:
    response = client.get("/")
    policy = dict(
        part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; ")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    page = Elements(response.text)
    for tag, attributes in page.elements:
        assert tag != "style"
        assert not any(name == "style" or name.startswith("on") for name in attributes)
    assert all("src" in script for script in page.all("script"))


def linked(page: Elements) -> list[str]:
    addresses = [each.get("src") or each.get("href") for _, each in page.elements]
    return [address for address in addresses if address and not address.startswith(("#", "?"))]


def test_links_are_relative_and_exist(client: FlaskClient) -> None:
    page = elements(client)
    for address in linked(page):
        assert not address.startswith(("/", "http"))
        assert client.get(f"/{address}").status_code == 200, address
    whole = client.get("/").text + "".join(
        file.read_text() for file in Path(view.__file__).parent.glob("static/*")
    )
    hosts = set(re.findall(r"https?://[^\"' )]+", whole))
    assert hosts == {"http://www.w3.org/2000/svg"}  # a namespace


def test_static_files_are_cached_by_version(client: FlaskClient) -> None:
    style = next(address for address in linked(elements(client)) if address.endswith(".css"))
    response = client.get(f"/{style}")
    assert response.mimetype == "text/css"
    assert "immutable" in response.headers["Cache-Control"]
    other = client.get("/static/0/page.css")  # requested by a page opened before an upgrade
    assert (other.data, other.headers["Cache-Control"]) == (response.data, "no-cache")
    assert client.get("/static/0/page.js").mimetype == "text/javascript"
    for name in ("page.html", "../page.html", "none"):
        assert_problem(client.get(f"/static/0/{name}"), 404)


def test_page_is_rendered_once_per_language(monkeypatch: pytest.MonkeyPatch) -> None:
    renders = []
    monkeypatch.setattr(
        "mmf_core.page.routes.view", lambda *arguments: renders.append(1) or view.view(*arguments)
    )
    client = create_app(declare()).test_client()
    assert renders == []
    first = client.get("/")
    assert client.get("/").data == first.data
    assert renders == [1]
    client.get("/?lang=ru")
    assert renders == [1, 1]
    again = client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.head("/").status_code == 200


def test_invalid_conditional_and_language_headers_are_ignored() -> None:
    """A date out of C's range caused a 500; languages of 800 kB took seconds."""
    client = create_app(declare()).test_client()
    tag = client.get("/").headers["ETag"]
    moment = "Sat, 01 Jan 99999999999999999999 00:00:00 GMT"
    for name in ("If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range"):
        assert client.get("/", headers={name: moment}).status_code == 200
        conditions = {name: moment, **({"Range": "bytes=0-1"} if name == "If-Range" else {})}
        with client.get("/docs/swagger-ui.css", headers=conditions) as response:
            assert response.status_code == 200
        headers = {name: moment, "If-None-Match": f'"a", {tag}'}
        assert client.get("/", headers=headers).status_code == 304
    with at_most(seconds=0.5):
        response = client.get("/", headers={"Accept-Language": "ru," + "aa-bb;q=0.1," * 60_000})
    assert response.headers["Content-Language"] == "en"


def test_page_can_be_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_UI", "0")
    client = create_app(declare()).test_client()
    for path in ("/", "/static/0/page.css", "/page/example/table/data.csv", "/page/panels/en"):
        assert_problem(client.get(path), 404)
    assert_problem(client.post("/page/rows/table/data", data=b""), 404)


def test_links_to_docs_only_if_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    links = [link["href"] for link in elements(create_app(declare()).test_client()).all("a")]
    monkeypatch.setattr(
        "mmf_core.swagger_ui.capability.SwaggerUISettings.from_env",
        lambda: SwaggerUISettings(enabled=False),
    )
    without = [link["href"] for link in elements(create_app(declare()).test_client()).all("a")]
    assert set(links) - set(without) == {"docs"}


def without_tasks(name: str) -> list[Any]:
    """Return an attribute of every capability except tasks."""
    return [part for part in parts(name) if getattr(part, "name", "") != "tasks"]


def test_submits_tasks_only_if_workers_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def uses_tasks() -> bool:
        (body,) = elements(create_app(declare()).test_client()).all("body")
        return "data-tasks" in body

    assert not uses_tasks()  # `flask run` starts no workers
    monkeypatch.setattr("mmf_core.page.routes.is_in_gunicorn", lambda: True)
    assert uses_tasks()
    monkeypatch.setattr("mmf_core.web.app.parts", without_tasks)
    assert not uses_tasks()


def test_requests_panels_only_if_any_exist(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = create_app(declare()).test_client()
    assert [each for each in elements(client).all("div") if "data-panels" in each]
    response = client.get("/page/panels/en")
    assert (response.get_json()["panels"], response.headers["Cache-Control"]) == ({}, "no-store")
    assert client.get("/page/panels/ru").get_json()["texts"]["drift"] == "Дрейф"
    monkeypatch.setattr("mmf_core.page.routes.parts", lambda _: [])
    page = elements(create_app(declare()).test_client())
    assert not [each for each in page.all("div") if "data-panels" in each]


def test_background_targets_are_marked(registry: mmf.Registry) -> None:
    registry.target(background=True)(mmf_target)
    (form,) = elements(create_app(registry).test_client()).all("form")
    assert "data-background" in form


@pytest.mark.parametrize("name", [name for name in ALL_FILES if name.endswith(".js")])
def test_scripts_are_minified(name: str) -> None:
    (file,) = Path(view.__file__).parent.glob(f"*/{name}")
    lines = file.read_text().split("\n")
    code = [re.sub(r"(^| )// .*$", "", line) for line in lines]
    assert all(line.count("`") % 2 == 0 for line in code)  # a template literal ends on its line
    sent, source = ALL_FILES[name][0].decode(), "\n".join(code)
    assert re.sub(r"\s", "", sent) == re.sub(r"\s", "", source)
    texts = r"""(?m)`[^`\n]*`|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""
    assert [text for text in re.findall(texts, source) if text not in sent] == []


def test_user_content_is_escaped(registry: mmf.Registry) -> None:
    table = mmf.DataFrame(description=HOSTILE, name=HOSTILE, schema={HOSTILE: float})
    chosen = mmf.String(choices=[HOSTILE], default=HOSTILE, description=HOSTILE)
    typed = mmf.String(default=HOSTILE)

    def predict(data: Any = table, choice: Any = chosen, text: Any = typed) -> Any:
        return data, choice, text

    registry.target(description=HOSTILE, name=HOSTILE, returns=mmf.DataFrame())(predict)
    registry.artifact(HOSTILE, name=HOSTILE, description=HOSTILE)(lambda: 1)
    client = create_app(registry).test_client()
    page = elements(client)
    assert page.open == []
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert not page.all("img")
    for _, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes)
    assert page.words.count(HOSTILE) == 10
    response = client.get("/page/example/predict/data.csv")
    assert response.headers["Content-Disposition"] == "attachment; filename=example.csv"


def test_artifacts_and_versions_are_shown(
    registry: mmf.Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.bin").write_bytes(b"")
    (tmp_path / "other.bin").write_bytes(b"")
    empty = {
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "size": 0,
    }
    entries = {"model.bin": {**empty, "version": "v7"}, "other.bin": empty}
    (tmp_path / "artifacts.lock").write_text(json.dumps(entries))
    for name in entries:
        registry.artifact(name, description=f"a {name}")
    registry.target(mmf_target)
    words = elements(create_app(registry).test_client()).words
    for text in (
        "model.bin v7 — a model.bin",
        "other.bin e3b0c44298fc — a other.bin",
        mmf.__version__,
    ):
        assert text in words


def mmf_target() -> None:
    """Do nothing."""


def test_page_size_is_limited(registry: mmf.Registry) -> None:
    """The page of a generated project, or of a slightly larger one."""
    columns = {f"a_measurement_{place}": float for place in range(13)}
    table = mmf.DataFrame(schema=columns, description="thirteen measurements, one wine a row")
    wine, photo = mmf.Dict(description="thirteen measurements"), mmf.Img(description="a picture")
    notation = mmf.String(default="hex", description="how to write the colour: hex or rgb")

    @registry.target(returns=mmf.DataFrame(format=mmf.XLSX))
    def score(data: Any = table) -> Any:
        """Predict the cultivar of each wine in a table."""
        return data

    @registry.target(returns=mmf.Dict())
    def explain(data: Any = wine) -> Any:
        """Predict the cultivar of one wine, and how sure the model is."""
        return data

    @registry.target(returns=mmf.String())
    def colour(data: Any = photo, how: Any = notation) -> Any:
        """Return the mean colour of a picture."""
        return data, how

    client = create_app(registry).test_client()
    weight = sum(len(content) for content, _ in FILES.values())
    for language in LANGUAGES:
        page = client.get(f"/?lang={language}")
        assert len(page.data) + weight < MAX_SIZE

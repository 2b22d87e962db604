"""The author's examples in OpenAPI, in `GET /<target>` and on the page."""

# ruff: noqa: B008 - a target's arguments and their descriptors

import io
import json
import shlex
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from flask.testing import FlaskClient
from PIL import Image

import mmf_core as mmf
from mmf_core.codecs import Format
from mmf_core.web import create_app

JSON = "application/json"
HOUSES = [{"area": 54.5, "city": "O'Hara"}, {"area": 30.0, "city": None}]
SCHEMA = {"area": float, "city": str | None}
HOUSE = mmf.DataFrame(schema=SCHEMA, example=HOUSES, format=mmf.JSON)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "red.jpg"
    Image.new("RGB", (4, 3), "red").save(path)
    return path


@pytest.fixture(scope="module")
def client(photo: Path) -> FlaskClient:
    registry = mmf.Registry()
    target = registry.target

    @target(returns=HOUSE)
    def price(rooms: Any = HOUSE) -> Any:
        return rooms

    @target(
        returns=mmf.Dict(),
        examples={
            "cheap": {"about": {"area": 20}, "times": 2},
            "dear & large": {"about": {"area": 200}, "when": datetime(2026, 1, 31, tzinfo=UTC)},
        },
    )
    def describe(
        about: Any = mmf.Dict(),
        times: Any = mmf.Integer(default=1),
        when: Any = mmf.Datetime(default=None),
    ) -> Any:
        return {**about, "times": times, "when": str(when)}

    @target(
        returns=mmf.Integer(),
        examples={
            "red": {"photo": photo, "file": b"hello"},
            "gray": {"photo": photo.read_bytes(), "file": str(photo)},
        },
    )
    def size(photo: Any = mmf.Img(), file: Any = mmf.File()) -> Any:
        return photo.size + len(file)

    @target(returns=mmf.Integer())
    def guessed(x: Any = mmf.Integer()) -> Any:
        return x

    return create_app(registry).test_client()


def body_of(client: FlaskClient, route: str) -> Any:
    return client.get("/openapi.json").json["paths"][f"/{route}"]["post"]["requestBody"]["content"]


def test_openapi_has_the_example_in_every_text_format(client: FlaskClient) -> None:
    content = body_of(client, "price")
    examples = {name: media["example"] for name, media in content.items() if "example" in media}
    assert examples[JSON] == HOUSES
    assert examples["text/csv"] == "area,city\n54.5,O'Hara\n30.0,\n"
    for media_type, example in examples.items():
        data = json.dumps(example) if media_type == JSON else example
        response = client.post("/price", data=data, content_type=media_type)
        assert (response.status_code, response.json) == (200, HOUSES), media_type


def test_openapi_has_named_examples_that_work(client: FlaskClient) -> None:
    media = body_of(client, "describe")[JSON]
    assert "example" not in media
    assert media["examples"] == {
        "cheap": {"value": {"area": 20}},
        "dear & large": {"value": {"area": 200}},
    }
    for each in media["examples"].values():
        assert client.post("/describe", json=each["value"]).status_code == 200
    assert set(body_of(client, "size")[JSON]["examples"]) == {"red", "gray"}


def test_described_command_sends_the_example(client: FlaskClient) -> None:
    *_, body = shlex.split(client.get("/price").json["example"])
    assert json.loads(body) == HOUSES
    description = client.get("/describe").json
    _, address, *_, body = shlex.split(description["example"])
    assert (json.loads(body), address) == ({"area": 20}, "http://localhost/describe?times=2")
    assert description["examples"] == {
        "cheap": {"about": {"area": 20}, "times": 2},
        "dear & large": {"about": {"area": 200}, "when": "2026-01-31T00:00:00+00:00"},
    }
    assert client.get("/guessed").json["examples"] == {"": {"x": 1}}


def test_other_protocols_describe_the_example(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").json["paths"]
    invocations = paths["/invocations/price"]["post"]["requestBody"]["content"][JSON]["example"]
    assert invocations == {"dataframe_records": HOUSES}
    infer = paths["/v2/models/price/infer"]["post"]["requestBody"]["content"][JSON]["example"]
    assert [tensor["data"] for tensor in infer["inputs"]] == [[54.5, 30.0], ["O'Hara", None]]


def test_template_workbook_has_the_example(client: FlaskClient) -> None:
    response = client.get("/page/example/price/rooms.xlsx")
    table = pd.read_excel(io.BytesIO(response.data), engine="calamine")
    assert table["area"].tolist() == [54.5, 30.0]
    assert response.content_type == Format.XLSX.media_type
    assert client.get("/page/example/price/rooms.csv").data == b"area,city\n54.5,O'Hara\n30.0,\n"


@pytest.mark.parametrize(
    "address", ["price/rooms.png", "price/rooms.exe", "price/other.csv", "absent/rooms.csv",
                "size/photo.png", "size/photo.csv", "describe/about.json"],
)  # fmt: skip
def test_unknown_example_is_404(client: FlaskClient, address: str) -> None:
    assert client.get(f"/page/example/{address}").status_code == 404


class Buttons(HTMLParser):
    """Collects the buttons that fill a form: their values by their texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: dict[str, dict[str, Any]] = {}
        self._open: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._open = dict(attributes).get("data-values") if tag == "button" else self._open

    def handle_data(self, data: str) -> None:
        if self._open:
            self.values[data] = json.loads(self._open)
            self._open = None


def test_page_has_a_button_for_each_example(client: FlaskClient, photo: Path) -> None:
    buttons = Buttons(client.get("/").text).values
    moment = "2026-01-31T00:00:00+00:00"
    gray = "page/example/size/{}.{}?example=gray"
    assert buttons == {
        "Use the example": {"rooms": {"file": "page/example/price/rooms.csv"}},
        "cheap": {"about": {"text": '{"area":20}'}, "times": {"text": "2"}, "when": {"text": ""}},
        "dear & large": {
            "about": {"text": '{"area":200}'},
            "times": {"text": "1"},
            "when": {"text": moment},
        },
        "red": {
            "photo": {"file": "page/example/size/photo.jpg?example=red"},
            "file": {"file": "page/example/size/file.bin?example=red"},
        },
        "gray": {
            "photo": {"file": gray.format("photo", "png")},
            "file": {"file": gray.format("file", "jpg")},
        },
    }
    for name in ("red", "gray"):
        for value in buttons[name].values():
            response = client.get(value["file"])
            assert response.data in {photo.read_bytes(), b"hello"}

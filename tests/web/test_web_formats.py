"""JSON values, arrays, images, numbers and files over HTTP, in every format both ways."""

import io
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np
import PIL.Image
import pytest
import yaml
from flask.testing import FlaskClient
from google.protobuf.struct_pb2 import Struct

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.codecs.json_yaml import JSONAsYAML
from mmf_core.web import create_app

DICT, NUMBERS, PICTURE = mmf.Dict(), mmf.Array(), mmf.Img()
WINES = mmf.Array(columns=["ash", "hue"])
STARS = mmf.Integer(ge=1, le=5, default=3)
COLOUR = mmf.String(choices=["red", "white"], default="red")
FILE = mmf.File()

XML, YAML, MSGPACK = "application/xml", "application/yaml", "application/msgpack"
PROTOBUF, NPY, JSON = "application/x-protobuf", "application/x-npy", "application/json"
TREE = {"name": "Бароло", "tags": ["red", None], "share": 0.5}


def struct(tree: dict[str, Any]) -> bytes:
    struct = Struct()
    struct.update(tree)
    return struct.SerializeToString()


BODIES = {
    XML: (
        '<w><name>Бароло</name><tags type="array"><i>red</i><i type="null"/></tags>'
        '<share type="number">0.5</share></w>'
    ).encode(),
    YAML: "name: Бароло\ntags: [red, ~]\nshare: 0.5\n".encode(),
    MSGPACK: msgpack.packb(TREE),
    PROTOBUF: struct(TREE),
}


@pytest.fixture
def tree(serve_function: Callable[..., FlaskClient]) -> FlaskClient:
    def same(data: Any = DICT) -> Any:
        return data

    return serve_function(same, returns=DICT)


@pytest.mark.parametrize("media_type", BODIES)
def test_json_value_is_read_from_every_format(tree: FlaskClient, media_type: str) -> None:
    response = tree.post("/same", data=BODIES[media_type], content_type=media_type)
    assert response.get_json() == TREE


@pytest.mark.parametrize(
    ("media_type", "extension", "read"),
    [
        (YAML, "yaml", yaml.safe_load),
        (MSGPACK, "msgpack", msgpack.unpackb),
        (PROTOBUF, "pb", Struct.FromString),
        (XML, "xml", bytes.decode),
    ],
)
def test_json_value_is_returned_in_every_format(
    tree: FlaskClient, media_type: str, extension: str, read: Any
) -> None:
    response = tree.post("/same", json=TREE, headers={"Accept": media_type})
    assert (response.status_code, response.mimetype) == (200, media_type)
    assert response.headers["Content-Disposition"] == f"attachment; filename=same.{extension}"
    assert tree.post(f"/same?format={extension}", json=TREE).data == response.data
    decoded = read(response.data)
    if media_type == XML:
        assert "<name>Бароло</name>" in decoded
    elif media_type == PROTOBUF:
        assert decoded["name"] == "Бароло"
    else:
        assert decoded == TREE


@pytest.mark.parametrize(
    ("media_type", "body", "status", "word"),
    [
        (XML, b"<a>", 400, "XML"),
        (XML, b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", 400, "DTD"),
        (XML, b"<a>text</a>", 422, "object"),
        (YAML, b"a: [", 400, "YAML"),
        (YAML, b"- a", 422, "object"),
        (YAML, b"a: !!python/name:os.system", 422, "tags"),
        (MSGPACK, b"\xdd\xff\xff\xff\xff", 400, "MessagePack"),
        (MSGPACK, b"\x90", 422, "object"),
        (PROTOBUF, b"\xff", 400, "Struct"),
        (JSON, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400, "JSON"),
        (JSON, b'{"a":' * 200 + b"1" + b"}" * 200, 422, "100 levels"),
    ],
)
def test_rejects_invalid_json_value(
    tree: FlaskClient, media_type: str, body: bytes, status: int, word: str
) -> None:
    response = tree.post("/same", data=body, content_type=media_type)
    problem = assert_problem(response, status, word)
    assert problem["errors"][0]["where"] == "data"


def test_json_value_beside_other_arguments_is_a_file(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def both(data: Any = DICT, stars: Any = STARS) -> Any:
        return {**data, "stars": stars}

    client = serve_function(both, returns=DICT)
    form = {"data": (io.BytesIO(BODIES[YAML]), "wine.yml"), "stars": "5"}
    assert client.post("/both", data=form).get_json() == {**TREE, "stars": 5}


def test_format_without_its_library_is_415_with_the_pip_command(
    serve_function: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def same(data: Any = DICT) -> Any:
        return data

    monkeypatch.setattr(JSONAsYAML, "requires", {"no_such_yaml": "pyyaml"})
    tree = serve_function(same, returns=DICT)
    response = tree.post("/same", data=b"a: 1", content_type=YAML)
    assert_problem(response, 415, "pip install pyyaml")
    assert_problem(tree.post("/same", json=TREE, headers={"Accept": YAML}), 406)


def test_unrepresentable_result_in_a_requested_format_is_406(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def large() -> Any:
        return {"a": 2**60, "b": "\x00"}

    client = serve_function(large, returns=DICT)
    assert client.post("/large").status_code == 200
    for format in ("xml", "pb"):
        assert_problem(client.post(f"/large?format={format}"), 406, "application/json")


def test_unrepresentable_result_in_the_declared_format_is_406(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def large() -> Any:
        return {"b": "\x00"}

    client = serve_function(large, returns=mmf.Dict(format=mmf.XML))
    assert_problem(client.post("/large"), 406, "application/json")


# Arrays


class Model:
    """Stand-in for a fitted estimator: the first of two features."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        assert features.dtype == np.float64
        assert features.shape[1] == 2
        return features[:, 0]


@pytest.mark.parametrize("batch", [None, mmf.Batch()])
@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b'[{"hue": 2, "ash": 1.5}, {"ash": 3, "hue": 4}]', JSON),
        (b"[[1.5, 2], [3, 4]]", JSON),
        (b"hue,more,ash\n2,x,1.5\n4,y,3\n", "text/csv"),
        (b"1.5,2\n3,4\n", "text/csv"),
    ],
)
def test_shortest_model(registry: mmf.Registry, body: bytes, media_type: str, batch: Any) -> None:
    model = Model()

    @registry.target(returns=NUMBERS, batch=batch)
    def predict(X: Any = WINES) -> Any:  # noqa: N803 - as scikit-learn calls it
        return model.predict(X)

    client = create_app(registry).test_client()
    response = client.post("/predict", data=body, content_type=media_type)
    assert response.get_json() == [1.5, 3.0]
    assert client.post("/predict?format=csv", data=body, content_type=media_type).data == (
        b"1.5\n3.0\n"
    )
    npy = client.post("/predict?format=npy", data=body, content_type=media_type)
    assert npy.mimetype == NPY
    assert np.load(io.BytesIO(npy.data)).tolist() == [1.5, 3.0]


@pytest.fixture
def wines(serve_function: Callable[..., FlaskClient]) -> FlaskClient:
    def predict(X: Any = WINES) -> Any:  # noqa: N803
        return X

    return serve_function(predict, returns=WINES)


def test_npy_both_ways(wines: FlaskClient) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([[1, 2]]))
    response = wines.post(
        "/predict", data=buffer.getvalue(), content_type=NPY, headers={"Accept": NPY}
    )
    assert np.load(io.BytesIO(response.data)).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("body", "media_type", "error"),
    [
        (
            b'[{"ash": 1, "hue": "x"}]',
            JSON,
            {"row": 0, "column": "hue", "message": 'expected a number, got "x"', "value": "x"},
        ),
        (
            b"hue,ash\n1,2\n3,\n",
            "text/csv",
            {
                "row": 1,
                "column": "ash",
                "message": "expected a finite number, got an empty cell",
            },
        ),
        (b"ash\n1\n", "text/csv", {"column": "hue", "message": "missing column"}),
    ],
)
def test_invalid_cell_is_reported_with_its_position(
    wines: FlaskClient, body: bytes, media_type: str, error: dict[str, Any]
) -> None:
    problem = assert_problem(wines.post("/predict", data=body, content_type=media_type), 422)
    assert problem["errors"] == [{"where": "X", **error}]


def test_description_names_the_columns(wines: FlaskClient) -> None:
    described = wines.get("/predict").get_json()
    assert described["arguments"][0]["columns"] == ["ash", "hue"]
    assert '[{"ash":0.5,"hue":0.5}]' in described["example"]


# Pictures


def picture_file(form: str, size: tuple[int, int] = (3, 2)) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", size, (200, 200, 200)).save(buffer, form)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "gif", "bmp", "tiff"])
def test_reads_every_image_format(client: FlaskClient, form: str) -> None:
    for response in (
        client.post("/mirror", data=picture_file(form), content_type=f"image/{form}"),
        client.post("/mirror", data={"photo": (io.BytesIO(picture_file(form)), f"a.{form}")}),
    ):
        assert response.mimetype == "image/png"
        assert PIL.Image.open(io.BytesIO(response.data)).size == (3, 2)


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_returns_images_in_three_formats(client: FlaskClient, form: str) -> None:
    response = client.post(
        "/mirror",
        data=picture_file("png"),
        content_type="image/png",
        headers={"Accept": f"image/{form}"},
    )
    assert response.mimetype == f"image/{form}"
    assert PIL.Image.open(io.BytesIO(response.data)).format == form.upper()


def test_result_that_is_not_an_image_is_500(serve_function: Callable[..., FlaskClient]) -> None:
    def heat() -> Any:
        return np.full((2, 2, 3), 0.5)

    assert_problem(serve_function(heat, returns=PICTURE).post("/heat"), 500)


# Scalars


def test_bounds_and_choices_are_enforced_and_described(
    serve_function: Callable[..., FlaskClient],
) -> None:
    def rate(stars: Any = STARS, colour: Any = COLOUR) -> Any:
        return {"stars": stars, "colour": colour}

    client = serve_function(rate, returns=DICT)
    assert client.post("/rate?stars=5&colour=white").get_json() == {"stars": 5, "colour": "white"}
    response = client.post("/rate", json={"stars": 6, "colour": "rosé"})
    problem = assert_problem(response, 422, ">= 1 and <= 5", 'one of "red", "white"')
    assert {error["where"] for error in problem["errors"]} == {"stars", "colour"}
    assert_problem(client.post("/rate?stars=1_0"), 422, "whole number")
    stars, colour = client.get("/rate").get_json()["arguments"]
    assert (stars["ge"], stars["le"], colour["choices"]) == (1, 5, ["red", "white"])


# Files


@pytest.fixture
def files(registry: mmf.Registry) -> FlaskClient:
    @registry.target(returns=DICT)
    def about(file: Any = FILE) -> Any:
        return {"size": len(file), "name": file.name, "media_type": file.media_type}

    @registry.target(returns=FILE)
    def same(file: Any = FILE) -> Any:
        return file

    @registry.target(returns=FILE)
    def bare(file: Any = FILE) -> Any:
        return bytes(file)

    return create_app(registry).test_client()


@pytest.mark.parametrize(
    ("sent_name", "media_type", "name", "expected_type"),
    [
        ("report.pdf", "application/pdf", "report.pdf", "application/pdf"),
        ("../../etc/passwd", "text/plain", "passwd", "text/plain"),
        ("Отчёт.pdf", "application/pdf", "Отчёт.pdf", "application/pdf"),
        ("a", "no media type", "a", ""),
    ],
)
def test_form_file_keeps_its_name(
    files: FlaskClient, sent_name: str, media_type: str, name: str, expected_type: str
) -> None:
    form = {"file": (io.BytesIO(b"abc"), sent_name, media_type)}
    description = files.post("/about", data=form).get_json()
    assert description == {"size": 3, "name": name, "media_type": expected_type}


def test_body_file_is_named_by_content_disposition(files: FlaskClient) -> None:
    headers = {
        "Content-Type": "application/pdf",
        "Content-Disposition": "attachment; filename*=UTF-8''%D0%B2.pdf",
    }
    description = files.post("/about", data=b"abc", headers=headers).get_json()
    assert description == {"size": 3, "name": "в.pdf", "media_type": "application/pdf"}
    assert files.post("/about", json="YWJj").get_json() == {
        "size": 3,
        "name": "",
        "media_type": "",
    }


def test_returned_file_keeps_its_name_and_type(files: FlaskClient) -> None:
    form = {"file": (io.BytesIO(b"\xff"), "../Отчёт.txt", "text/plain")}
    response = files.post("/same", data=form)
    assert response.data == b"\xff"
    assert response.headers["Content-Type"] == "text/plain"
    assert response.headers["Content-Disposition"] == (
        "attachment; filename=_____.txt; filename*=UTF-8''%D0%9E%D1%82%D1%87%D1%91%D1%82.txt"
    )


def test_unnamed_returned_file_is_named_after_the_target(files: FlaskClient) -> None:
    form = {"file": (io.BytesIO(b"a"), "a.txt", "text/plain")}
    response = files.post("/bare", data=form)
    assert response.mimetype == "application/octet-stream"
    assert response.headers["Content-Disposition"] == "attachment; filename=bare.bin"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ('a";x=".html', r'"a\";x=\".html"'),
        ("a\r\nX-Evil: 1.txt", '"aX-Evil: 1.txt"'),
        ("..\\..\\boot.ini", "boot.ini"),
        ("\x00", "made.bin"),
    ],
)
def test_file_name_cannot_inject_headers(
    serve_function: Callable[..., FlaskClient], name: str, written: str
) -> None:
    def made() -> Any:
        return mmf.FileBytes(b"x", name)

    response = serve_function(made, returns=FILE).post("/made")
    assert response.headers["Content-Disposition"] == f"attachment; filename={written}"
    assert "X-Evil" not in response.headers

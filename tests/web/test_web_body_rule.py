# ruff: noqa: B008 - descriptors are made once, as in a main.py
"""The body rule: a signature and a body → values, or an error.

One required argument: a body that is not a form is that argument. Several: an object by name.
"""

import io
import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.web import create_app

JSON, CSV, TEXT = "application/json", "text/csv", "text/plain"
SOME = mmf.Integer(default=7)  # the added optional argument


def table(data: Any = mmf.DataFrame()) -> Any:
    return data.to_dict("list")


def table_and_some(data: Any = mmf.DataFrame(), some: Any = SOME) -> Any:
    return data.to_dict("list") | ({} if some == 7 else {"some": some})


def table_and_table(data: Any = mmf.DataFrame(), other: Any = mmf.DataFrame(default=None)) -> Any:
    return data.to_dict("list") | ({} if other is None else {"other": other.to_dict("list")})


def some_and_table(some: Any = SOME, data: Any = mmf.DataFrame()) -> Any:
    return table_and_some(data, some)


def tree(tree: Any = mmf.Dict()) -> Any:
    return tree


def tree_and_some(tree: Any = mmf.Dict(), some: Any = SOME) -> Any:
    return tree | ({} if some == 7 else {"added": some})


def array(data: Any = mmf.Array()) -> Any:
    return data.tolist()


def array_and_some(data: Any = mmf.Array(), some: Any = SOME) -> Any:
    return data.tolist() + ([] if some == 7 else [some])


def file(data: Any = mmf.File()) -> Any:
    return len(data)


def file_and_some(data: Any = mmf.File(), some: Any = SOME) -> Any:
    return len(data) * some // 7


def photo(data: Any = mmf.Img()) -> Any:
    return list(data.shape)


def photo_and_some(data: Any = mmf.Img(), some: Any = SOME) -> Any:
    return [*data.shape, *([] if some == 7 else [some])]


def text(word: Any = mmf.String()) -> Any:
    return word


def text_and_some(word: Any = mmf.String(), some: Any = SOME) -> Any:
    return word + ("" if some == 7 else str(some))


def number(x: Any = mmf.Float()) -> Any:
    return x


def number_and_some(x: Any = mmf.Float(), some: Any = SOME) -> Any:
    return x if some == 7 else x * some


def number_and_table(x: Any = mmf.Float(), data: Any = mmf.DataFrame(default=None)) -> Any:
    return x if data is None else [x, data.to_dict("list")]


def two(data: Any = mmf.DataFrame(), x: Any = mmf.Float()) -> Any:
    return [data.to_dict("list"), x]


def two_and_table(
    data: Any = mmf.DataFrame(),
    x: Any = mmf.Float(),
    other: Any = mmf.DataFrame(default=None),
) -> Any:
    return [data.to_dict("list"), x] + ([] if other is None else [other.to_dict("list")])


def texts(word: Any = mmf.String(), other: Any = mmf.String()) -> Any:
    return [word, other]


def defaults(x: Any = mmf.Float(default=1.5)) -> Any:
    return x


def defaults_and_tree(x: Any = mmf.Float(default=1.5), tree: Any = mmf.Dict(default=None)) -> Any:
    return x if tree is None else [x, tree]


def default_tree(tree: Any = mmf.Dict(default=None)) -> Any:
    return tree


def default_tree_and_some(tree: Any = mmf.Dict(default=None), some: Any = SOME) -> Any:
    return tree if some == 7 else [tree, some]


def nothing() -> Any:
    return "nothing"


FUNCTIONS: list[Callable[..., Any]] = [
    *(table, table_and_some, table_and_table, some_and_table, tree, tree_and_some),
    *(array, array_and_some, file, file_and_some, photo, photo_and_some, text, text_and_some),
    *(number, number_and_some, number_and_table, two, two_and_table, texts),
    *(defaults, defaults_and_tree, default_tree, default_tree_and_some, nothing),
]


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((1, 2, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


BASE64 = json.dumps(b64encode(picture()).decode())
ROWS = {"a": [1, 3]}
TABLES = [
    ('[{"a": 1}, {"a": 3}]', JSON, ROWS),
    ('{"a": [1, 3]}', JSON, ROWS),
    ('{"columns": ["a"], "data": [[1], [3]]}', JSON, ROWS),
    ('{"dataframe_records": [{"a": 1}, {"a": 3}]}', JSON, ROWS),
    ('{"data": [1, 3]}', JSON, {"data": [1, 3]}),  # a column with the name of the argument
    ('{"data": [1, 3], "some": [2, 4]}', JSON, {"data": [1, 3], "some": [2, 4]}),
    ("a\n1\n3\n", CSV, ROWS),
]
TREES = [
    ('{"a": 1}', JSON, {"a": 1}),
    ("{}", JSON, {}),
    ('{"tree": 1}', JSON, {"tree": 1}),
    ('{"tree": {"a": 1}}', JSON, {"tree": {"a": 1}}),
    ('{"tree": {"a": 1}, "some": 5}', JSON, {"tree": {"a": 1}, "some": 5}),
    ("a: 1", "application/yaml", {"a": 1}),
]
TEXTS = [
    ('"a"', JSON, "a"),
    ('{"word": "a"}', JSON, "a"),
    ("a", TEXT, "a"),
    ('{"word": "a"}', TEXT, '{"word": "a"}'),
]
NUMBERS = [
    ("2.5", JSON, 2.5),
    ('{"x": 2.5}', JSON, 2.5),
    ('{"x": 2.5}', "application/json; charset=utf-8", 2.5),
    ("2.5", TEXT, 2.5),
]
DEFAULTS = [*NUMBERS, ("{}", JSON, 1.5), ("", "", 1.5)]
TWO = [('{"data": [{"a": 1}], "x": 2}', JSON, [{"a": [1]}, 2])]
ARRAYS = [("[[1, 2]]", JSON, [[1.0, 2.0]]), ("a,b\n1,2\n", CSV, [[1.0, 2.0]])]
FILES = [("1234", "application/pdf", 4), ("{}", "text/csv", 2), ('"MTIz"', JSON, 3)]
PICTURES = [(picture(), "image/png", [1, 2, 3]), (BASE64, JSON, [1, 2, 3])]
SAME: dict[Callable[..., Any], list[Any]] = {  # with and without optional arguments
    **dict.fromkeys([table, table_and_some, table_and_table, some_and_table], TABLES),
    **dict.fromkeys([tree, tree_and_some, default_tree, default_tree_and_some], TREES),
    **dict.fromkeys([array, array_and_some], ARRAYS),
    **dict.fromkeys([file, file_and_some], FILES),
    **dict.fromkeys([photo, photo_and_some], PICTURES),
    **dict.fromkeys([text, text_and_some], TEXTS),
    **dict.fromkeys([number, number_and_some, number_and_table], NUMBERS),
    **dict.fromkeys([defaults, defaults_and_tree], DEFAULTS),
    **dict.fromkeys([two, two_and_table], TWO),
    texts: [('{"word": "a", "other": "b"}', JSON, ["a", "b"])],
    nothing: [("{}", JSON, "nothing"), ("", "", "nothing")],
}


def same_with_and_without() -> Iterator[Any]:
    for function, cases in SAME.items():
        for index, case in enumerate(cases):
            yield pytest.param(function.__name__, *case, id=f"{function.__name__}-{index}")


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    registry = mmf.Registry()
    for function in FUNCTIONS:
        registry.target(returns=mmf.JsonFile())(listed(function))
    return create_app(registry).test_client()


def listed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that returns a document: a list."""

    def call(*args: Any, **named: Any) -> Any:
        return [function(*args, **named)]

    call.__name__ = function.__name__
    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call


def post(client: FlaskClient, path: str, body: str | bytes, media_type: str = "") -> Any:
    data = body.encode() if isinstance(body, str) else body
    headers = {"Content-Type": media_type} if media_type else {}
    return client.post(path, data=data, headers=headers)


def result(response: Any) -> Any:
    assert response.status_code == 200, response.text
    (value,) = response.get_json()
    return value


@pytest.mark.parametrize(("route", "body", "media_type", "expected"), list(same_with_and_without()))
def test_optional_arguments_do_not_change_the_body_argument(
    client: FlaskClient, route: str, body: str | bytes, media_type: str, expected: Any
) -> None:
    assert result(post(client, f"/{route}", body, media_type)) == expected


@pytest.mark.parametrize(
    ("path", "body", "media_type", "expected"),
    [
        ("table_and_some?some=5", "a\n1\n", CSV, {"a": [1], "some": 5}),
        ("table_and_some?some=5", '[{"a": 1}]', JSON, {"a": [1], "some": 5}),
        ("tree_and_some?some=5", '{"tree": 1}', JSON, {"tree": 1, "added": 5}),
        ("array_and_some?some=5", "[1]", JSON, [1, 5]),
        ("file_and_some?some=14", "12", "image/png", 4),
        ("photo_and_some?some=5", picture(), "image/png", [1, 2, 3, 5]),
        ("text_and_some?some=5", "a", TEXT, "a5"),
        ("text_and_some?some=5", '{"word": "a"}', JSON, "a5"),
        ("text_and_some", '{"word": "a", "some": 5}', JSON, "a5"),
        ("number_and_some?x=2", '{"some": 5}', JSON, 10),
        ("number_and_some?x=2&some=5", "", "", 10),
        ("number_and_table", '{"x": 2, "data": [{"a": 1}]}', JSON, [2, {"a": [1]}]),
        ("number_and_table?x=2", '{"data": [{"a": 1}]}', JSON, [2, {"a": [1]}]),
        ("two?x=2", "a\n1\n", CSV, [{"a": [1]}, 2]),
        ("two_and_table?x=2", "a\n1\n", CSV, [{"a": [1]}, 2]),
        ("two?x=2", '{"data": [{"a": 1}]}', JSON, [{"a": [1]}, 2]),
        ("texts?other=b", "a", TEXT, ["a", "b"]),
        ("texts?word=a", "b", TEXT, ["a", "b"]),
        ("texts?word=a", '{"other": "b"}', JSON, ["a", "b"]),
        ("default_tree_and_some?some=5", '{"some": 6}', JSON, [{"some": 6}, 5]),
        ("defaults_and_tree", '{"tree": {"x": 3}}', JSON, [1.5, {"x": 3}]),
    ],
)
def test_optional_arguments_in_the_query_or_a_json_object(
    client: FlaskClient, path: str, body: str | bytes, media_type: str, expected: Any
) -> None:
    assert result(post(client, f"/{path}", body, media_type)) == expected


@pytest.mark.parametrize(
    ("route", "fields", "expected"),
    [
        ("table_and_some", {"data": (b"a\n1\n", "a.csv"), "some": "5"}, {"a": [1], "some": 5}),
        ("table_and_table", {"data": '[{"a": 1}]', "other": '[{"b": 2}]'}, None),
        ("tree_and_some", {"tree": '{"a": 1}', "some": "5"}, {"a": 1, "added": 5}),
        ("number_and_table", {"x": "2", "data": (b"a\n1\n", "a.csv")}, [2, {"a": [1]}]),
        ("default_tree_and_some", {"some": "5"}, [None, 5]),
    ],
)
def test_form_arguments_are_by_name(
    client: FlaskClient, route: str, fields: dict[str, Any], expected: Any
) -> None:
    data = {
        name: value if isinstance(value, str) else (io.BytesIO(value[0]), value[1])
        for name, value in fields.items()
    }
    response = client.post(f"/{route}", data=data, content_type="multipart/form-data")
    assert result(response) == (expected or {"a": [1], "other": {"b": [2]}})


@pytest.mark.parametrize(
    ("path", "body", "media_type", "status", "words"),
    [
        ("tree_and_some", "[1]", JSON, 422, ["tree"]),
        ("number", '{"y": 2.5}', JSON, 422, ["unknown argument", "y", "expected x"]),
        ("number", '{"x": 2.5, "y": 1}', JSON, 422, ["unknown argument", "y"]),
        ("number", '{"x": {"x": 2.5}}', JSON, 422, ["x", "expected a number"]),
        ("number", "[2.5]", JSON, 422, ["x", "expected a number"]),
        ("number", "{}", JSON, 422, ["missing"]),
        ("number", '{"x"', JSON, 400, ["JSON"]),
        ("number?x=2", '{"x": 2}', JSON, 422, ["duplicate argument", "x"]),
        ("number?x=2", "2", JSON, 422, ["duplicate argument", "x"]),
        ("number_and_table?x=2", "a\n1\n", CSV, 422, ["duplicate argument", "x"]),
        ("number_and_table", "a\n1\n", CSV, 415, ["text/csv"]),
        ("table_and_table", "", JSON, 400, ["send data as the body"]),
        ("two", "a\n1\n", CSV, 415, ["multipart/form-data", "data, x"]),
        ("two", '[{"a": 1}]', JSON, 422, ["JSON object", "data, x"]),
        ("two", '{"data": [{"a": 1}]}', JSON, 422, ["x", "missing"]),
        ("two_and_table?x=2", '[{"a": 1}]', JSON, 422, ["JSON object"]),
        ("texts", "a", TEXT, 415, ["word, other"]),
        ("defaults_and_tree", '{"a": 1}', JSON, 422, ["unknown argument", "a"]),
        ("nothing", "1", JSON, 422, ["empty body"]),
    ],
)
def test_rejects_other_bodies(
    client: FlaskClient, path: str, body: str, media_type: str, status: int, words: list[str]
) -> None:
    response = post(client, f"/{path}", body, media_type)
    assert_problem(response, status, *words, path=f"/{path.partition('?')[0]}")


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_description_names_the_body_argument(
    client: FlaskClient, function: Callable[..., Any]
) -> None:
    route = function.__name__
    names = {"two": None, "two_and_table": None, "texts": None, "nothing": None}
    first = next(iter(SAME[function]))
    body = client.get(f"/{route}").get_json()["body"]
    assert (body is None) is (route in names), first
    content = client.get("/openapi.json").get_json()["paths"][f"/{route}"]["post"]
    described = content.get("requestBody", {"content": {JSON: {}}})["content"][JSON]
    if "example" in described:  # as is
        example = json.dumps(described["example"])
        assert post(client, f"/{route}", example, JSON).status_code == 200


def one_number(x: Any = mmf.Float()) -> Any:
    return x


def two_numbers(x: Any = mmf.Float(), y: Any = mmf.Float()) -> Any:
    return x / y


def table_and_number(x: Any = mmf.DataFrame(), y: Any = mmf.Float()) -> Any:
    return len(x) * y


@pytest.mark.parametrize(
    ("function", "body"),
    [
        (one_number, '{"x": 1, "x": 2}'),
        (two_numbers, '{"x": 1, "y": 2, "x": 4}'),
        (table_and_number, '{"x": [{"a": 1}], "y": 2, "x": [{"a": 2}]}'),
    ],
)
def test_rejects_duplicate_argument(
    function: Callable[..., Any], body: str, serve_function: Callable[..., FlaskClient]
) -> None:
    client = serve_function(function, returns=mmf.Float())
    response = client.post(f"/{function.__name__}", data=body, content_type=JSON)
    assert_problem(response, 422, "duplicate argument: x")

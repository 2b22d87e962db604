"""The responses that the load test accepts as correct."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from loadtests.checks import ExpectedResponse, decoder, equivalent, json_value
from mmf_core.codecs import Format, Kind, find

JSON = "application/json"
CSV = "text/csv"
DIFFERS = "the result differs from the one at the start"


def expected(**fields: Any) -> ExpectedResponse:
    defaults = {"status": 200, "media_type": JSON, "decode": json_value, "value": [1.5]}
    return ExpectedResponse(**{**defaults, **fields})


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        ((200, JSON, b"[1.5]"), None),
        ((200, "Application/JSON; charset=utf-8", b"[1.50000000001]"), None),
        ((200, JSON, b"[1.51]"), DIFFERS),
        ((200, JSON, b"[1.5, 2]"), DIFFERS),
        ((200, JSON, b"[1.5"), "cannot be decoded: JSONDecodeError"),
        ((200, JSON, b""), "cannot be decoded: JSONDecodeError"),
        ((200, CSV, b"[1.5]"), "expected application/json, got text/csv"),
        ((200, "", b"[1.5]"), "expected application/json, got no media type"),
        ((503, JSON, b'{"detail": "no model"}'), "status 503: no model"),
        ((500, JSON, b'{"error": "tensor"}'), "status 500: tensor"),
        ((502, "text/html", b"<html>"), "status 502"),
        ((204, "", b""), "status 204"),
    ],
)
def test_response_is_compared_with_the_expected_one(
    response: tuple[int, str, bytes], problem: str | None
) -> None:
    assert expected().problem(*response) == problem


def test_correct_bytes_are_not_decoded_again() -> None:
    decoded: list[bytes] = []

    def decode(data: bytes) -> Any:
        decoded.append(data)
        return json_value(data)

    response = expected(decode=decode)
    for content in (b"[1.5]", b"[1.5]", b"[2.5]", b"[1.5]"):
        response.problem(200, JSON, content)
    assert decoded == [b"[1.5]", b"[2.5]"]


def test_incorrect_bytes_are_reported_each_time() -> None:
    response = expected()
    assert [bool(response.problem(200, JSON, b"[2]")) for _ in range(3)] == [True] * 3


def test_varying_result_must_only_be_decodable() -> None:
    response = expected(varies=True)
    assert response.problem(200, JSON, b"[7]") is None
    assert response.problem(200, JSON, b"[7") == "cannot be decoded: JSONDecodeError"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0),
        ("1.5", 1.5),
        (0.1 + 0.2, 0.3),
        (float(np.float32(0.1)), 0.1),
        (None, ""),
        (None, float("nan")),
        (True, "True"),
        ({"a": [1], "b": None}, {"b": "", "a": ["1"]}),
    ],
)
def test_same_value_of_another_type_is_equivalent(left: Any, right: Any) -> None:
    assert equivalent(left, right)
    assert equivalent(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [(1, 2), (0, None), ("", 0), ({"a": 1}, {"b": 1}), ([1], [1, 2]), ([1], {"0": 1}), ("a", "b")],
)
def test_different_values_are_not_equivalent(left: Any, right: Any) -> None:
    assert not equivalent(left, right)
    assert not equivalent(right, left)


@pytest.mark.parametrize(
    "form",
    [Format.CSV, Format.JSON, Format.XLSX, Format.XML, Format.PARQUET, Format.ARROW, Format.TSV],
)
def test_tables_of_every_format_are_decoded_to_records(form: Format) -> None:
    table = pd.DataFrame({"a": [1.5, float("nan")], "name": ["x", "ю"]})
    codec = find(Kind.TABLE, form)
    assert codec is not None
    records = [{"a": 1.5, "name": "x"}, {"a": None, "name": "ю"}]
    assert equivalent(decoder(Kind.TABLE, form)(codec.encode(table, {})), records)


@pytest.mark.parametrize("form", [Format.PNG, Format.JPEG, Format.JSON])
def test_images_are_compared_by_size(form: Format) -> None:
    codec = find(Kind.IMAGE, form)
    assert codec is not None
    content = codec.encode(np.zeros((3, 5, 3), dtype=np.uint8), {})
    assert decoder(Kind.IMAGE, form)(content) == [3, 5, 3]


def test_scalars_are_unwrapped() -> None:
    assert decoder(Kind.SCALAR, Format.JSON)(b'{"result": 7}') == 7
    assert equivalent(decoder(Kind.SCALAR, Format.TEXT)(b"7"), 7)
    assert decoder(None, Format.JSON)(b'{"result": 7, "more": 1}') == {"result": 7, "more": 1}

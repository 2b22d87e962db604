"""What the load test takes for a right answer."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from loadtests.checks import Answer, plain, reader, same
from mmf_core.codecs import Format, Kind, find

JSON = "application/json"
CSV = "text/csv"


def answer(**others: Any) -> Answer:
    return Answer(**{"status": 200, "media_type": JSON, "read": plain, "value": [1.5], **others})


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ((200, JSON, b"[1.5]"), None),
        ((200, "Application/JSON; charset=utf-8", b"[1.50000000001]"), None),
        ((200, JSON, b"[1.51]"), "another result than at the start"),
        ((200, JSON, b"[1.5, 2]"), "another result than at the start"),
        ((200, JSON, b"[1.5"), "cannot be read: JSONDecodeError"),
        ((200, JSON, b""), "cannot be read: JSONDecodeError"),
        ((200, CSV, b"[1.5]"), "text/csv instead of application/json"),
        ((200, "", b"[1.5]"), "no media type instead of application/json"),
        ((503, JSON, b'{"detail": "no model"}'), "status 503: no model"),
        ((500, JSON, b'{"error": "tensor"}'), "status 500: tensor"),
        ((502, "text/html", b"<html>"), "status 502"),
        ((204, "", b""), "status 204"),
    ],
)
def test_answers(given: tuple[int, str, bytes], problem: str | None) -> None:
    assert answer().problem(*given) == problem


def test_bytes_that_were_right_are_not_read_again() -> None:
    read: list[bytes] = []

    def counting(data: bytes) -> Any:
        read.append(data)
        return plain(data)

    one = answer(read=counting)
    for content in (b"[1.5]", b"[1.5]", b"[2.5]", b"[1.5]"):
        one.problem(200, JSON, content)
    assert read == [b"[1.5]", b"[2.5]"]


def test_wrong_bytes_are_wrong_each_time() -> None:
    one = answer()
    assert [bool(one.problem(200, JSON, b"[2]")) for _ in range(3)] == [True] * 3


def test_what_varies_must_only_be_readable() -> None:
    one = answer(varies=True)
    assert one.problem(200, JSON, b"[7]") is None
    assert one.problem(200, JSON, b"[7") == "cannot be read: JSONDecodeError"


@pytest.mark.parametrize(
    ("one", "other"),
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
def test_the_same(one: Any, other: Any) -> None:
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 2), (0, None), ("", 0), ({"a": 1}, {"b": 1}), ([1], [1, 2]), ([1], {"0": 1}), ("a", "b")],
)
def test_not_the_same(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize(
    "form",
    [Format.CSV, Format.JSON, Format.XLSX, Format.XML, Format.PARQUET, Format.ARROW, Format.TSV],
)
def test_tables_of_every_format_are_read_as_json_has_them(form: Format) -> None:
    table = pd.DataFrame({"a": [1.5, float("nan")], "name": ["x", "ю"]})
    codec = find(Kind.TABLE, form)
    assert codec is not None
    records = [{"a": 1.5, "name": "x"}, {"a": None, "name": "ю"}]
    assert same(reader(Kind.TABLE, form)(codec.encode(table, {})), records)


@pytest.mark.parametrize("form", [Format.PNG, Format.JPEG, Format.JSON])
def test_pictures_are_compared_by_size(form: Format) -> None:
    codec = find(Kind.IMAGE, form)
    assert codec is not None
    content = codec.encode(np.zeros((3, 5, 3), dtype=np.uint8), {})
    assert reader(Kind.IMAGE, form)(content) == [3, 5, 3]


def test_scalars_are_read_out_of_their_envelope() -> None:
    assert reader(Kind.SCALAR, Format.JSON)(b'{"result": 7}') == 7
    assert same(reader(Kind.SCALAR, Format.TEXT)(b"7"), 7)
    assert reader(None, Format.JSON)(b'{"result": 7, "more": 1}') == {"result": 7, "more": 1}

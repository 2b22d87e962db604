"""Texts in the charset that their Content-Type names."""

import io
from typing import Any

import pytest
from error_shape import assert_problem
from flask.testing import FlaskClient

from mmf_core.web.http.charsets import to_utf8

TEXT = "имя\nЁжик\n"
ROWS = [{"имя": "Ёжик"}]


def post(client: FlaskClient, body: bytes, media_type: str, route: str = "records") -> Any:
    return client.post(f"/{route}", data=body, content_type=media_type)


@pytest.mark.parametrize(
    "charset",
    [
        *("utf-8", "UTF8", "windows-1251", "CP1251", "koi8-r", "koi8-u", "iso-8859-5", "ibm866"),
        *("utf-16", "utf-16le", "utf-16be", "utf-32", "gb18030", '"windows-1251"', "Windows-1251"),
    ],
)
def test_a_csv_is_read_in_its_charset(client: FlaskClient, charset: str) -> None:
    body = TEXT.encode(charset.strip('"'))
    assert post(client, body, f"text/csv; charset={charset}").get_json() == ROWS


def test_a_text_is_read_in_its_charset(client: FlaskClient) -> None:
    answer = post(client, "ёж".encode("cp1251"), "text/plain; charset=windows-1251", "shout")
    assert answer.get_json() == {"result": "ЁЖ"}


@pytest.mark.parametrize("charset", ["utf-16", "utf-16le", "utf-8", "us-ascii"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(client: FlaskClient, charset: str) -> None:
    body = "\ufeffa\n1\n".encode("utf-8" if charset == "us-ascii" else charset)
    assert post(client, body, f"text/csv; charset={charset}").get_json() == [{"a": 1}]


def test_a_file_in_a_form_has_a_charset_of_its_own(client: FlaskClient) -> None:
    file = (io.BytesIO(TEXT.encode("cp1251")), "a.csv", "text/csv; charset=windows-1251")
    assert client.post("/records", data={"data": file}).get_json() == ROWS


def test_json_is_utf8_whatever_it_says(client: FlaskClient) -> None:
    kind = "application/json; charset=windows-1251"
    assert post(client, '[{"имя": "Ёжик"}]'.encode(), kind).get_json() == ROWS
    assert_problem(post(client, '["Ёжик"]'.encode("cp1251"), kind), 400, "JSON")


@pytest.mark.parametrize(
    "charset",
    [
        *("klingon", "x" * 5_000, "base64", "rot13", "zip", "hex", "idna", "punycode", "undefined"),
        *("unicode_escape", "aliases", "os", "../os", "encodings.utf_8"),
    ],
)
def test_an_unknown_charset_is_reported(client: FlaskClient, charset: str) -> None:
    answer = post(client, b"a\n1\n", f"text/csv; charset={charset}")
    assert_problem(answer, 415, "charset", "utf-8")
    assert "Accept-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (b"a\n\x98\n", "windows-1251"),
        (b"abc", "utf-16"),
        (b"\xd8\x00", "utf-16be"),
        (b"+2AA-", "utf-7"),
    ],
)
def test_a_text_in_another_charset_is_reported(
    body: bytes, charset: str, client: FlaskClient
) -> None:
    assert_problem(post(client, body, f"text/csv; charset={charset}"), 400, charset)


def test_utf8_is_not_copied() -> None:
    data = TEXT.encode()
    assert to_utf8(data, "utf-8") is data

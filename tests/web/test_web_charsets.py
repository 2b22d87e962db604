"""Texts in the charset of their Content-Type."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

import mmf_core as mmf
from error_shape import assert_problem
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
def test_csv_uses_its_charset(client: FlaskClient, charset: str) -> None:
    body = TEXT.encode(charset.strip('"'))
    assert post(client, body, f"text/csv; charset={charset}").get_json() == ROWS


def test_charset_takes_precedence_over_declared_encoding(
    serve_function: Callable[..., FlaskClient],
) -> None:
    table = mmf.DataFrame(pandas_params={"encoding": "cp1251"})

    def names(data: Any = table) -> Any:
        return list(data)

    client = serve_function(names, returns=mmf.JsonFile())
    for charset, media_type in (("koi8-r", "text/csv; charset=koi8-r"), ("cp1251", "text/csv")):
        assert post(client, TEXT.encode(charset), media_type, "names").get_json() == ["имя"]


def test_text_uses_its_charset(client: FlaskClient) -> None:
    response = post(client, "ёж".encode("cp1251"), "text/plain; charset=windows-1251", "shout")
    assert response.get_json() == {"result": "ЁЖ"}


@pytest.mark.parametrize("charset", ["utf-16", "utf-16le", "utf-8", "us-ascii"])
def test_byte_order_mark_is_skipped(client: FlaskClient, charset: str) -> None:
    body = "\ufeffa\n1\n".encode("utf-8" if charset == "us-ascii" else charset)
    assert post(client, body, f"text/csv; charset={charset}").get_json() == [{"a": 1}]


def test_form_file_has_its_own_charset(client: FlaskClient) -> None:
    file = (io.BytesIO(TEXT.encode("cp1251")), "a.csv", "text/csv; charset=windows-1251")
    assert client.post("/records", data={"data": file}).get_json() == ROWS


def test_form_file_is_not_decoded_in_another_charset(client: FlaskClient) -> None:
    file = (io.BytesIO(TEXT.encode("cp1251")), "a.csv", "text/csv; charset=utf-8")
    assert_problem(client.post("/records", data={"data": file}), 400, "utf-8")


def test_json_is_always_utf_8(client: FlaskClient) -> None:
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
def test_rejects_unknown_charset(client: FlaskClient, charset: str) -> None:
    response = post(client, b"a\n1\n", f"text/csv; charset={charset}")
    assert_problem(response, 415, "charset", "utf-8")
    assert "Accept-Encoding" not in response.headers


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (b"a\n\x98\n", "windows-1251"),
        (b"abc", "utf-16"),
        (b"\xd8\x00", "utf-16be"),
        (b"+2AA-", "utf-7"),
        ("a\nMüller\n".encode("latin-1"), "utf-8"),  # without a charset: windows-1251
        ("a\nMüller\n".encode("latin-1"), "us-ascii"),
        ("a\nMüller\n".encode("utf-16"), "utf-8"),
    ],
)
def test_rejects_text_in_another_charset(body: bytes, charset: str, client: FlaskClient) -> None:
    assert_problem(post(client, body, f"text/csv; charset={charset}"), 400, charset)


def test_utf_8_is_not_copied() -> None:
    data = TEXT.encode()
    assert to_utf8(data, "utf-8") is data


MULTIPART, FIELDS = "multipart/form-data; boundary=b", "application/x-www-form-urlencoded"


def form(*parts: tuple[str, bytes]) -> bytes:
    """Write a form of parts, each of headers after `Content-Disposition: form-data; `."""
    written = (
        b"--b\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (headers.encode(), value)
        for headers, value in parts
    )
    return b"".join(written) + b"--b--\r\n"


WINDOWS = 'name="text"\r\nContent-Type: text/plain; charset=windows-1251'
HEDGEHOG = "ёж".encode("cp1251")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (form((WINDOWS, HEDGEHOG)), MULTIPART),
        (form(('name="_charset_"', b"windows-1251"), ('name="text"', HEDGEHOG)), MULTIPART),
        (form(('name="text"', HEDGEHOG), ('name="_charset_"', b"windows-1251")), MULTIPART),
        (form(('name="_charset_"', b"koi8-r"), (WINDOWS, HEDGEHOG)), MULTIPART),
        (form(('name="text"', "ёж".encode())), MULTIPART),
        (b"text=%B8%E6", f"{FIELDS}; charset=windows-1251"),
        (b"text=" + HEDGEHOG, f"{FIELDS}; charset=windows-1251"),
        (b"_charset_=windows-1251&text=%B8%E6", FIELDS),
        (b"text=%D1%91%D0%B6", FIELDS),
        (b"text=" + "ёж".encode(), FIELDS),
    ],
)
def test_form_field_uses_its_charset(client: FlaskClient, body: bytes, media_type: str) -> None:
    assert post(client, body, media_type, "shout").get_json() == {"result": "ЁЖ"}


def test_field_name_uses_the_form_charset(client: FlaskClient) -> None:
    body = b"_charset_=windows-1251&%F2%E0%E1%EB%E8%F6%E0=[]"
    response = post(client, body, FIELDS, "shout")
    assert_problem(response, 422, "таблица")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (form(('name="text"', b"\xff")), MULTIPART),
        (form(('name="text"', "ёж".encode()[:-1])), MULTIPART),
        (form((WINDOWS, b"\x98")), MULTIPART),
        (form(('name="_charset_"', b"utf-16"), ('name="text"', b"odd")), MULTIPART),
        (form(("name*=UTF-8''%ff", b"1")), MULTIPART),
        (b"text=%FF", FIELDS),
        (b"text=\xff", FIELDS),
        (b"%FF=1", FIELDS),
        (b"text=%ED%A0%80", FIELDS),  # a surrogate
    ],
)
def test_rejects_undecodable_field(client: FlaskClient, body: bytes, media_type: str) -> None:
    assert_problem(post(client, body, media_type, "shout"), 400)


def test_rejects_field_with_unknown_charset(client: FlaskClient) -> None:
    body = form(('name="_charset_"', b"klingon"), ('name="text"', b"1"))
    assert_problem(post(client, body, MULTIPART, "shout"), 415, "klingon", "utf-8")


def test_replacement_character_is_accepted(client: FlaskClient) -> None:
    body = form(('name="text"', "\ufffd".encode()))
    assert post(client, body, MULTIPART, "shout").get_json() == {"result": "\ufffd"}


@pytest.mark.parametrize(
    "query", ["text=%FF", "text=\xff", "%FF=1", "format=%FF", "errors=%FF", "sheet=%FF"]
)
def test_rejects_query_string_that_is_not_utf_8(client: FlaskClient, query: str) -> None:
    response = client.post("/shout", environ_overrides={"QUERY_STRING": query})
    assert_problem(response, 400, "query string", "UTF-8")


@pytest.mark.parametrize("disposition", ['filename="ёж.txt"', "filename*=UTF-8''%D1%91%D0%B6.txt"])
def test_file_name_is_utf_8(client: FlaskClient, disposition: str) -> None:
    body = form((f'name="file"; {disposition}', b""))
    assert (
        post(client, body, MULTIPART, "copied")
        .headers["Content-Disposition"]
        .endswith("filename*=UTF-8''%D1%91%D0%B6.txt")
    )
    raw = f"attachment; {disposition}".encode().decode("latin-1")  # as PEP 3333 passes it on
    response = client.post(
        "/copied",
        data=b"1",
        content_type="application/octet-stream",
        environ_overrides={"HTTP_CONTENT_DISPOSITION": raw},
    )
    assert response.headers["Content-Disposition"].endswith("filename*=UTF-8''%D1%91%D0%B6.txt")


@pytest.mark.parametrize(
    "disposition",
    ["filename*=UTF-8''%FF.txt", "filename*=windows-1251''%FF.txt", 'filename="\xff.txt"'],
)
def test_rejects_file_name_that_is_not_utf_8(client: FlaskClient, disposition: str) -> None:
    body = form((f'name="file"; {disposition}', b"")).replace("\xff".encode(), b"\xff")
    assert_problem(post(client, body, MULTIPART, "copied"), 400)
    response = client.post(
        "/copied",
        data=b"1",
        content_type="application/octet-stream",
        environ_overrides={"HTTP_CONTENT_DISPOSITION": f"attachment; {disposition}"},
    )
    assert_problem(response, 400, "Content-Disposition")

"""Compressed request and response bodies."""

import gzip
import io
import json
import tracemalloc
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from flask import Response, request
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.errors import BodyTooLarge, RequestError
from mmf_core.settings import MIB
from mmf_core.web import create_app
from mmf_core.web.http import content_encoding
from mmf_core.web.http.content_encoding import MAX_MEMBERS, decompress, parse_content_encoding

CSV = b"a\n1.5\n2.5\n"
ROWS = [{"a": 1.5}, {"a": 2.5}]
zstd = content_encoding.zstd_module()
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}
DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "zstd": zstd.decompress}
MANY = [{"a": float(place)} for place in range(1_000)]
each_coding = pytest.mark.parametrize("coding", COMPRESS)


def compressed(data: bytes, codings: str) -> bytes:
    for coding in codings.split(", "):
        data = COMPRESS.get(coding, bytes)(data)
    return data


def post(client: FlaskClient, body: bytes, coding: str, route: str = "strict") -> Any:
    headers = {"Content-Type": "text/csv", "Content-Encoding": coding}
    return client.post(f"/{route}", data=body, headers=headers)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, registry: mmf.Registry) -> FlaskClient:
    """Return a client of a service with a limit of one MiB."""
    monkeypatch.setenv("MMF_MAX_BODY_MIB", "1")
    file = mmf.File()

    @registry.target(returns=mmf.Integer())
    def size(file: Any = file) -> int:
        return len(file)

    return create_app(registry).test_client()


# Bodies


@pytest.mark.parametrize(
    "codings",
    [
        *("gzip", "deflate", "zstd", "identity", "identity, gzip", "gzip, identity"),
        *("gzip, deflate", "deflate, gzip", "zstd, gzip", "gzip, gzip, gzip"),
    ],
)
def test_compressed_body_is_decoded(client: FlaskClient, codings: str) -> None:
    assert post(client, compressed(CSV, codings), codings).get_json() == ROWS


@pytest.mark.parametrize("name", ["GZIP", "x-gzip", " gzip ", ",gzip,", "Identity,GZip"])
def test_coding_name_variants(client: FlaskClient, name: str) -> None:
    assert post(client, gzip.compress(CSV), name).get_json() == ROWS


@each_coding
def test_chunked_body_is_decompressed(client: FlaskClient, coding: str) -> None:
    response = client.post(
        "/strict",
        input_stream=io.BytesIO(compressed(CSV, coding)),
        headers={"Content-Type": "text/csv", "Content-Encoding": coding},
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert response.get_json() == ROWS


@given(data=st.binary(max_size=200_000), coding=st.sampled_from([*COMPRESS]))
def test_compression_round_trip(data: bytes, coding: str) -> None:
    assert decompress(compressed(data, coding), parse_content_encoding(coding), len(data)) == data


@given(
    parts=st.lists(st.integers(0, 3).map(lambda power: b"x" * (64 * 1024 - 1 + power)), max_size=5),
    coding=st.sampled_from([*COMPRESS]),
)
def test_concatenated_members_are_one_body(parts: list[bytes], coding: str) -> None:
    """As created by `cat a.gz b.gz`."""
    body = b"".join(map(COMPRESS[coding], parts)) or COMPRESS[coding](b"")
    assert decompress(body, parse_content_encoding(coding), 10 * MIB) == b"".join(parts)


@given(data=st.binary(max_size=300), coding=st.sampled_from([*COMPRESS]))
def test_invalid_compressed_bytes_raise_request_error(data: bytes, coding: str) -> None:
    try:
        decompress(data, parse_content_encoding(coding), MIB)
    except RequestError:
        return
    assert data.startswith((b"\x78", b"\x1f\x8b")) or b"\x28\xb5\x2f\xfd" in data or b"\x18" in data


@each_coding
@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body[:-1],
        lambda body: body[: len(body) // 2],
        lambda body: body[:2],
        lambda body: body + b"rubbish",
        lambda body: body + body[:3],
        lambda body: b"\x00" + body,
        lambda _: CSV,
    ],
    ids=["one short", "half", "a start", "rubbish after", "a second start", "before", "plain"],
)
def test_rejects_corrupted_stream(
    client: FlaskClient, coding: str, spoil: Callable[[bytes], bytes]
) -> None:
    assert_problem(post(client, spoil(compressed(CSV, coding)), coding), 400, coding)


def test_rejects_invalid_checksum(client: FlaskClient) -> None:
    body = bytearray(gzip.compress(CSV))
    body[-6] ^= 1
    assert_problem(post(client, bytes(body), "gzip"), 400, "not valid gzip")


def test_rejects_codings_in_the_wrong_order(client: FlaskClient) -> None:
    assert_problem(post(client, compressed(CSV, "gzip, zstd"), "zstd, gzip"), 400, "not valid gzip")


@pytest.mark.parametrize("coding", ["br", "compress", "gzip, br", "gzip;q=1", "*", "a b"])
def test_unknown_coding_error_lists_known_ones(client: FlaskClient, coding: str) -> None:
    response = post(client, gzip.compress(CSV), coding)
    assert_problem(response, 415, "Content-Encoding", "gzip, deflate, zstd")
    assert response.headers["Accept-Encoding"] == "gzip, deflate, zstd"


def test_another_415_does_not_list_codings(client: FlaskClient) -> None:
    response = client.post("/strict", data=b"x", content_type="image/png")
    assert_problem(response, 415)
    assert "Accept-Encoding" not in response.headers


def test_rejects_too_many_codings(client: FlaskClient) -> None:
    response = post(client, CSV, ", ".join(["gzip"] * 500))
    assert_problem(response, 400, "at most 3 content codings", "500")


def test_compressed_empty_body_is_empty(client: FlaskClient) -> None:
    assert_problem(post(client, b"", "gzip"), 400, "no body")
    assert_problem(post(client, gzip.compress(b""), "gzip"), 400, "no body")


def test_missing_zstd_names_the_pip_command(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    content_encoding._codings.cache_clear()
    monkeypatch.setattr(content_encoding, "zstd_module", lambda: None)
    try:
        response = post(client, compressed(CSV, "zstd"), "zstd")
        assert_problem(response, 415, "pip install backports.zstd")
        assert response.headers["Accept-Encoding"] == "gzip, deflate"
    finally:
        content_encoding._codings.cache_clear()


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_form_is_decompressed(client: FlaskClient, coding: str) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="data"; filename="a.csv"\r\n\r\na\n1\r\n'
        b'--b\r\nContent-Disposition: form-data; name="label"\r\n\r\nx\r\n--b--\r\n'
    )
    response = client.post(
        "/labelled",
        data=compressed(form, coding),
        headers={"Content-Type": "multipart/form-data; boundary=b", "Content-Encoding": coding},
    )
    assert response.get_json() == {"rows": [{"a": 1}], "label": "x", "times": 1}


@pytest.mark.parametrize(
    "body", [gzip.compress(b"no form"), b"no gzip"], ids=["no form", "no gzip"]
)
def test_rejects_corrupted_form(client: FlaskClient, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Encoding": "gzip"}
    assert_problem(client.post("/greet", data=body, headers=headers), 400, "the ")


@pytest.mark.parametrize("media_type", ["text/csv", "application/x-www-form-urlencoded"])
def test_body_read_by_a_hook_is_decompressed(everything: mmf.Registry, media_type: str) -> None:
    app = create_app(everything)

    @app.before_request
    def look() -> None:
        request.get_data()

    is_form = "form" in media_type
    response = app.test_client().post(
        "/greet" if is_form else "/strict",
        data=gzip.compress(b"who=you" if is_form else CSV),
        headers={"Content-Type": media_type, "Content-Encoding": "gzip"},
    )
    assert response.get_json() == ({"result": "you"} if is_form else ROWS)


@pytest.mark.parametrize("missing", [1, 7, 1_000])
def test_rejects_truncated_compressed_body(client: FlaskClient, missing: int) -> None:
    body = gzip.compress(CSV)
    response = client.post(
        "/strict",
        data=body,
        headers={"Content-Type": "text/csv", "Content-Encoding": "gzip"},
        environ_overrides={
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": str(len(body) + missing),
        },
    )
    assert_problem(response, 400, f"{len(body)} of the {len(body) + missing} bytes")


# Bombs


def bomb(coding: str, megabytes: int = 300) -> bytes:
    """Compress zeros without allocating them: a third of a gigabyte in half a megabyte."""
    if coding == "zstd":
        frame = zstd.compress(bytes(MIB))
        return frame * megabytes
    packer = zlib.compressobj(9, zlib.DEFLATED, 31 if coding == "gzip" else 15)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(megabytes)) + packer.flush()


@pytest.mark.parametrize("coding", [*COMPRESS, "gzip, gzip", "zstd, gzip"])
def test_rejects_bomb_before_using_memory(small: FlaskClient, coding: str) -> None:
    first, _, second = coding.partition(", ")
    body = compressed(bomb(first), second)
    headers = {"Content-Encoding": coding, "Content-Type": "application/octet-stream"}
    tracemalloc.start()
    try:
        response = small.post("/size", data=body, headers=headers)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert_problem(response, 413, "1 MiB", "decompresses", "MMF_MAX_BODY_MIB")
    assert peak < 3 * MIB  # including one for the body itself


def test_rejects_bomb_in_a_form(small: FlaskClient) -> None:
    start = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    body = gzip.compress(start) + bomb("gzip", 20) + gzip.compress(b"\r\n--b--\r\n")
    headers = {"Content-Encoding": "gzip", "Content-Type": "multipart/form-data; boundary=b"}
    assert_problem(small.post("/size", data=body, headers=headers), 413, "decompresses")


@each_coding
def test_limit_applies_to_the_decompressed_body(small: FlaskClient, coding: str) -> None:
    def size(length: int) -> Any:
        headers = {"Content-Encoding": coding, "Content-Type": "application/octet-stream"}
        return small.post("/size", data=compressed(bytes(length), coding), headers=headers)

    assert size(MIB).get_json() == {"result": MIB}
    assert_problem(size(MIB + 1), 413, "1 MiB")


def test_limit_applies_to_the_compressed_body_too(small: FlaskClient) -> None:
    body = gzip.compress(Random(0).randbytes(MIB))
    assert len(body) > MIB
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/octet-stream"}
    assert_problem(small.post("/size", data=body, headers=headers), 413, "exceeds 1 MiB")


@pytest.mark.parametrize(
    "member", [gzip.compress(b""), b"\x50\x2a\x4d\x18\0\0\0\0"], ids=["gzip", "zstd"]
)
def test_number_of_members_is_limited(member: bytes) -> None:
    codings = parse_content_encoding("gzip" if member.startswith(b"\x1f") else "zstd")
    assert decompress(member * MAX_MEMBERS, codings, MIB) == b""
    with pytest.raises(RequestError, match="members"):
        decompress(member * (MAX_MEMBERS + 1), codings, MIB)


def test_zstd_window_is_limited_to_8_mib() -> None:
    wide = {
        zstd.CompressionParameter.window_log: 27,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
    }
    packer = zstd.ZstdCompressor(options=wide)
    body = packer.compress(bytes(MIB)) + packer.flush()
    with pytest.raises(RequestError, match="not valid zstd"):
        decompress(body, parse_content_encoding("zstd"), 10 * MIB)


def test_each_coding_is_limited() -> None:
    inner = bytes(3 * MIB)  # gzip compresses it well twice
    with pytest.raises(BodyTooLarge):
        decompress(compressed(inner, "gzip"), parse_content_encoding("gzip, gzip"), MIB)


# Responses


def call(client: FlaskClient, accept: str | None, route: str = "records", rows: Any = MANY) -> Any:
    headers = {} if accept is None else {"Accept-Encoding": accept}
    return client.post(f"/{route}", json=rows, headers=headers)


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate, br", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.5, gzip", "gzip"),
        ("zstd;q=0, gzip;q=0.1", "gzip"),
        ("GZip", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, *;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0, *;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("identity;q=0", None),
        ("deflate", None),
        ("br", None),
        ("", None),
        (None, None),
        ("gzip;q=high", None),
        (";;,=,", None),
    ],
)
def test_large_response_is_compressed_as_requested(
    client: FlaskClient, accept: str | None, coding: str | None
) -> None:
    response = call(client, accept)
    assert response.headers.get("Content-Encoding") == coding
    assert "Accept-Encoding" in response.vary
    assert response.headers.getlist("Content-Length") == [str(len(response.data))]
    plain = DECOMPRESS[coding](response.data) if coding else response.data
    assert plain == call(client, None).data
    assert not coding or len(response.data) < len(plain) / 3


@pytest.mark.parametrize("accept", ["gzip, zstd", "gzip, identity;q=0", "*"])
def test_small_response_is_not_compressed(client: FlaskClient, accept: str) -> None:
    response = call(client, accept, rows=ROWS)
    assert response.get_json() == ROWS
    assert "Content-Encoding" not in response.headers
    assert "Accept-Encoding" not in response.vary


def test_workbook_is_not_compressed_again(client: FlaskClient) -> None:
    response = call(client, "gzip", "sheet")
    assert len(response.data) > content_encoding.SMALLEST
    assert "Content-Encoding" not in response.headers
    assert "Accept-Encoding" not in response.vary


def test_incompressible_responses_are_not_compressed(everything: mmf.Registry) -> None:
    noise = Random(0).randbytes(2_000)
    with create_app(everything).test_request_context(headers={"Accept-Encoding": "gzip"}):
        response = content_encoding.compress(Response(noise, content_type="text/plain"))
    assert response.data == noise
    assert response.headers.to_wsgi_list() == [
        ("Content-Type", "text/plain"),
        ("Content-Length", "2000"),
        ("Vary", "Accept-Encoding"),
    ]


@pytest.mark.parametrize(
    ("media_type", "is_text"),
    [
        *[
            (media_type, True)
            for media_type in ("text/csv; charset=utf-8", "text/html", "application/json")
        ],
        *[
            (media_type, True)
            for media_type in ("application/problem+json", "application/xml", "image/svg+xml")
        ],
        *[(media_type, True) for media_type in ("application/x-ndjson", "application/yaml")],
        *[(form.media_type, False) for form in (mmf.XLSX, mmf.PARQUET, mmf.Format.PNG)],
        *[(media_type, False) for media_type in ("image/jpeg", "image/webp", "application/zip")],
        *[
            (media_type, False)
            for media_type in ("application/octet-stream", "application/x-npy", "")
        ],
    ],
)
def test_only_texts_are_compressed(
    everything: mmf.Registry, media_type: str, *, is_text: bool
) -> None:
    with create_app(everything).test_request_context(headers={"Accept-Encoding": "gzip"}):
        response = content_encoding.compress(Response(b"x" * 2_000, content_type=media_type))
    assert ("Content-Encoding" in response.headers) is is_text


def test_precompressed_and_streamed_responses_are_unchanged(
    everything: mmf.Registry,
) -> None:
    app = create_app(everything)
    own = {"Content-Encoding": "br", "Content-Type": "text/plain"}
    app.add_url_rule("/own", "own", view_func=lambda: Response(b"x" * 2_000, headers=own))
    app.add_url_rule("/streamed", "streamed", view_func=lambda: (b"x" * 2_000 for _ in range(3)))
    client = app.test_client()
    for path, length, coding in (("/own", 2_000, "br"), ("/streamed", 6_000, None)):
        response = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert (len(response.data), response.headers.get("Content-Encoding")) == (length, coding)


@pytest.mark.parametrize("accept", ["gzip", "zstd", "identity"])
def test_head_has_the_headers_of_get(registry: mmf.Registry, accept: str) -> None:
    @registry.target(description="x" * 2_000)
    def much() -> None:
        pass

    client = create_app(registry).test_client()
    get, head = (
        client.open("/much", method=method, headers={"Accept-Encoding": accept})
        for method in ("GET", "HEAD")
    )
    assert head.data == b""
    for name in ("Content-Length", "Content-Encoding", "Vary", "Content-Type"):
        assert head.headers.get(name) == get.headers.get(name)
    assert get.headers["Vary"] == "Accept-Encoding"


def test_long_problem_is_compressed(client: FlaskClient) -> None:
    response = call(client, "gzip", "strict", [{"a": "x" * 90}] * 30)
    assert (response.status_code, response.headers["Content-Encoding"]) == (422, "gzip")
    assert len(json.loads(gzip.decompress(response.data))["errors"]) == 20


def test_compressed_file_keeps_its_name(client: FlaskClient) -> None:
    response = call(client, "gzip", "table")
    assert "table.csv" in response.headers["Content-Disposition"]
    assert gzip.decompress(response.data).startswith(b"a\n0.0\n1.0\n")


# Vary


@pytest.mark.parametrize(
    ("path", "vary"), [("/records", "Accept"), ("/records?format=csv", None), ("/forget", None)]
)
def test_vary_lists_accept_only_if_used(client: FlaskClient, path: str, vary: str | None) -> None:
    response = client.post(path, json="x" if path == "/forget" else ROWS)
    assert response.headers.get("Vary") == vary


def test_vary_lists_both_headers(client: FlaskClient) -> None:
    assert set(call(client, "gzip").vary) == {"Accept", "Accept-Encoding"}

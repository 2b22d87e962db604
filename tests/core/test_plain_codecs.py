"""The small codecs: arrays, JSON values, scalars and files, and how codecs are looked up."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmf_core import codecs
from mmf_core.codecs import Format, JSONCodec, Kind, find, formats, json_of
from mmf_core.errors import InvalidValue, MissingPackage, RequestError

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def _codec(kind: Kind, form: Format) -> codecs.Codec[Any]:
    codec = find(kind, form)
    assert codec is not None
    return codec


ARRAY = _codec(Kind.ARRAY, Format.JSON)
TEXT = _codec(Kind.SCALAR, Format.TEXT)
FILE_IN_JSON = _codec(Kind.FILE, Format.JSON)


@pytest.mark.parametrize(
    ("kind", "core"),
    [
        (Kind.TABLE, {Format.CSV, Format.JSON, Format.XLSX}),
        (Kind.ARRAY, {Format.JSON}),
        (Kind.JSON, {Format.JSON}),
        (Kind.IMAGE, {Format.PNG, Format.JPEG, Format.JSON}),
        (Kind.SCALAR, {Format.JSON, Format.TEXT}),
        (Kind.FILE, {Format.BINARY, Format.JSON}),
    ],
)
def test_core_formats_of_each_kind(kind: Kind, core: set[Format]) -> None:
    assert core <= set(formats(kind))


@pytest.mark.parametrize("kind", Kind)
def test_codecs_are_found_by_kind_and_format(kind: Kind) -> None:
    for form in formats(kind):
        codec = _codec(kind, form)
        assert (codec.kind, codec.format) == (kind, form)


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.STREAM}, key=str))
def test_every_kind_has_a_json_codec(kind: Kind) -> None:
    assert isinstance(json_of(kind), JSONCodec)


def test_find_returns_none_for_unsupported_formats() -> None:
    assert find(Kind.SCALAR, Format.XLSX) is None


@pytest.mark.parametrize(
    ("kind", "form", "module", "package"),
    [
        (Kind.TABLE, Format.CSV, "pandas", "pandas"),
        (Kind.TABLE, Format.JSON, "pandas", "pandas"),
        (Kind.TABLE, Format.XLSX, "python_calamine", "python-calamine"),
        (Kind.ARRAY, Format.JSON, "numpy", "numpy"),
        (Kind.IMAGE, Format.PNG, "PIL", "pillow"),
        (Kind.IMAGE, Format.JPEG, "PIL", "pillow"),
        (Kind.IMAGE, Format.JSON, "PIL", "pillow"),
    ],
)
def test_missing_library_names_the_pip_command(
    kind: Kind, form: Format, module: str, package: str, without: Callable[..., None]
) -> None:
    without(module)
    assert form not in formats(kind)
    with pytest.raises(MissingPackage, match=f"{form.name}.*pip install {package}$"):
        find(kind, form)


def test_preload_skips_missing_packages(without: Callable[..., None]) -> None:
    without("pandas", "openpyxl", "PIL")
    for kind in Kind:
        codecs.preload(kind)


@settings(deadline=None)
@given(st.lists(st.lists(FINITE, min_size=3, max_size=3), min_size=1, max_size=10))
def test_arrays_round_trip(rows: list[list[float]]) -> None:
    array = np.array(rows)
    assert np.array_equal(ARRAY.decode(ARRAY.encode(array, {}), {}), array)


@pytest.mark.parametrize(
    ("data", "array"),
    [
        (b"[1, 2]", np.array([1, 2])),
        (b"[[1.5, null]]", np.array([[1.5, np.nan]])),
        (b"[true, false]", np.array([True, False])),
        (b"[]", np.array([], dtype=float)),
    ],
)
def test_nested_lists_are_read_as_arrays(data: bytes, array: np.ndarray) -> None:
    decoded = ARRAY.decode(data, {})
    assert decoded.dtype.kind == array.dtype.kind
    assert np.array_equal(decoded, array, equal_nan=array.dtype.kind == "f")


@pytest.mark.parametrize(
    "data",
    [
        b"5",
        b"{}",
        b"null",
        b'"text"',
        b'["1"]',
        b'["1", null]',
        b"[[1], [2, 3]]",
        b"[1, [2]]",
        b"[{}]",
        b"[" * 70 + b"]" * 70,
    ],
)
def test_rejects_other_values_as_arrays(data: bytes) -> None:
    with pytest.raises(InvalidValue):
        ARRAY.decode(data, {})


@pytest.mark.parametrize(
    ("array", "data"),
    [
        (np.array([[1, 2], [3, 4]]).T, b"[[1,3],[2,4]]"),
        (np.array([np.nan, np.inf]), b"[null,null]"),
        (np.array(2.5), b"2.5"),
        (np.array([True]), b"[true]"),
    ],
)
def test_arrays_are_written_in_rows(array: np.ndarray, data: bytes) -> None:
    assert ARRAY.encode(array, {}) == data


def test_trees_are_plain_json() -> None:
    tree = _codec(Kind.JSON, Format.JSON)
    assert tree.decode(b'{"a":[1,null]}', {}) == {"a": [1, None]}
    assert tree.encode({"a": [1, float("nan")]}, {}) == b'{"a":[1,null]}'


@pytest.mark.parametrize("value", ["text", 1, 1.5, True, None])
def test_scalar_is_bare_in_requests_and_wrapped_in_responses(value: object) -> None:
    scalar = _codec(Kind.SCALAR, Format.JSON)
    assert isinstance(scalar, JSONCodec)
    bare = codecs.json.dumps(value)
    assert scalar.decode(bare, {}) == scalar.to_plain(value) == value
    assert scalar.encode(value, {}) == b'{"result":' + bare + b"}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ответ", "Ответ"),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (0.5, "0.5"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00+00:00"),
    ],
)
def test_scalar_as_text_is_bare(value: object, text: str) -> None:
    assert TEXT.encode(value, {}) == text.encode()
    assert TEXT.decode(text.encode(), {}) == text


def test_rejects_text_that_is_not_utf_8() -> None:
    with pytest.raises(RequestError, match="UTF-8"):
        TEXT.decode(b"\xff", {})


@given(st.binary())
def test_files_round_trip(data: bytes) -> None:
    binary = _codec(Kind.FILE, Format.BINARY)
    assert binary.decode(binary.encode(data, {}), {}) == data
    envelope = codecs.json.loads(FILE_IN_JSON.encode(data, {}))
    assert FILE_IN_JSON.decode(codecs.json.dumps(envelope["result"]), {}) == data


@pytest.mark.parametrize(
    "data", [b"5", b"null", b'"aG k="', b'"aGk"', b'"\xd0\xb9"', b'["aGk="]', b'"aGk=\\n"']
)
def test_rejects_invalid_base64(data: bytes) -> None:
    with pytest.raises(InvalidValue, match="base64"):
        FILE_IN_JSON.decode(data, {})


def test_files_use_standard_base64() -> None:
    assert FILE_IN_JSON.encode(b"hi", {}) == b'{"result":"' + b64encode(b"hi") + b'"}'


def test_codec_methods_must_be_implemented() -> None:
    bare: Any = codecs.Codec()
    for method, *values in ((bare.decode, b"", {}), (bare.encode, 1, {})):
        with pytest.raises(NotImplementedError):
            method(*values)

"""Formats: names, media types and extensions."""

from collections import Counter

import pytest

from mmf_core.codecs import Format

MEDIA_TYPES = {
    "CSV": "text/csv",
    "TSV": "text/tab-separated-values",
    "JSON": "application/json",
    "JSONL": "application/x-ndjson",
    "XLSX": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "XLS": "application/vnd.ms-excel",
    "ODS": "application/vnd.oasis.opendocument.spreadsheet",
    "XML": "application/xml",
    "PARQUET": "application/vnd.apache.parquet",
    "ARROW": "application/vnd.apache.arrow.stream",
    "FEATHER": "application/vnd.apache.arrow.file",
    "YAML": "application/yaml",
    "MSGPACK": "application/msgpack",
    "PROTOBUF": "application/x-protobuf",
    "NPY": "application/x-npy",
    "HTML": "text/html",
    "EVENTS": "text/event-stream",
    "TEXT": "text/plain",
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "BINARY": "application/octet-stream",
}


def test_media_types() -> None:
    assert {form.name: form.media_type for form in Format} == MEDIA_TYPES


@pytest.mark.parametrize("form", Format)
def test_aliases_resolve_to_their_format(form: Format) -> None:
    assert {Format.of_media_type(name) for name in form.media_types} == {form}
    assert {Format.of_extension(name) for name in form.extensions} == {form}
    assert form.extension == form.extensions[0]


def test_media_types_and_extensions_are_unique() -> None:
    names = Counter(name for form in Format for name in (*form.media_types, *form.extensions))
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize(
    ("extension", "form"),
    [
        (".XLSX", Format.XLSX),
        ("csv", Format.CSV),
        ("jpeg", Format.JPEG),
        ("exe", None),
        ("", None),
    ],
)
def test_extension_lookup_ignores_dot_and_case(extension: str, form: Format | None) -> None:
    assert Format.of_extension(extension) is form


@pytest.mark.parametrize(
    ("media_type", "form"),
    [
        ("TEXT/CSV", Format.CSV),
        ("application/csv", Format.CSV),
        ("text/xml", Format.XML),
        ("application/unheard-of", None),
        ("", None),
    ],
)
def test_media_type_lookup_ignores_case(media_type: str, form: Format | None) -> None:
    assert Format.of_media_type(media_type) is form


def test_jpg_is_an_alias_of_jpeg() -> None:
    assert Format.JPG is Format.JPEG

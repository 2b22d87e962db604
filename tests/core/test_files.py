"""File: bytes that know their name and media type."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mmf_core as mmf
from mmf_core.codecs import Format, Kind, find


@given(st.binary())
def test_file_equals_its_bytes(data: bytes) -> None:
    file = mmf.FileBytes(data, "a.bin", "image/png")
    assert file == data
    assert (file.name, file.media_type) == ("a.bin", "image/png")
    again = deepcopy(file)
    assert (again, again.name, again.media_type) == (data, "a.bin", "image/png")


def test_unknown_name_and_type_are_empty() -> None:
    for file in (mmf.FileBytes(), mmf.File().validate(b"")):
        assert (file, file.name, file.media_type) == (b"", "", "")


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("wines.csv", "wines.csv"),
        ("Вина 2026.csv", "Вина 2026.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\wines.csv", "wines.csv"),
        ("..", ""),
        ("a/..", ""),
        ("/", ""),
        (".profile", "profile"),
        ("wi\x00nes\r\n.csv", "wines.csv"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("\ud800.csv", "csv"),
        ("a" * 300 + ".csv", "a" * 236 + ".csv"),
        ("a" + "\N{WINE GLASS}" * 200 + ".csv", "\N{WINE GLASS}" * 59 + ".csv"),
    ],
)
def test_file_name_is_sanitized(sent: str, name: str) -> None:
    assert mmf.FileBytes(b"", sent).name == name


@given(st.text())
def test_file_name_cannot_traverse_paths(text: str) -> None:
    name = mmf.FileBytes(b"", text).name
    assert name.isprintable()
    assert not name.startswith(".")
    assert not set(name) & set("/\\")
    assert len(name.encode()) <= 240
    assert mmf.FileBytes(b"", name).name == name


@pytest.mark.parametrize("media_type", ["png", "image/", "image/png; q=1", "a/b\r\nX: y", "a/ж"])
def test_rejects_invalid_media_type_from_the_function(media_type: str) -> None:
    with pytest.raises(ValueError, match="media type"):
        mmf.FileBytes(b"", media_type=media_type)


def test_ignores_invalid_media_type_from_the_client() -> None:
    codec = find(Kind.FILE, Format.BINARY)
    assert codec is not None
    file = codec.decode(b"x", {"filename": "a/b", "media_type": "a b"})
    assert (file, file.name, file.media_type) == (b"x", "b", "")

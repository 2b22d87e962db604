"""Malicious servers, path traversal in lockfiles, and files that change between check and use."""

import errno
import io
import json
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from store_helpers import cached, checksum, lock

import mmf_core as mmf
from mmf_core.errors import ArtifactError, StoreError
from mmf_core.stores import Content, Version, cache, lockfile, over_http, store_for, transfer
from mmf_core.stores.digests import extract_tar

CONTENT = b"a model" * 100
OK = b"HTTP/1.1 200 OK\r\n"


def fetch(url: str, **expected: Any) -> Path:
    sum_and_size = {"sha256": checksum(CONTENT), "size": len(CONTENT), **expected}
    return store_for(url).fetch(url, Version(**sum_and_size), "model.bin")


ATTACKS = {
    "longer than declared in the lockfile": (
        OK + b"\r\n" + b"x" * 5_000_000,
        "more than the expected 700",
    ),
    "another length": (OK + b"Content-Length: 99\r\n\r\n" + CONTENT, "expected 700 bytes, got 99"),
    "no length": (OK + b"Content-Length: many\r\n\r\n" + CONTENT, "invalid Content-Length"),
    "a negative length": (OK + b"Content-Length: -7\r\n\r\n" + CONTENT, "invalid Content-Length"),
    "a length of many digits": (OK + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", "invalid"),
    "another range": (
        b"HTTP/1.1 206 A\r\nContent-Range: bytes 5-699/700\r\n\r\n" + CONTENT[5:],
        "requested byte 0, got 5",
    ),
    "no range": (OK + b"Content-Range: bytes of you\r\n\r\n" + CONTENT, "invalid Content-Range"),
    "other content": (OK + b"\r\n" + CONTENT[:-1] + b"?", "expected sha256"),
    "compressed": (OK + b"Content-Encoding: gzip\r\n\r\n" + CONTENT[:-1] + b"?", "expected sha256"),
    "not HTTP": (b"220 ready\r\n", "connection failed"),
    "an endless header": (OK + b"A: " + b"a" * 1_000_000, "connection failed"),
    "a local file": (
        b"HTTP/1.1 302 A\r\nLocation: file:///etc/passwd\r\n\r\n",
        "file:///etc/passwd' is not allowed",
    ),
    "FTP": (b"HTTP/1.1 302 A\r\nLocation: ftp://127.0.0.1/a\r\n\r\n", "redirected to ftp"),
    "the cloud's passwords": (
        b"HTTP/1.1 302 A\r\nLocation: http://169.254.169.254/latest/\r\n\r\n",
        "redirected to http://169.254.169.254",
    ),
    "itself": (b"HTTP/1.1 302 A\r\nLocation: /model.bin\r\n\r\n", "302"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_malicious_server_is_reported_and_leaves_nothing(
    attack: str, serve_bytes: Callable[[bytes], str], folder: Path
) -> None:
    response, reason = ATTACKS[attack]
    with pytest.raises(StoreError, match=reason):
        fetch(serve_bytes(response))
    assert [name for name in cached(folder) if not name.endswith(".part")] == []
    assert sum(file.stat().st_size for file in folder.parent.rglob("*.part")) <= len(CONTENT)


def test_endless_download_is_limited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Zeros(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            buffer[:] = bytes(len(buffer))
            return len(buffer)

    monkeypatch.setenv("MMF_MAX_CACHE_MIB", "3")
    target = folder.parent / "cache" / "a" / "model.bin"
    with pytest.raises(StoreError, match="more than the expected 3145728 bytes"):
        transfer.download(
            lambda *_: Content(io.BufferedReader(Zeros()), Version()), "s3://a/b", target, Version()
        )
    assert cached(folder) == []


def test_slow_server_is_given_up(
    serve_bytes: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "MIN_SPEED_AFTER", -1)
    monkeypatch.setattr(transfer, "MIN_SPEED", 1e9)
    with pytest.raises(StoreError, match="slower than"):
        fetch(serve_bytes(OK + b"\r\n" + CONTENT))


def test_rejects_host_name_of_a_metadata_address(
    serve_bytes: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address of the connection is checked, whatever its host name; nothing is sent there."""
    received: list[bytes] = []
    target = serve_bytes(OK + b"\r\nsecret", received)
    redirect = serve_bytes(b"HTTP/1.1 302 A\r\nLocation: " + target.encode() + b"\r\n\r\n")
    for url in (target, redirect):
        monkeypatch.setattr(over_http, "is_metadata_address", "127.0.0.1".__eq__)
        with pytest.raises(StoreError, match=r"has the address 127\.0\.0\.1, which is refused"):
            fetch(url.replace("127.0.0.1", "localhost"))
    assert [data for data in received if data] == []


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [
        *(("169.254.169.254", True), ("fe80::1%eth0", True), ("::ffff:169.254.1.1", True)),
        *(("fd00:ec2::254", True), ("100.100.100.200", True), ("127.0.0.1", False)),
        *(("10.0.0.1", False), ("::1", False), ("example.com", False), ("", False)),
    ],
)
def test_metadata_addresses(address: str, is_refused: bool) -> None:
    assert over_http.is_metadata_address(address) is is_refused


def test_slow_headers_are_given_up(
    serve_bytes: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte arrives within MMF_STORE_TIMEOUT, and they never end."""

    def drip() -> Iterator[bytes]:
        yield OK + b"A: "
        while True:
            time.sleep(0.05)
            yield b"a"

    monkeypatch.setattr(over_http, "HEADERS_TIMEOUT", 0.5)
    with pytest.raises(StoreError, match=r"the headers took longer than 0\.5 s"):
        fetch(serve_bytes(drip))


def test_redirect_between_web_servers_is_followed(serve_bytes: Callable[[bytes], str]) -> None:
    target = serve_bytes(OK + b"\r\n" + CONTENT)
    redirect = serve_bytes(b"HTTP/1.1 302 A\r\nLocation: " + target.encode() + b"\r\n\r\n")
    assert fetch(redirect).read_bytes() == CONTENT


@pytest.mark.parametrize("digest", ["../up", "a" * 63, "A" * 64, "", "g" * 64, f"{'a' * 64}\n"])
def test_rejects_invalid_checksum_as_cache_folder(digest: str) -> None:
    with pytest.raises(StoreError, match="expected a sha256"):
        cache.path_of(digest, "model.bin")


@pytest.mark.parametrize("name", ["..", ".", "", "../a", "/a", "a\\b", "a\0"])
def test_rejects_invalid_name_as_cache_file(name: str) -> None:
    with pytest.raises(StoreError, match="expected a file name"):
        cache.path_of("a" * 64, name)


@pytest.mark.parametrize("path", ["%2e%2e", "..%2f..%2fup", "a%2fb", "a%00"])
def test_url_cannot_traverse_out_of_the_cache(
    path: str, serve_bytes: Callable[[bytes], str]
) -> None:
    url = serve_bytes(OK + b"\r\n" + CONTENT).replace("model.bin", path)
    with pytest.raises(StoreError, match="expected a file name"):
        mmf.Registry().artifact(url, sha256=checksum(CONTENT)).verify()


def test_server_checksum_cannot_traverse_out_of_the_cache() -> None:
    class Lying(type(store_for("file:///a"))):  # type: ignore[misc]
        def stat(self, uri: str, version: str = "") -> Version:
            return Version(sha256="../../up")

    with pytest.raises(StoreError, match="expected a sha256"):
        Lying().fetch("file:///model.bin", Version(), "model.bin")


@pytest.mark.parametrize("digest", ["../up", "", "A" * 64])
def test_rejects_lockfile_with_invalid_checksum(digest: str) -> None:
    lockfile.LOCK.write_text(json.dumps({"model.bin": {"sha256": digest, "size": 1}}))
    with pytest.raises(ArtifactError, match="sha256: expected 64 hexadecimal digits"):
        lockfile.read()


def tar(path: Path, mode: str = "w", **fields: Any) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo("model")
        for name, value in fields.items():
            setattr(info, name, value)
        archive.addfile(info, io.BytesIO(bytes(info.size)) if info.isreg() else None)
    return path


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "../up"},
        {"type": tarfile.SYMTYPE, "linkname": "/etc"},
        {"type": tarfile.CHRTYPE},
        {"mode": "w:gz", "size": 100},
    ],
)
def test_rejects_malicious_archives(fields: dict[str, Any], folder: Path) -> None:
    archive = tar(folder / "a.tar", fields.pop("mode", "w"), **fields)
    uri, target = f"file://{archive}", folder.parent / "cache" / "a" / "model"
    with pytest.raises(StoreError, match="cannot be extracted"):
        transfer.download_folder(store_for(uri).open, uri, target, Version())
    assert cached(folder) == []
    assert not (folder.parent / "up").exists()


def test_rejects_archive_with_a_sparse_file(folder: Path) -> None:
    """Its header declares a terabyte, which would be read for the checksum."""
    fields = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 40)}
    blocks = b"1\n0\n0\n".ljust(512, b"\0")
    with tarfile.open(folder / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("model")
        info.pax_headers, info.size = fields, len(blocks)
        archive.addfile(info, io.BytesIO(blocks))
    with pytest.raises(ValueError, match="sparse"):
        extract_tar(folder / "a.tar", folder / "new")


@pytest.mark.parametrize("use", ["load", "with", "loader"])
def test_rejects_file_replaced_while_loading(
    use: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loaded bytes are the verified bytes."""
    file = folder / "model.bin"
    file.write_bytes(CONTENT)
    other = folder / "other"
    other.write_bytes(b"!" + CONTENT[1:])
    lock(CONTENT, "")
    registry = mmf.Registry()
    artifact = registry.artifact("model.bin", "rb")

    def replace(*_: Any, **__: Any) -> IO[bytes]:
        other.replace(file)
        return io.BytesIO(CONTENT)

    def run() -> None:
        if use == "load":
            monkeypatch.setattr(sys.modules["mmf_core.artifact"], "load_model", replace)
            artifact.load()
        elif use == "with":
            artifact.verify()
            monkeypatch.setattr(Path, "open", replace)
            with artifact:
                pass
        else:
            artifact(replace)
            artifact.ensure_loaded()

    with pytest.raises(ArtifactError, match="replaced while it was being loaded"):
        run()


def test_file_changed_after_verification_is_verified_again(folder: Path) -> None:
    file = folder / "model.bin"
    file.write_bytes(CONTENT)
    lock(CONTENT, "")
    artifact = mmf.Registry().artifact("model.bin", "rb")
    assert artifact.path.read_bytes() == CONTENT
    file.write_bytes(b"!" + CONTENT[1:])
    with pytest.raises(ArtifactError, match="expected sha256"):
        artifact.path  # noqa: B018


def test_full_disk_while_locking_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.open", full)
    with pytest.raises(StoreError, match="No space left on device; set MMF_CACHE"):
        fetch("http://127.0.0.1:9/model.bin")

"""S3: a real server stores and returns objects, and errors are clear."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from store_helpers import MIB, cached, lock, some_bytes

import mmf_core as mmf
import s3_server
from baking import PAYLOAD
from mmf_core.errors import MissingPackage, StoreError
from mmf_core.stores import Version, s3_store, store_for
from mmf_core.stores.s3_store import S3Store
from web_server import WebServer

PART = 8 * MIB  # raised by boto3
LARGE = 2 * PART + 5
PULL = "import sys; from mmf_core.stores import resolve; print(resolve(sys.argv[1]).path)"


def put(content: bytes, uri: str) -> Version:
    file = Path("to-push")
    file.write_bytes(content)
    version = S3Store().upload(file, uri, {"sha256": sha256(content).hexdigest()})
    file.unlink()
    return version


def get(uri: str, version: str = "") -> bytes:
    content = S3Store().open(uri, 0, version)
    with content.file:
        return content.file.read()


@pytest.mark.parametrize("key", ["model.bin", "a b/+ü&=%41~'().bin", "модель/вино.bin"])
def test_keys_and_versions_round_trip(key: str, bucket: str) -> None:
    uri = f"{bucket}/{key}"
    first, second = put(b"first", uri), put(b"second", uri)
    assert first.id != second.id
    assert get(uri) == b"second"
    assert get(uri, first.id) == b"first"
    assert {version.id for version in S3Store().versions(uri)} == {first.id, second.id}
    assert S3Store().stat(uri, first.id).sha256 == sha256(b"first").hexdigest()


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, LARGE])
def test_sizes_round_trip(size: int, bucket: str) -> None:
    content = some_bytes(size)
    uri = f"{bucket}/model.bin"
    version = put(content, uri)
    assert version.id
    expected = Version(id=version.id, size=size, sha256=sha256(content).hexdigest())
    assert S3Store().fetch(uri, expected, "model.bin").read_bytes() == content


def test_versions_lists_only_this_key(bucket: str) -> None:
    put(b"a", f"{bucket}/model")
    put(b"b", f"{bucket}/model.bin")
    assert len(S3Store().versions(f"{bucket}/model")) == 1


@pytest.mark.parametrize("wrong", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_invalid_credentials_are_reported(
    wrong: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(b"content", f"{bucket}/model.bin")
    monkeypatch.setenv(wrong, "mistaken")
    with pytest.raises(StoreError, match="AWS_SECRET_ACCESS_KEY were rejected") as caught:
        get(f"{bucket}/model.bin")
    assert "mistaken" not in str(caught.value)


@pytest.mark.usefixtures("s3")
def test_missing_credentials_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    with pytest.raises(StoreError, match=r"set AWS_ACCESS_KEY_ID .*no profile or role"):
        get("s3://bucket/model.bin")


def test_profile_credentials_are_used(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(b"content", f"{bucket}/model.bin")
    lines = [f"{name.lower()} = {text}" for name, text in s3_server.KEYS.items()]
    for name in s3_server.KEYS:
        monkeypatch.delenv(name)
    (tmp_path / "keys").write_text("\n".join(["[wine]", *lines]))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "keys"))
    monkeypatch.setenv("AWS_PROFILE", "wine")
    assert get(f"{bucket}/model.bin") == b"content"
    monkeypatch.setenv("AWS_PROFILE", "beer")
    with pytest.raises(StoreError, match="beer"):
        get(f"{bucket}/model.bin")


def test_missing_boto3_names_the_pip_command(without: Callable[..., None]) -> None:
    without("boto3")
    with pytest.raises(MissingPackage, match=r"s3://bucket/model\.bin needs: pip install boto3"):
        mmf.Registry().artifact("s3://bucket/model.bin").verify()


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("s3://no-such-bucket/model.bin", "no such bucket"),
        ("{bucket}/absent.bin", "no such key in the bucket"),
        ("s3:///model.bin", "expected s3://bucket/key"),
        ("s3://bucket", "expected s3://bucket/key"),
    ],
)
def test_missing_bucket_or_key_is_reported(uri: str, message: str, bucket: str) -> None:
    with pytest.raises(StoreError, match=message):
        get(uri.format(bucket=bucket))


def test_missing_version_is_reported(bucket: str) -> None:
    put(b"content", f"{bucket}/model.bin")
    with pytest.raises(StoreError, match=r"no such version|no such key"):
        get(f"{bucket}/model.bin", "0" * 32)


@pytest.mark.usefixtures("s3")
def test_vanished_bucket_is_reported(folder: Path) -> None:
    s3_server.make_bucket("vanishing")
    lock(b"content", "s3://vanishing/model.bin", put(b"content", "s3://vanishing/model.bin"))
    s3_server.remove("vanishing", "model.bin")
    with pytest.raises(StoreError, match="no such bucket"):
        mmf.Registry().artifact("model.bin").verify()
    assert cached(folder) == []


@pytest.mark.parametrize(
    ("stored", "message"),
    [(b"conte", "expected 7 bytes, got 5"), (b"cOntent", "expected sha256")],
)
def test_truncated_or_modified_object_is_reported(
    stored: bytes, message: str, folder: Path, bucket: str
) -> None:
    uri = f"{bucket}/model.bin"
    lock(b"content", uri, put(stored, uri))
    with pytest.raises(StoreError, match=message) as caught:
        mmf.Registry().artifact("model.bin").verify()
    if len(stored) == len(b"content"):
        assert sha256(b"content").hexdigest() in str(caught.value)
        assert sha256(stored).hexdigest() in str(caught.value)
    assert cached(folder) == []


def test_expired_presigned_url_error_omits_the_secret(bucket: str) -> None:
    put(b"content", f"{bucket}/model.bin")
    good = presigned(f"{bucket}/model.bin", 3600)
    expected = Version(sha256=sha256(b"content").hexdigest())
    assert store_for(good).fetch(good, expected, "model.bin").read_bytes() == b"content"
    old = presigned(f"{bucket}/model.bin", -3600)
    with pytest.raises(StoreError, match="may have expired") as caught:
        store_for(old).fetch(old, Version(sha256="0" * 64), "model.bin")
    assert "Signature" not in str(caught.value)


def presigned(uri: str, seconds: int) -> str:
    """Return a URL that expires after so many seconds."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    url: str = s3_store.client().generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": key}, ExpiresIn=seconds
    )
    return url


def test_lost_connection_is_resumed(
    folder: Path, bucket: str, gate: Callable[..., s3_server.Gate]
) -> None:
    content = some_bytes(5 * MIB)
    lock(content, f"{bucket}/model.bin", put(content, f"{bucket}/model.bin"))
    between = gate(2 * MIB, cut=True)
    assert mmf.Registry().artifact("model.bin").path.read_bytes() == content
    assert between.connections == 3
    assert cached(folder) == ["model.bin"]


def test_killed_pull_is_resumed(
    folder: Path, bucket: str, s3: str, gate: Callable[..., s3_server.Gate],
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    content = some_bytes(8 * MIB)
    lock(content, f"{bucket}/model.bin", put(content, f"{bucket}/model.bin"))
    between = gate(4 * MIB, cut=False)
    monkeypatch.setenv("PYTHONPATH", str(PAYLOAD))
    with subprocess.Popen([sys.executable, "-c", PULL, "model.bin"]) as process:
        try:
            assert between.reached.wait(60)
            part = wait_for_part(folder, 3 * MIB)
        finally:
            process.kill()
    assert cached(folder) == ["model.bin.part"]
    part_size = part.stat().st_size
    assert 0 < part_size < len(content)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    with caplog.at_level("INFO"):
        assert mmf.Registry().artifact("model.bin").path.read_bytes() == content
    assert f"resuming after {part_size / MIB:.1f} MiB" in caplog.text
    assert cached(folder) == ["model.bin"]


def wait_for_part(folder: Path, size: int) -> Path:
    until = time.monotonic() + 60
    while True:
        parts = list(folder.parent.glob("cache/*/*.part"))
        if parts and parts[0].stat().st_size >= size:
            return parts[0]
        assert time.monotonic() < until
        time.sleep(0.01)


def test_hanging_server_is_reported_and_the_part_kept(
    folder: Path, bucket: str, gate: Callable[..., s3_server.Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = some_bytes(3 * MIB)
    lock(content, f"{bucket}/model.bin", put(content, f"{bucket}/model.bin"))
    monkeypatch.setenv("MMF_STORE_TIMEOUT", "1")
    gate(2 * MIB, 0, cut=False)
    with pytest.raises(StoreError, match=r"no response within 1 s \(MMF_STORE_TIMEOUT\)"):
        mmf.Registry().artifact("model.bin").verify()
    assert cached(folder) == ["model.bin.part"]


@pytest.mark.usefixtures("folder")
def test_silent_server_is_reported(
    bucket: str, gate: Callable[..., s3_server.Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_STORE_TIMEOUT", "0.5")
    gate(0, cut=False)
    with pytest.raises(StoreError, match="is the server up"):
        get(f"{bucket}/model.bin")


@pytest.mark.usefixtures("s3")
def test_refused_connection_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(StoreError, match=r"connection failed: .*refused"):
        get("s3://bucket/model.bin")


def test_failed_upload_leaves_no_parts(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = s3_store.client

    def failing() -> object:
        def fail(params: dict[str, object], **_: object) -> None:
            if params["PartNumber"] == 2:
                raise StoreError("the line is cut")

        client = plain()
        client.meta.events.register("provide-client-params.s3.UploadPart", fail)
        return client

    monkeypatch.setattr(s3_store, "client", failing)
    with pytest.raises(StoreError, match="the line is cut"):
        put(some_bytes(PART + 1), f"{bucket}/model.bin")
    assert "Uploads" not in plain().list_multipart_uploads(Bucket=bucket.removeprefix("s3://"))


def test_rejected_upload_is_reported(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mistaken")
    for size in (1, PART + 1):
        with pytest.raises(StoreError, match="AWS_SECRET_ACCESS_KEY were rejected"):
            put(some_bytes(size), f"{bucket}/model.bin")


@pytest.mark.usefixtures("s3")
def test_busy_server_is_retried_once(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", web.url)
    web.content = b"content"
    web.statuses = [503]
    assert get("s3://bucket/model.bin") == b"content"
    web.statuses = [503, 503, 503]
    with pytest.raises(StoreError, match="responded with 503"):
        get("s3://bucket/model.bin")
    assert len(web.requests) == 4


@pytest.mark.usefixtures("s3")
def test_non_s3_server_is_reported(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", web.url)
    web.content = b"<html>"
    with pytest.raises(StoreError, match="the server responded with 500"):
        S3Store().versions("s3://bucket/model.bin")

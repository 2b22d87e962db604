"""S3 itself: a real server takes and gives objects, and refuses in words."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from store_helpers import MIB, cached, some_bytes, want

import mmf_core as mmf
import seaweed
from baking import PAYLOAD
from mmf_core.errors import StoreError
from mmf_core.stores import Version, store_of
from mmf_core.stores.cache import fetch
from mmf_core.stores.s3_store import PART, S3Store
from mmf_core.stores.signing import Keys, keys, signed

LARGE = 2 * PART + 5
PULL = "import sys; from mmf_core.stores import locate; print(locate(sys.argv[1]).path)"


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


def test_a_request_is_signed_as_amazon_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example GET of docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    by = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    url = "https://examplebucket.s3.amazonaws.com/test.txt"
    moment = datetime(2013, 5, 24, tzinfo=UTC)
    headers = signed("GET", url, {"Range": "bytes=0-9"}, b"", moment, by)
    assert headers["Authorization"].endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


@pytest.mark.parametrize("key", ["model.bin", "a b/+ü&=%41~'().bin", "модель/вино.bin"])
def test_any_key_and_its_versions_come_back(key: str, bucket: str) -> None:
    uri = f"{bucket}/{key}"
    first, second = put(b"first", uri), put(b"second", uri)
    assert first.id != second.id
    assert get(uri) == b"second"
    assert get(uri, first.id) == b"first"
    assert {one.id for one in S3Store().versions(uri)} == {first.id, second.id}
    assert S3Store().stat(uri, first.id).sha256 == sha256(b"first").hexdigest()


@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, LARGE])
def test_any_size_comes_back(size: int, bucket: str) -> None:
    content = some_bytes(size)
    version = put(content, f"{bucket}/model.bin")
    assert version.id
    assert (
        fetch(
            S3Store(),
            f"{bucket}/model.bin",
            Version(id=version.id, size=size, sha256=sha256(content).hexdigest()),
            "model.bin",
        ).read_bytes()
        == content
    )


def test_what_is_listed_is_of_this_key_only(bucket: str) -> None:
    put(b"a", f"{bucket}/model")
    put(b"b", f"{bucket}/model.bin")
    assert len(S3Store().versions(f"{bucket}/model")) == 1


@pytest.mark.parametrize("wrong", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_keys_are_told(wrong: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(b"content", f"{bucket}/model.bin")
    monkeypatch.setenv(wrong, "mistaken")
    with pytest.raises(StoreError, match="AWS_SECRET_ACCESS_KEY are not taken") as caught:
        get(f"{bucket}/model.bin")
    assert "mistaken" not in str(caught.value)


@pytest.mark.usefixtures("s3")
def test_no_keys_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(StoreError, match="pip install botocore"):
        get("s3://bucket/model.bin")


def test_keys_of_a_profile_or_a_role_are_those_that_botocore_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Frozen:
        access_key, secret_key, token = "a", "s", None

    class Session:
        found = True

        def get_credentials(self) -> object:
            return self if self.found else None

        def get_frozen_credentials(self) -> Frozen:
            return Frozen()

    module = type(sys)("botocore.session")
    module.Session = Session  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "botocore", type(sys)("botocore"))
    monkeypatch.setitem(sys.modules, "botocore.session", module)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    assert keys() == Keys("a", "s", "")
    Session.found = False
    with pytest.raises(StoreError, match="no profile or role"):
        keys()


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("s3://no-such-bucket/model.bin", "there is no such bucket"),
        ("{bucket}/absent.bin", "it is not in the bucket"),
        ("s3:///model.bin", "give s3://bucket/key"),
    ],
)
def test_what_is_not_there_is_told(uri: str, said: str, bucket: str) -> None:
    with pytest.raises(StoreError, match=said):
        get(uri.format(bucket=bucket))


def test_a_version_that_is_not_there_is_told(bucket: str) -> None:
    put(b"content", f"{bucket}/model.bin")
    with pytest.raises(StoreError, match=r"there is no such version|not in the bucket"):
        get(f"{bucket}/model.bin", "0" * 32)


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_vanishes_is_told_and_nothing_is_kept(folder: Path) -> None:
    seaweed.make_bucket("vanishing")
    want(b"content", "s3://vanishing/model.bin", put(b"content", "s3://vanishing/model.bin"))
    seaweed.remove("s3://vanishing/model.bin")
    seaweed.remove("s3://vanishing")
    with pytest.raises(StoreError, match="no such bucket"):
        mmf.Registry().artifact("model.bin").check()
    assert cached(folder) == []


@pytest.mark.parametrize(
    ("there", "said"),
    [(b"conte", "has 5 bytes, and 7 are expected"), (b"cOntent", "its sha256 is")],
)
def test_a_truncated_object_and_a_changed_byte_are_told(
    there: bytes, said: str, folder: Path, bucket: str
) -> None:
    uri = f"{bucket}/model.bin"
    want(b"content", uri, put(there, uri))
    with pytest.raises(StoreError, match=said) as caught:
        mmf.Registry().artifact("model.bin").check()
    if len(there) == len(b"content"):
        assert sha256(b"content").hexdigest() in str(caught.value)
        assert sha256(there).hexdigest() in str(caught.value)
    assert cached(folder) == []


def test_an_expired_presigned_url_is_told_without_its_secret(bucket: str, s3: str) -> None:
    put(b"content", f"{bucket}/model.bin")
    good = presigned(f"{bucket}/model.bin", s3, datetime.now(UTC))
    wanted = Version(sha256=sha256(b"content").hexdigest())
    assert fetch(store_of(good), good, wanted, "model.bin").read_bytes() == b"content"
    old = presigned(f"{bucket}/model.bin", s3, datetime.now(UTC) - timedelta(hours=2))
    with pytest.raises(StoreError, match="may have expired") as caught:
        fetch(store_of(old), old, Version(sha256="0" * 64), "model.bin")
    assert "X-Amz" not in str(caught.value)


def presigned(uri: str, address: str, moment: datetime) -> str:
    """Return a URL that is good for an hour, made as Amazon's documentation says."""
    from mmf_core.stores import signing

    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
    path = "/" + uri.removeprefix("s3://")
    query = signing.query_text(
        {
            "X-Amz-Algorithm": signing.ALGORITHM,
            "X-Amz-Credential": f"{seaweed.KEYS['AWS_ACCESS_KEY_ID']}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": "3600",
            "X-Amz-SignedHeaders": "host",
        }
    )
    host = address.removeprefix("http://")
    asked = f"GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    key = f"AWS4{seaweed.KEYS['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in scope.split("/"):
        key = signing._hmac(key, part)
    digest = sha256(asked.encode()).hexdigest()
    signature = signing._hmac(key, f"{signing.ALGORITHM}\n{stamp}\n{scope}\n{digest}").hex()
    return f"{address}{path}?{query}&X-Amz-Signature={signature}"


def test_a_connection_that_breaks_is_resumed(
    folder: Path, bucket: str, gate: Callable[..., seaweed.Gate]
) -> None:
    content = some_bytes(5 * MIB)
    want(content, f"{bucket}/model.bin", put(content, f"{bucket}/model.bin"))
    between = gate(2 * MIB, cut=True)
    assert mmf.Registry().artifact("model.bin").path.read_bytes() == content
    assert between.connections == 3
    assert cached(folder) == ["model.bin"]


def test_a_pull_that_is_killed_half_way_is_resumed(
    folder: Path, bucket: str, s3: str, gate: Callable[..., seaweed.Gate],
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    content = some_bytes(8 * MIB)
    want(content, f"{bucket}/model.bin", put(content, f"{bucket}/model.bin"))
    between = gate(4 * MIB, cut=False)
    monkeypatch.setenv("PYTHONPATH", str(PAYLOAD))
    with subprocess.Popen([sys.executable, "-c", PULL, "model.bin"]) as process:
        try:
            assert between.reached.wait(60)
            part = wait_for_part(folder, 3 * MIB)
        finally:
            process.kill()
    assert cached(folder) == ["model.bin.part"]
    kept = part.stat().st_size
    assert 0 < kept < len(content)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3)
    with caplog.at_level("INFO"):
        assert mmf.Registry().artifact("model.bin").path.read_bytes() == content
    assert f"goes on after {kept / MIB:.1f} MiB" in caplog.text
    assert cached(folder) == ["model.bin"]


def wait_for_part(folder: Path, size: int) -> Path:
    until = time.monotonic() + 60
    while True:
        parts = list(folder.parent.glob("cache/*/*.part"))
        if parts and parts[0].stat().st_size >= size:
            return parts[0]
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_server_that_hangs_half_way_is_told_and_the_part_kept(
    folder: Path, bucket: str, gate: Callable[..., seaweed.Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = some_bytes(3 * MIB)
    want(content, f"{bucket}/model.bin", put(content, f"{bucket}/model.bin"))
    monkeypatch.setenv("MMF_STORE_TIMEOUT", "1")
    gate(2 * MIB, 0, cut=False)
    with pytest.raises(StoreError, match=r"no answer within 1 s \(MMF_STORE_TIMEOUT\)"):
        mmf.Registry().artifact("model.bin").check()
    assert cached(folder) == ["model.bin.part"]


@pytest.mark.usefixtures("folder")
def test_a_server_that_never_answers_is_told(
    bucket: str, gate: Callable[..., seaweed.Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_STORE_TIMEOUT", "0.5")
    gate(0, cut=False)
    with pytest.raises(StoreError, match="does the server hang"):
        get(f"{bucket}/model.bin")


@pytest.mark.usefixtures("s3")
def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(StoreError, match=r"cannot be reached: .*refused"):
        get("s3://bucket/model.bin")


@pytest.mark.usefixtures("s3")
def test_an_upload_that_fails_leaves_no_parts(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mmf_core.stores import s3_store

    ask = s3_store._ask
    asked: list[str] = []

    def failing(uri: str, method: str, query: dict[str, str], *rest: object) -> object:
        asked.append(method)
        if query.get("partNumber") == "2":
            raise StoreError("the line is cut")
        return ask(uri, method, query, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(s3_store, "_ask", failing)
    with pytest.raises(StoreError, match="the line is cut"):
        put(some_bytes(PART + 1), f"{bucket}/model.bin")
    assert asked[-1] == "DELETE"
    monkeypatch.undo()

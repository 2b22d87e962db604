"""Web servers: checksum required, resumed where possible, with clear errors."""

import logging
import sys
from pathlib import Path

import pytest
from store_helpers import MIB, cached, checksum, lock, some_bytes

import mmf_core as mmf
from mmf_core.errors import ArtifactError, StoreError
from mmf_core.stores import store_for
from mmf_core.stores.transfer import CHUNK
from web_server import WebServer

CONTENT = some_bytes(3 * MIB + 7)


@pytest.fixture
def url(web: WebServer) -> str:
    """Return the URL of the content."""
    web.content = CONTENT
    return web.url


def artifact(url: str, content: bytes = CONTENT) -> mmf.registry.Artifact:
    return mmf.Registry().artifact(url, "rb", sha256=checksum(content))


def test_url_works_in_every_form_of_artifact(url: str) -> None:
    registry = mmf.Registry()
    declared = registry.artifact(f"{url}?signature=secret", "rb", sha256=checksum(CONTENT))
    assert declared.name == "model.bin"
    with declared as file:
        assert file.read() == CONTENT
    assert declared.path.name == "model.bin"
    assert declared.path.read_bytes() == CONTENT
    assert declared.meta()["file"] == url
    registry.load_artifacts()

    @registry.artifact(f"{url}?another", sha256=checksum(CONTENT))
    def size() -> int:
        loader = registry.artifacts[f"{url}?another"]
        return loader.path.stat().st_size

    registry.load_artifacts()
    assert size == len(CONTENT)


def test_file_is_fetched_once(url: str, web: WebServer) -> None:
    artifact(url).verify()
    artifact(url).verify()
    assert len(web.requests) == 1


def test_missing_checksum_is_rejected_before_any_request(url: str, web: WebServer) -> None:
    with pytest.raises(ArtifactError, match="sha256="):
        mmf.Registry().artifact(url).verify()
    assert web.requests == []


def test_checksum_may_be_in_the_lockfile(url: str) -> None:
    lock(CONTENT, url)
    assert mmf.Registry().artifact("model.bin").path.read_bytes() == CONTENT


def test_conflicting_checksums_are_reported(url: str, web: WebServer) -> None:
    lock(CONTENT, url)
    with pytest.raises(ArtifactError, match=r"main\.py expects sha256 1111"):
        mmf.Registry().artifact("model.bin", sha256="1" * 64).verify()
    assert web.requests == []


def test_lost_connection_is_resumed_with_a_range(
    url: str, web: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    web.cuts = [MIB + 1, MIB]
    assert artifact(url).path.read_bytes() == CONTENT
    assert [headers["Range"] for headers in web.requests] == [
        None, f"bytes={MIB + 1}-", f"bytes={2 * MIB + 1}-",
    ]  # fmt: skip
    assert "connection lost after" in caplog.text


def test_server_without_ranges_restarts_the_download(url: str, web: WebServer) -> None:
    web.supports_ranges = False
    web.cuts = [MIB]
    assert artifact(url).path.read_bytes() == CONTENT


@pytest.mark.parametrize("cuts", [[0], [MIB, 0], [2 * MIB, MIB, 10]])
def test_download_without_progress_is_given_up(
    cuts: list[int], url: str, web: WebServer, folder: Path
) -> None:
    web.supports_ranges = len(cuts) != 3
    web.cuts = cuts
    with pytest.raises(StoreError, match=f"ends after .* of {len(CONTENT)} bytes"):
        artifact(url).verify()
    assert "model.bin" not in cached(folder)


def test_unknown_size_is_read_to_the_end(url: str, web: WebServer, folder: Path) -> None:
    web.sends_size = False
    assert artifact(url).path.read_bytes() == CONTENT
    assert cached(folder) == ["model.bin"]


def test_truncated_file_of_unknown_size_fails_its_checksum(
    url: str, web: WebServer, folder: Path
) -> None:
    web.sends_size = False
    web.cuts = [MIB]
    with pytest.raises(StoreError, match="discarded"):
        artifact(url).verify()
    assert cached(folder) == []


@pytest.mark.parametrize("extra", [0, 5])
def test_complete_or_oversized_part_is_handled(extra: int, url: str, folder: Path) -> None:
    target = folder.parent / "cache" / checksum(CONTENT) / "model.bin.part"
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT + b"x" * extra)
    lock(CONTENT, url)
    assert mmf.Registry().artifact("model.bin").path.read_bytes() == CONTENT
    assert cached(folder) == ["model.bin"]


def test_complete_part_of_unknown_size_is_fetched_again(url: str, folder: Path) -> None:
    target = folder.parent / "cache" / checksum(CONTENT) / "model.bin.part"
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT)
    assert artifact(url).path.read_bytes() == CONTENT


def test_checksum_mismatch_names_both_checksums(url: str, web: WebServer, folder: Path) -> None:
    web.content = CONTENT[:-1] + b"?"
    with pytest.raises(StoreError, match=checksum(CONTENT)) as caught:
        artifact(url).verify()
    assert checksum(web.content) in str(caught.value)
    assert cached(folder) == []


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "password"), (403, "may have expired"), (404, "not found"), (418, "418")],
)
def test_http_error_omits_the_query_string(
    status: int, message: str, url: str, web: WebServer
) -> None:
    web.statuses = [status]
    with pytest.raises(StoreError, match=message) as caught:
        artifact(f"{url}?key=secret").verify()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("times", "succeeds"), [(2, True), (3, False)])
def test_busy_server_is_retried_twice(
    times: int, url: str, web: WebServer, monkeypatch: pytest.MonkeyPatch, *, succeeds: bool
) -> None:
    monkeypatch.setattr("mmf_core.stores.over_http.PAUSES", (0.01, 0.01))
    web.statuses = [503] * times
    if succeeds:
        artifact(url).verify()
    else:
        with pytest.raises(StoreError, match="503"):
            artifact(url).verify()
    assert len(web.requests) == 3


def test_uploads_are_rejected(url: str, folder: Path) -> None:
    (folder / "model.bin").write_bytes(b"x")
    with pytest.raises(StoreError, match="read-only"):
        store_for(url).upload(folder / "model.bin", url, {})


@pytest.mark.parametrize("uri", ["http://", "https:///x", "http://a b/c", "http://127.0.0.1:9/x"])
def test_unreachable_address_is_reported(uri: str) -> None:
    with pytest.raises(StoreError):
        artifact(uri).verify()


def test_unknown_scheme_error_lists_known_ones() -> None:
    with pytest.raises(ArtifactError, match="file:, https:, http:, metaflow:, models:, runs:, s3:"):
        mmf.Registry().artifact("ftp://host/model.bin").verify()


def test_progress_is_logged(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mmf_core.stores.progress.LOG_EVERY", 0.0)
    with caplog.at_level(logging.INFO, "mmf.stores"):
        artifact(url).verify()
    assert "of 3.0 MiB" in caplog.text
    assert "MiB/s" in caplog.text
    assert CHUNK == MIB


def test_progress_is_one_line_in_a_terminal(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mmf_core.stores.progress.LINE_EVERY", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    artifact(url).verify()
    lines = capsys.readouterr().err
    assert lines.startswith("\r")
    assert lines.count("\n") == 1
    assert "3.0 of 3.0 MiB" in lines

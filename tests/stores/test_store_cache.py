"""The cache: one download for all processes, a size limit, and no partial files."""

import errno
import os
import resource
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from store_helpers import MIB, cached, checksum, lock, some_bytes

import mmf_core as mmf
from baking import PAYLOAD
from mmf_core.errors import StoreError
from mmf_core.stores import Version, cache, store_for, transfer
from web_server import WebServer

CONTENT = some_bytes(2 * MIB)
RESOLVE = """
import sys
import tarfile
from mmf_core.stores import resolve
sys.stdin.readline()
print(resolve("model.bin").path)
sys.stdin.readline()
"""
LIMITED = """
import errno
import os
import resource
from mmf_core.errors import StoreError
from mmf_core.stores import resolve
resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, -1))
try:
    resolve("model.bin")
except StoreError as error:
    print(error)
"""


def python(code: str, **how: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(PAYLOAD)!r})\n{code}"],
        text=True,
        stdout=subprocess.PIPE,
        **how,  # type: ignore[call-overload]
    )


def take(web: WebServer, content: bytes) -> Path:
    web.content = content
    expected = Version(size=len(content), sha256=checksum(content))
    return store_for(web.url).fetch(web.url, expected, "model.bin")


def test_concurrent_workers_fetch_once(web: WebServer) -> None:
    web.content = CONTENT
    lock(CONTENT, web.url)
    workers = [python(RESOLVE, stdin=subprocess.PIPE) for _ in range(2)]
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("\n")
        worker.stdin.flush()
    paths = {worker.communicate("\n", timeout=60)[0] for worker in workers}
    assert len(paths) == 1
    assert Path(paths.pop().strip()).read_bytes() == CONTENT
    assert len(web.requests) == 1


def test_second_process_waits_and_logs(web: WebServer, caplog: pytest.LogCaptureFixture) -> None:
    import threading

    web.content = CONTENT
    key = checksum(CONTENT)
    with cache.exclusive_lock(cache.folder() / key, "fetching"), caplog.at_level("INFO"):
        second = threading.Thread(target=take, args=(web, CONTENT))
        second.start()
        while "waiting for another process" not in caplog.text:
            second.join(0.01)
        assert web.requests == []
    second.join()
    assert len(web.requests) == 1


def test_full_disk_is_reported_and_the_part_deleted(folder: Path, web: WebServer) -> None:
    """The limit on file sizes makes a write fail halfway, as a full disk does."""
    web.content = CONTENT
    lock(CONTENT, web.url)
    message = python(LIMITED).communicate(timeout=60)[0]
    assert "does not fit in" in message
    assert "MMF_CACHE" in message
    assert cached(folder) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_full_disk_during_extraction_is_reported(
    kind: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is room for the archive, but not for its files as well."""
    with tarfile.open(folder / "model.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("model"))

    def full(_: Path, new: Path) -> None:
        new.mkdir()
        (new / "half").write_bytes(CONTENT)
        raise OSError(kind, os.strerror(kind))

    monkeypatch.setattr(transfer, "extract_tar", full)
    uri = (folder / "model.tar").as_uri()
    with pytest.raises(StoreError, match=r"does not fit in .*set MMF_CACHE to another folder"):
        store_for(uri).fetch(uri, Version(sha256=checksum(CONTENT)), "model")
    assert cached(folder) == []


def test_download_larger_than_the_disk_is_not_started(
    folder: Path, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)._replace(free=len(CONTENT) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StoreError, match="No space left"):
        take(web, CONTENT)
    assert cached(folder) == []


def test_least_recently_used_is_evicted_first(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_MAX_CACHE_MIB", "5")
    first, second = take(web, some_bytes(2 * MIB, 1)), take(web, some_bytes(2 * MIB, 2))
    cache.release_all()
    import os

    os.utime(second.parent, (1, 1))
    third = take(web, some_bytes(2 * MIB, 3))
    assert (first.exists(), second.exists(), third.exists()) == (True, False, True)


def test_artifacts_in_use_are_not_evicted(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_MAX_CACHE_MIB", "1")
    held = [take(web, some_bytes(MIB, seed)) for seed in range(3)]
    assert all(path.exists() for path in held)


def test_artifacts_in_use_by_another_process_are_not_evicted(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.content = CONTENT
    lock(CONTENT, web.url)
    user = python(RESOLVE, stdin=subprocess.PIPE)
    assert user.stdin
    assert user.stdout
    user.stdin.write("\n")
    user.stdin.flush()
    path = Path(user.stdout.readline().strip())
    monkeypatch.setenv("MMF_MAX_CACHE_MIB", "1")
    take(web, some_bytes(MIB, 5))
    assert path.exists()
    user.communicate("\n", timeout=60)
    cache.release_all()
    take(web, some_bytes(MIB, 6))
    assert not path.exists()


def test_modified_cached_file_is_fetched_again(
    web: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    path = take(web, CONTENT)
    cache.release_all()
    path.write_bytes(b"broken")
    assert take(web, CONTENT).read_bytes() == CONTENT
    assert "was modified in the cache; fetching it again" in caplog.text


def test_uncreatable_cache_folder_is_reported(
    folder: Path, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").write_text("")
    monkeypatch.setenv("MMF_CACHE", str(folder / "file" / "cache"))
    with pytest.raises(StoreError, match="set MMF_CACHE"):
        take(web, CONTENT)


def test_cache_folder_falls_back_to_the_temporary_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MMF_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "xdg"))
    assert cache.folder() == folder / "xdg" / "mmf"
    (folder / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert cache.folder().parent == folder
    assert cache.folder().stat().st_mode & 0o777 == 0o700


def test_cache_folder_of_another_user_is_rejected(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.folder()
    monkeypatch.setattr("os.getuid", lambda: 12345)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(StoreError, match="another user"):
        take(web, CONTENT)


def test_size_limit_does_not_apply_to_stores(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_MAX_ARTIFACT_MIB", "1")
    web.content = CONTENT
    lock(CONTENT, web.url)
    mmf.Registry().artifact("model.bin").verify()

"""Files tracked by DVC: fetched with its command, verified with its md5."""

import hashlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from store_helpers import lock

import mmf_core as mmf
from mmf_core.cli import main
from mmf_core.errors import ArtifactError, MissingPackage, StoreError

CONTENT = b"a model"
MD5 = hashlib.md5(CONTENT).hexdigest()
POINTER = f"outs:\n- md5: {MD5}\n  size: 7\n  hash: md5\n  path: model.bin\n"
COMMAND = """
import sys
from pathlib import Path

assert sys.argv[1] == "pull"
with open("calls", "a") as calls:
    print(sys.argv[2], file=calls)
if Path("remote").exists():
    Path(sys.argv[2].removesuffix(".dvc")).write_bytes(Path("remote").read_bytes())
else:
    sys.exit("ERROR: no remote specified")
"""


@pytest.fixture
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project whose model is tracked by DVC, and a stand-in for the dvc program."""
    (folder / "model.bin.dvc").write_text(POINTER)
    (folder / "dvc").mkdir()
    (folder / "dvc" / "__init__.py").write_text("")
    (folder / "dvc" / "__main__.py").write_text(COMMAND)
    (folder / "remote").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(folder)
    return folder


def test_file_is_pulled_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_MAX_ARTIFACT_MIB", "0.000001")  # the limit for files kept with the code
    for _ in range(2):
        artifact = mmf.Registry().artifact("model.bin")
        artifact.verify()
        assert artifact.path.read_bytes() == CONTENT
    assert (project / "calls").read_text() == "model.bin.dvc\n"


def test_checksum_mismatch_names_both_checksums(project: Path) -> None:
    (project / "model.bin").write_bytes(b"another")
    with pytest.raises(ArtifactError, match=MD5) as caught:
        mmf.Registry().artifact("model.bin").verify()
    assert hashlib.md5(b"another").hexdigest() in str(caught.value)


def test_rejects_pull_of_another_file(project: Path) -> None:
    (project / "remote").write_bytes(b"another")
    with pytest.raises(ArtifactError, match=MD5):
        mmf.Registry().artifact("model.bin").verify()


def test_lockfile_checksum_takes_precedence_over_md5(project: Path) -> None:
    """Two files can have the same md5, so the sha256 is verified at the first start, too."""
    lock(b"another with the same md5", "")
    with pytest.raises(ArtifactError, match="expected sha256"):
        mmf.Registry().artifact("model.bin").verify()
    assert (project / "model.bin").read_bytes() == CONTENT


def test_pull_times_out(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "dvc" / "__main__.py").write_text("import time\ntime.sleep(60)")
    monkeypatch.setenv("MMF_STORE_TIMEOUT", "0.02")
    with pytest.raises(StoreError, match=r"took longer than 1\.2 s, 60 times MMF_STORE_TIMEOUT"):
        mmf.Registry().artifact("model.bin").verify()


def test_dvc_error_is_reported(project: Path) -> None:
    (project / "remote").unlink()
    with pytest.raises(StoreError, match="no remote specified"):
        mmf.Registry().artifact("model.bin").verify()


def test_missing_dvc_names_the_pip_command(folder: Path, without: Callable[..., None]) -> None:
    (folder / "model.bin.dvc").write_text(POINTER)
    without("dvc")
    with pytest.raises(MissingPackage, match="pip install dvc"):
        mmf.Registry().artifact("model.bin").verify()


def test_pointer_without_md5_is_reported(folder: Path) -> None:
    (folder / "model.bin.dvc").write_text("outs:\n- path: model.bin\n")
    with pytest.raises(ArtifactError, match="has no md5"):
        mmf.Registry().artifact("model.bin").verify()


def test_folders_are_left_to_dvc(folder: Path) -> None:
    (folder / "model").mkdir()
    (folder / "model.dvc").write_text(f"outs:\n- md5: {MD5}.dir\n  path: model\n")
    mmf.Registry().artifact("model").verify()


HISTORY = """
import json
import subprocess
import sys

assert sys.argv[1:] == ["metrics", "show", "--all-commits", "--json"]
if not Path("metrics.json").exists():
    sys.exit("ERROR: no metrics")
commits = subprocess.check_output(["git", "log", "--format=%H"], text=True).split()
files = {"metrics.json": {"data": {"accuracy": 0.9, "by": {"class": 0.25}, "name": "wine"}}}
broken = {"metrics.json": {"error": {"type": "YAMLSyntaxError"}}}
print(json.dumps({"workspace": {"data": files}, commits[0]: {"data": broken}} | {
    commit: {"data": files} for commit in commits[1:]
}))
"""


def commit(subject: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgSign=false")
    for command in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", subject)):
        subprocess.run(["git", *command], check=True)


def test_versions_are_the_commits_of_the_pointer_file(project: Path) -> None:
    (project / "dvc" / "__main__.py").write_text(f"from pathlib import Path\n{HISTORY}")
    (project / "metrics.json").write_text("{}")
    commit("first model")
    (project / "model.bin.dvc").unlink()
    commit("removed")
    (project / "model.bin.dvc").write_text(POINTER.replace("7", "8").replace(MD5, "a" * 32))
    commit("second model")
    (project / "other").write_text("")
    commit("another file")

    facts = r"\S+T\S+  accuracy 0.9  by.class 0.25"
    assert re.fullmatch(
        rf"\* [0-9a-f]{{7,}}  8 bytes  {facts}  second model\n"
        rf"  [0-9a-f]{{7,}}  7 bytes  {facts}  first model\n",
        versions(),
    )
    (project / "model.bin.dvc").write_text(POINTER.replace(MD5, "b" * 32))
    changed, *others = versions().splitlines()
    assert changed == "* -  7 bytes  accuracy 0.9  by.class 0.25  not committed"
    assert [line[0] for line in others] == [" ", " "]
    assert "git checkout abc -- model.bin.dvc" in mmfmeta("use", "model.bin", "abc")


def test_unreadable_metrics_are_omitted(project: Path) -> None:
    (project / "dvc" / "__main__.py").write_text(f"from pathlib import Path\n{HISTORY}")
    (project / "metrics.json").write_text("{}")
    commit("only model")
    assert versions().split("  ")[3:] == ["only model\n"]


def test_versions_need_git(project: Path) -> None:
    assert "are in git's history, which cannot be read: fatal: not a git" in versions()
    (project / "dvc" / "__main__.py").write_text("import sys; sys.exit('ERROR: broken')")
    commit("first model")
    assert "cannot be read: ERROR: broken" in versions()


def mmfmeta(*words: str) -> str:
    return CliRunner().invoke(main, words).output


def versions() -> str:
    return mmfmeta("versions", "model.bin")

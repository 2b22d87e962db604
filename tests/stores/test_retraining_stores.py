"""Models retrained by a service, in stores."""

import json
import sys
from pathlib import Path

import pytest

from mmf_core.stores import lockfile

sys.path.append(str(Path(__file__).parent.parent / "tasks"))  # for retraining_service

from retraining_service import mmfmeta, read_only, write_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MMF_CACHE", str(tmp_path / "cache"))
    project = tmp_path / "wines"
    project.mkdir()
    write_project(project)
    return project


@pytest.mark.long
def test_candidates_from_a_versioned_store_are_promoted(bucket: str, project: Path) -> None:
    assert "pushed to" in mmfmeta(project, "push", "model.joblib", "--to", f"{bucket}/wine")
    before = (project / "artifacts.lock").read_text()
    model = (project / "model.joblib").read_bytes()
    offered = json.loads(mmfmeta(project, "retrain", "offer").splitlines()[-1])
    assert offered["promoted"] is False
    assert (project / "artifacts.lock").read_text() == before
    assert (project / "model.joblib").read_bytes() == model
    lines = mmfmeta(project, "versions", "model.joblib").splitlines()
    assert [line[:2] for line in lines] == ["  ", "* "]
    assert lines[0].startswith(f"  {offered['version']}  ")
    assert offered["trained_at"] in lines[0]
    mmfmeta(project, "use", "model.joblib", offered["version"])
    assert lockfile.read(project / "artifacts.lock")["model.joblib"].training["metrics"] == {}
    promoted = json.loads(mmfmeta(project, "retrain", "retrain").splitlines()[-1])
    first, *others = mmfmeta(project, "versions", "model.joblib").splitlines()
    assert first.startswith(f"* {promoted['version']}  ")
    assert "accuracy 0.9  " in first
    assert first.endswith(promoted["note"])
    assert len(others) == 2
    assert not (project / "model.old-0.joblib").exists(), "the store has it"
    mmfmeta(project, "use", "model.joblib", offered["version"])
    mmfmeta(project, "use", "model.joblib", promoted["version"])
    entry = lockfile.read(project / "artifacts.lock")["model.joblib"]
    assert entry.training["metrics"] == {"accuracy": 0.9}
    assert "accuracy is 0.5, but 0.9" in mmfmeta(
        project, "retrain", "retrain", "accuracy=0.5", code=1
    )


@pytest.mark.long
def test_read_only_project_offers_candidates(bucket: str, project: Path) -> None:
    """As in an image, where a target could not train at all."""
    mmfmeta(project, "push", "model.joblib", "--to", f"{bucket}/read-only")
    prefix = read_only(project)
    offered = json.loads(mmfmeta(project, "retrain", "offer", prefix=prefix).splitlines()[-1])
    mmfmeta(project, "use", "model.joblib", offered["version"])
    assert lockfile.read(project / "artifacts.lock")["model.joblib"].version == offered["version"]


@pytest.mark.long
def test_unversioned_store_keeps_no_candidates(tmp_path: Path) -> None:
    project = tmp_path / "wines"
    project.mkdir()
    write_project(project)
    mmfmeta(project, "push", "model.joblib", "--to", f"file://{tmp_path}/store")
    stored = (tmp_path / "store" / "model.joblib").read_bytes()
    assert "keeps versions" in mmfmeta(project, "retrain", "offer", code=1)
    assert (tmp_path / "store" / "model.joblib").read_bytes() == stored
    mmfmeta(project, "retrain", "retrain")
    assert (tmp_path / "store" / "model.joblib").read_bytes() != stored
    assert (project / "model.old-0.joblib").read_bytes() == stored

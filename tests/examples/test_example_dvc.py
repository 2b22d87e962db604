"""The example of DVC: its README, with a real DVC, git, and a folder for a remote."""

import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from baking import ROOT
from commands import Project
from test_readme import Block, blocks

README = ROOT / "examples" / "dvc" / "README.md"
LOAD = "import mmf_core as mmf; print(len(mmf.artifact('model.joblib').load().classes_))"
AUTHOR = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in {"NAME": "Anna", "EMAIL": "anna@example.com"}.items()
}


@pytest.mark.long
def test_data_and_model_are_kept_by_dvc(
    tmp_path: Path,
    example_project: Callable[..., Project],
    figure: Callable[[str, float, str], None],
) -> None:
    project, remote = example_project("dvc"), str(tmp_path / "remote")
    environment = AUTHOR | {"DVC_SITE_CACHE_DIR": str(tmp_path / "site")}

    def run(block: Block) -> str:
        script = block.text.replace("s3://bucket/wines", remote)
        return project.run("bash", "-euc", script, **environment)

    first, experiment, back = blocks(README, "bash")
    (listing,) = blocks(README, "text")
    run(first)
    accuracy = json.loads((project.folder / "metrics.json").read_text())["accuracy"]
    assert accuracy > 0.9
    assert "didn't change, skipping" in project.run("dvc", "repro", **environment)

    # Another machine: what is in git, and the remote.
    (project.folder / "model.joblib").unlink()
    shutil.rmtree(project.folder / ".dvc" / "cache")
    assert project.run("python", "-c", LOAD, **environment).splitlines()[-1] == "3"
    assert (project.folder / "model.joblib").is_file()

    model = (project.folder / "model.joblib").read_bytes()
    printed = run(experiment)
    assert re.search(r"params\.yaml +logistic_regression\.C +1\.0 +0\.001", printed)
    assert re.search(r"metrics\.json +accuracy +1\.0 +0\.7", printed)
    assert "| train |" in printed
    lines = printed.splitlines()[-2:]
    assert [re.sub(r"\w{7}|\S+T\S+", "…", line, count=2) for line in lines] == [
        re.sub(r"\w{7}|\S+T\S+", "…", line, count=2) for line in listing.text.splitlines()
    ]
    began = time.monotonic()
    assert "mmfmeta" in experiment.text
    project.run("mmfmeta", "versions", "model.joblib", **environment)
    figure("mmfmeta versions", time.monotonic() - began, "s")

    assert (project.folder / "model.joblib").read_bytes() != model
    run(back)
    assert (project.folder / "model.joblib").read_bytes() == model
    versions = project.run("mmfmeta", "versions", "model.joblib", **environment)
    assert [line[0] for line in versions.splitlines()] == [" ", "*"]

    # And a file that is not the one that git knows.
    (project.folder / "model.joblib").write_bytes(b"another")
    script = f'! {{ python -c "{LOAD}"; }} 2>&1'
    assert "md5" in project.run("bash", "-c", script, **environment)

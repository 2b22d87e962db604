"""The example of DVC: its own files, its own commands, a real DVC with a folder for a remote."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from baking import PAYLOAD, ROOT
from commands import LONGEST_COMMAND

EXAMPLE = ROOT / "examples" / "dvc"
LOAD = "import mmf_core as mmf; print(len(mmf.artifact('model.joblib').load().classes_))"
IN_README = [
    "dvc init",
    "python make_data.py",
    "dvc add data/wines.csv",
    "dvc repro",
    "dvc metrics show",
    "dvc add model.joblib",
    "dvc push",
]


@pytest.mark.long
def test_data_and_model_are_kept_by_dvc(
    tmp_path: Path, example_environment: Callable[[str], Path]
) -> None:
    programs = example_environment("dvc")
    project, remote = tmp_path / "project", tmp_path / "remote"
    shutil.copytree(EXAMPLE, project)
    kept = {
        name: text for name, text in os.environ.items() if not name.startswith(("COV_", "MMF_"))
    }
    environment = kept | {
        "PATH": f"{programs}{os.pathsep}{kept['PATH']}",
        "PYTHONPATH": str(PAYLOAD),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(tmp_path / "site"),
    }

    def run(*command: str, ends_with: int = 0) -> str:
        done = subprocess.run(
            command,
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_COMMAND,
            check=False,
        )
        assert done.returncode == ends_with, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    script = re.sub(" +#.*", "", (EXAMPLE / "README.md").read_text(encoding="utf-8"))
    script = script.partition("```bash\n")[2].partition("```")[0]
    commands = [command.strip() for line in script.splitlines() for command in line.split("&&")]
    assert [
        command for command in commands if not command.startswith(("git", "dvc remote"))
    ] == IN_README

    run("dvc", "init", "--no-scm")
    run("dvc", "remote", "add", "--default", "store", str(remote))
    for command in IN_README[1:]:
        run(*command.split())
    assert json.loads((project / "metrics.json").read_text())["accuracy"] > 0.9
    assert "accuracy" in run("dvc", "metrics", "show")
    assert "didn't change, skipping" in run("dvc", "repro")

    # Another machine: what is in git, and the remote.
    (project / "model.joblib").unlink()
    shutil.rmtree(project / ".dvc" / "cache")
    assert run("python", "-c", LOAD).splitlines()[-1] == "3"
    assert (project / "model.joblib").is_file()

    # And a file that is not the one that git knows.
    (project / "model.joblib").write_bytes(b"another")
    assert "md5" in run("python", "-c", LOAD, ends_with=1)

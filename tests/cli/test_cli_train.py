"""`mmfmeta train` never loses a model."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mmf_core.cli import main

MAIN = 'import mmf_core as mmf\n\nmodel = mmf.artifact("model.joblib").load()\n'
TRAIN = 'from pathlib import Path\n\nPath("model.joblib").write_text("the sample")\n'
OWN = "the user's own"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, as the current folder."""
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "train.py").write_text(TRAIN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*options: str) -> Result:
    return CliRunner().invoke(main, ["train", *options])


def contents(project: Path, pattern: str = "model*") -> dict[str, str]:
    """Return the text of each model file."""
    return {path.name: path.read_text() for path in project.glob(pattern) if path.is_file()}


def test_missing_model_is_trained(project: Path) -> None:
    result = train("--if-missing")
    assert result.exit_code == 0, result.output
    assert "running train.py" in result.output
    assert contents(project) == {"model.joblib": "the sample"}


@pytest.mark.parametrize("age", [-(10**9), 0, 10**9])
def test_existing_model_is_not_retrained(project: Path, age: int) -> None:
    (project / "model.joblib").write_text(OWN)
    os.utime(project / "model.joblib", (1e9 + age, 1e9 + age))
    os.utime(project / "train.py", (1e9, 1e9))
    assert train("--if-missing").output == ""
    assert contents(project) == {"model.joblib": OWN}


@pytest.mark.parametrize("name", ["house.joblib", "models/house.pkl", "booster.txt"])
@pytest.mark.parametrize("form", ["mmf.artifact({!r})", "artifact(file={!r}, mode='rb')"])
def test_renamed_model_needs_no_other_edit(project: Path, name: str, form: str) -> None:
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text(OWN)
    (project / "main.py").write_text(f"model = {form.format(name)}.load()\n")
    assert train("--if-missing").output == ""
    assert not (project / "model.joblib").exists()
    assert (project / name).read_text() == OWN


def test_old_model_is_backed_up(project: Path) -> None:
    (project / "model.joblib").write_text(OWN)
    os.utime(project / "model.joblib", (1e9, 1e9))
    result = train()
    assert result.exit_code == 0, result.output
    assert "model.joblib has been replaced; the old one is model.old-1.joblib" in result.output
    assert contents(project) == {"model.joblib": "the sample", "model.old-1.joblib": OWN}
    assert (project / "model.old-1.joblib").stat().st_mtime == 1e9


def test_every_old_model_is_backed_up(project: Path) -> None:
    for text in ("first", "second"):
        (project / "model.joblib").write_text(text)
        train()
    assert contents(project) == {
        "model.joblib": "the sample",
        "model.old-1.joblib": "first",
        "model.old-2.joblib": "second",
    }


def test_identical_model_is_not_backed_up(project: Path) -> None:
    train()
    assert "replaced" not in train().output
    assert contents(project) == {"model.joblib": "the sample"}


def test_model_not_named_in_main_is_backed_up(project: Path) -> None:
    (project / "main.py").write_text(MAIN.replace("model.joblib", "house.joblib"))
    (project / "model.joblib").write_text(OWN)
    train()
    assert contents(project)["model.old-1.joblib"] == OWN


def test_folder_is_backed_up(project: Path) -> None:
    (project / "model.mlflow").mkdir()
    (project / "model.mlflow" / "MLmodel").write_text(OWN)
    (project / "train.py").write_text(TRAIN.replace("model.joblib", "model.mlflow/MLmodel"))
    train()
    assert (project / "model.mlflow" / "MLmodel").read_text() == "the sample"
    assert (project / "model.old-1.mlflow" / "MLmodel").read_text() == OWN


def test_failed_training_loses_nothing(project: Path) -> None:
    (project / "model.joblib").write_text(OWN)
    (project / "train.py").write_text(TRAIN + "raise SystemExit(3)\n")
    result = train()
    assert result.exit_code == 1
    assert "train.py failed" in result.output
    assert contents(project)["model.old-1.joblib"] == OWN


def test_training_may_read_the_old_model(project: Path) -> None:
    (project / "model.joblib").write_text(OWN)
    (project / "train.py").write_text(
        'from pathlib import Path\nfile = Path("model.joblib")\n'
        'file.write_text(file.read_text() + ", and more")\n'
    )
    train()
    assert contents(project) == {"model.joblib": f"{OWN}, and more", "model.old-1.joblib": OWN}


def test_model_in_a_store_is_not_trained(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_ARTIFACTS", "file:///models")
    assert train("--if-missing").output == ""
    (project / "main.py").write_text(MAIN.replace("model.joblib", "s3://bucket/model.joblib"))
    assert train("--if-missing").output == ""
    assert contents(project) == {}


@pytest.mark.parametrize("text", ["def broken(:", "NAME = 'model.joblib'\nmmf.artifact(NAME)"])
def test_main_without_a_model_trains_nothing(project: Path, text: str) -> None:
    (project / "main.py").write_text(text)
    assert train("--if-missing").output == ""
    assert contents(project) == {}


def test_missing_train_py_is_reported(project: Path) -> None:
    (project / "train.py").unlink()
    result = train("--if-missing")
    assert result.exit_code == 1
    assert "Error: model.joblib not found: main.py loads it; put it there, or" in result.output
    (project / "model.joblib").write_text(OWN)
    assert train("--if-missing").exit_code == 0
    assert train().output == "Error: train.py not found\n"


def test_misspelt_name_does_not_overwrite_the_model(project: Path) -> None:
    (project / "model.joblib").write_text(OWN)
    (project / "main.py").write_text(MAIN.replace("model.joblib", "modle.joblib"))
    result = train("--if-missing")
    assert result.exit_code == 1
    assert "modle.joblib not found: main.py loads it, and there is model.joblib" in result.output
    assert contents(project) == {"model.joblib": OWN}

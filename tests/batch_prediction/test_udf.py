"""A target as a function that is sent to other processes, each of which loads the project once."""

import multiprocessing
import pickle
import sys
from pathlib import Path

import pandas as pd
import pytest

import mmf_core as mmf
from mmf_core.batch_prediction import udf
from mmf_core.batch_prediction.errors import BatchError
from mmf_core.batch_prediction.udf import batch_udf
from mmf_core.registry import default

TABLE = pd.DataFrame({"a": ["1.5", "2"], "b": [1, 2], "other": ["x", "y"]}, index=[7, 3])


@pytest.fixture(autouse=True)
def fresh(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing loaded."""
    monkeypatch.setattr(udf, "_loaded", {})
    monkeypatch.syspath_prepend(project)


def test_rows_have_their_predictions_under_their_labels() -> None:
    result = batch_udf("score")(TABLE)
    assert result["prediction"].to_dict() == {7: 2.5, 3: 4.0}
    assert list(batch_udf()(TABLE)["prediction"]) == [2.5, 4.0]
    sys.modules.pop("main")


def test_invalid_cells_are_named() -> None:
    with pytest.raises(mmf.InvalidValue, match="1 cell does not match"):
        batch_udf("score")(TABLE.assign(b=[1, -1]))
    sys.modules.pop("main")


def test_partition_without_rows_has_none() -> None:
    assert len(batch_udf("score")(TABLE.iloc[:0])) == 0


def test_it_is_sent_to_other_processes_as_its_names(project: Path) -> None:
    function = batch_udf("score", folder=project)
    assert len(pickle.dumps(function)) < 300
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        first, second = pool.map(function, [TABLE, TABLE])
    pd.testing.assert_frame_equal(first, second)
    assert first["prediction"].to_dict() == {7: 2.5, 3: 4.0}


def test_artifacts_are_in_the_folder_of_the_project(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "bias.txt").write_text("0.5")
    text = (project / "main.py").read_text()
    text = text.replace(
        "@mmf.target",
        'with mmf.artifact("bias.txt") as f:\n    B = float(f.read())\n\n\n@mmf.target',
        1,
    )
    (project / "main.py").write_text(text.replace("* factor", "* factor + B"))
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setattr(default, "folder", Path())
    assert list(batch_udf("score", folder=project)(TABLE)["prediction"]) == [3.0, 4.5]
    sys.modules.pop("main")


def test_function_that_returns_fewer_rows_is_refused(project: Path) -> None:
    text = (
        (project / "main.py")
        .read_text()
        .replace("return (", "return ((")
        .replace("* factor", "* factor).iloc[:1]")
    )
    (project / "main.py").write_text(text)
    with pytest.raises(BatchError, match="expected a row for each row, got 1 for 2"):
        batch_udf("score")(TABLE)
    sys.modules.pop("main")

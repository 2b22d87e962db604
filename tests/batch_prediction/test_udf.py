"""A target as a function that is sent to other processes, each of which loads the project once."""

import multiprocessing
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from batch_project import Predict

import mmf_core as mmf
from baking import ROOT
from mmf_core.batch_prediction import udf
from mmf_core.batch_prediction.errors import BatchError
from mmf_core.batch_prediction.udf import batch_udf
from mmf_core.registry import default
from test_readme import blocks

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


def test_function_that_sorts_its_rows_is_refused(project: Path, predict: Predict) -> None:
    """A row got the prediction of another one."""
    (project / "main.py").write_text(
        "import mmf_core as mmf\n"
        "@mmf.target(returns=mmf.DataFrame())\n"
        'def score(data=mmf.DataFrame(schema={"a": float})):\n'
        '    return data.sort_values("a", ascending=False)\n'
    )
    with pytest.raises(BatchError, match="expected a row for each row, in the same order"):
        batch_udf("score")(TABLE)
    sys.modules.pop("main")
    (project / "in.csv").write_text("a\n1\n2\n")
    for options in ((), ("--keep-all",)):
        stderr = predict("-i", "in.csv", "-o", "out.csv", *options, code=2).stderr
        assert "score: expected a row for each row, in the same order" in stderr


def partitions(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [table.iloc[:1], table.iloc[1:]]


class Spark(pd.DataFrame):
    """Stands in for a frame of Spark, which gives a function an iterator of partitions."""

    def mapInPandas(  # noqa: N802 - Spark's name
        self, function: Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]], schema: str
    ) -> pd.DataFrame:
        assert schema == "price double"
        return pd.concat(function(iter(partitions(self))))


class Ray(pd.DataFrame):
    """Stands in for a dataset of Ray, which calls a function with a batch at a time."""

    def map_batches(
        self, function: Callable[[pd.DataFrame], pd.DataFrame], *, batch_format: str
    ) -> pd.DataFrame:
        assert batch_format == "pandas"
        return pd.concat([function(each) for each in partitions(self)])


class Dask(pd.DataFrame):
    """Stands in for a table of dask, whose functions are sent to other processes."""

    def map_partitions(
        self, function: Callable[[pd.DataFrame], pd.DataFrame], *, meta: dict[str, str]
    ) -> pd.DataFrame:
        assert meta == {"price": "f8"}
        sent = pickle.dumps(function)
        return pd.concat([pickle.loads(sent)(each) for each in partitions(self)])


def test_page_calls_it_as_each_engine_does(project: Path) -> None:
    page = ROOT / "docs" / "batch.md"
    main, *_, engines = blocks(page, "python")
    (project / "main.py").write_text(main.text)
    lines = engines.text.replace("/srv/wines", str(project)).splitlines()
    table = pd.DataFrame({"alcohol": [12.5, 13.0], "year": [2020, 2024]})
    names: dict[str, Any] = {"frame": Spark(table), "dataset": Ray(table), "table": Dask(table)}
    calls = [line for line in lines if line.startswith(tuple(f"{name}." for name in names))]
    exec("\n".join(line for line in lines if line not in calls), names)
    assert len(calls) == 3
    for call in calls:
        assert eval(call, names)["price"].tolist() == [119.0, 128.0]
    sys.modules.pop("main")

"""`mmfmeta compare`: the rows whose predictions another version changes, in a workbook."""

import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import openpyxl
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression

import mmf_core as mmf
from baking import PAYLOAD
from mmf_core.execution import Execution
from mmf_core.rollouts import compare as module
from mmf_core.rollouts import compare_command
from mmf_core.rollouts.compare import NotComparable, compare

MAIN = """
import mmf_core as mmf

model = mmf.artifact("model.joblib").load()


@mmf.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame(schema={"a": float}, extra="keep"), limit=mmf.Float(default=2.0)):
    return model.predict(data).clip(0, limit)


@mmf.target(returns=mmf.Float())
def total(data=mmf.DataFrame(schema={"a": float})):
    return float(model.predict(data).sum())
"""


def target(function: Callable[..., Any], **options: Any) -> mmf.registry.Target:  # type: ignore[name-defined]
    registry = mmf.Registry()
    registry.target(returns=mmf.DataFrame(), **options)(function)
    return registry.targets[function.__name__]


def versions(old: Callable[..., Any], new: Callable[..., Any]) -> dict[str, Execution]:
    def as_target(predict: Callable[..., Any]) -> Execution:
        def score(data: Any = ANY) -> Any:
            return predict(data)

        return Execution(target(score))

    return {"v1": as_target(old), "v2": as_target(new)}


ANY = mmf.DataFrame(schema=None)
TABLE = pd.DataFrame({"row": [5, 6, 7], "a": ["=1+1", None, "x"]})


def test_changed_rows_are_coloured() -> None:
    both = versions(
        lambda _: pd.DataFrame({"label": ["red", "white", None], "p": [0.5, 0.25, np.nan]}),
        lambda _: pd.DataFrame({"label": ["red", "red", None], "p": [0.6, 0.25, np.nan]}),
    )
    result = compare(TABLE, "data", both)
    assert (result.rows, result.cells) == (3, [(1, 3), (0, 5)])
    sheet = openpyxl.load_workbook(io.BytesIO(result.workbook())).active
    values = [[cell.value for cell in row] for row in sheet]
    assert values == [
        ["row", "row ", "a", "label (v1)", "label (v2)", "p (v1)", "p (v2)"],
        [1, 5, "=1+1", "red", "red", 0.5, 0.6],
        [2, 6, None, "white", "red", 0.25, 0.25],
    ]
    assert sheet["C2"].data_type == "s", "a text is no formula"
    coloured = {
        cell.coordinate: cell.fill.start_color.rgb[2:]
        for row in sheet
        for cell in row
        if cell.fill.patternType
    }
    old, new = module.OLD_COLOUR, module.NEW_COLOUR
    assert coloured == {"D3": old, "E3": new, "F2": old, "G2": new}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([1, 2, 3], [1.0, 2.0, 3.0]),
        ([0.1 + 0.2, 1.0, 2.0], [0.3, 1.0, 2.0]),
        (pd.array([1, None, 3], dtype="Int64"), [1.0, np.nan, 3.0]),
    ],
)
def test_same_numbers_are_the_same(old: Any, new: Any) -> None:
    both = versions(lambda _: pd.DataFrame({"p": old}), lambda _: pd.DataFrame({"p": new}))
    assert compare(TABLE, "data", both).cells == []


def test_column_that_only_one_version_has_is_a_change() -> None:
    both = versions(
        lambda _: pd.DataFrame({"p": [1, 2, 3]}), lambda _: pd.DataFrame({"q": [1, 2, 3]})
    )
    changed = compare(TABLE, "data", both).changed
    assert list(changed.columns)[3:] == ["p (v1)", "p (v2)", "q (v1)", "q (v2)"]
    assert len(changed) == 3


def test_incomparable_results_are_rejected() -> None:
    message = "v2: expected a prediction for each of the 3 rows, got 2"
    with pytest.raises(NotComparable, match=message):
        compare(TABLE, "data", versions(lambda _: [1, 2, 3], lambda _: [1, 2]))


def test_version_that_fails_is_named() -> None:
    def score(data: Any = ANY) -> Any:
        del data
        raise ZeroDivisionError("by zero")

    with pytest.raises(NotComparable, match="v2: score failed: ZeroDivisionError: by zero"):
        compare_command._call("v2", target(score))({"data": TABLE})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(MAIN)
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    joblib.dump(LinearRegression().fit(table, table["a"]), tmp_path / "model.joblib")
    joblib.dump(LinearRegression().fit(table, 1.5 * table["a"]), tmp_path / "new.joblib")
    joblib.dump(DummyRegressor().fit(table, table["a"]), tmp_path / "mean.joblib")
    table.assign(id=["x", "y", "z"]).to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mmf_core", "compare", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(PAYLOAD), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_command_compares_files(folder: Path) -> None:
    done = run(folder, "model.joblib=new.joblib", "rows.csv", "-o", "out.xlsx")
    assert (done.returncode, done.stdout) == (1, "1 of 3 rows change (33.3%): out.xlsx\n"), done
    changed = pd.read_excel(folder / "out.xlsx", engine="calamine")
    assert changed.to_numpy().tolist() == [[1, 1.0, "x", 1.0, 1.5]]
    *inputs, old, new = changed.columns
    assert inputs == ["row", "a", "id"]
    assert re.fullmatch(r"prediction \(\w{12}\)", old)
    assert new == "prediction (candidate)"


@pytest.mark.long
def test_command_compares_the_plan_and_reports_errors(folder: Path) -> None:
    done = run(folder, "model.joblib=model.joblib", "rows.csv")
    assert (done.returncode, done.stdout) == (0, "3 rows, the same predictions\n"), done
    assert not (folder / "changed.xlsx").exists()
    (folder / "rollout.toml").write_text(
        '[candidate]\nname = "v2"\n[candidate.artifacts]\n"model.joblib" = "mean.joblib"\n'
    )
    done = run(folder, "v2", "rows.csv")
    assert (done.returncode, done.stdout) == (1, "1 of 3 rows change (33.3%): changed.xlsx\n")
    for arguments, message in (
        (["v3", "rows.csv"], "it has v2"),
        (["model.joblib", "new.joblib", "rows.csv"], "expected FILE=OTHER"),
        (["v2", "rows.csv", "--target", "total"], "name the target, one that returns rows"),
        (["v2", "main.py"], "expected a table, such as .csv or .xlsx"),
        (["model.joblib=none.joblib", "rows.csv"], "none.joblib"),
    ):
        done = run(folder, *arguments)
        assert done.returncode == 2, done
        assert message in done.stderr
    (folder / "rows.csv").write_text("a\nmany\n")
    done = run(folder, "v2", "rows.csv")
    assert done.returncode == 2
    assert 'a, row 0: expected a number, got "many"' in done.stderr

"""The profile of a model's reference: small, correct, and unchanged when read again."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression

import mmf_core as mmf
from mmf_core import models
from mmf_core.drift.profile import (
    MIN_ROWS,
    PREDICTION,
    ColumnProfile,
    read,
    save,
    text_of,
)
from mmf_core.errors import ArtifactError
from mmf_core.models import profile_of

RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "number": RANDOM.normal(size=1_000),
        "half empty": np.where(RANDOM.random(1_000) < 0.5, np.nan, RANDOM.random(1_000)),
        "rounded": RANDOM.integers(0, 3, 1_000),
        "constant": np.zeros(1_000),
        "kind": pd.Series(RANDOM.choice(["red", "white"], 1_000)).where(np.arange(1_000) >= 100),
        "flag": RANDOM.random(1_000) < 0.25,
        "name": [f"name {number}" for number in range(1_000)],
        "day": pd.date_range("2026-01-01", periods=1_000, freq="h"),
    }
)


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "model.joblib"
    model = LinearRegression().fit(TABLE[["number"]], 2 * TABLE["number"])
    mmf.save_model(model, path, example=TABLE[["number"]], reference=TABLE[["number"]])
    return path


def test_saved_model_has_a_profile_of_some_kilobytes(model_file: Path) -> None:
    profile = read(profile_of(model_file))
    assert profile.rows == 1_000
    assert profile.columns.keys() == {"number", PREDICTION}
    number, prediction = profile.columns["number"], profile.columns[PREDICTION]
    assert len(number.edges) == 19
    assert number.shares[0] == 0
    assert number.shares[1:] == pytest.approx([0.05] * 20, abs=0.002)
    assert prediction.edges == pytest.approx([2 * edge for edge in number.edges], rel=1e-4)
    assert profile_of(model_file).stat().st_size < 2_000


def test_model_without_a_reference_has_no_profile(tmp_path: Path) -> None:
    model = LinearRegression().fit(TABLE[["number"]], TABLE["number"])
    mmf.save_model(model, tmp_path / "model.joblib", example=TABLE[["number"]])
    assert [path.name for path in tmp_path.iterdir()] == ["model.joblib"]


def test_profile_has_every_kind_of_column(tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    path.write_bytes(b"a model")
    save(DummyClassifier().fit(TABLE[["number"]], TABLE["flag"]), path, TABLE)
    columns = read(profile_of(path)).columns
    assert columns.keys() == set(TABLE.columns) - {"day"} | {PREDICTION}
    assert columns["half empty"].shares[0] == pytest.approx(0.5, abs=0.05)
    assert columns["rounded"].edges == (0, 1)
    assert columns["rounded"].labels() == ["empty", "≤ 0", "0 … 1", "> 1"]
    assert columns["constant"].edges == ()
    assert columns["constant"].labels() == ["empty", "any"]
    assert set(columns["kind"].values or ()) == {"red", "white"}
    assert columns["kind"].shares[0] == 0.1
    assert columns["flag"].values == ("false", "true")
    assert columns["name"].values == (), f"names that occur less than {MIN_ROWS} times"
    assert columns["name"].shares == (0, 1)
    assert columns[PREDICTION].values == ("false",)
    for name, each in columns.items():
        assert sum(each.shares) == pytest.approx(1), name
        assert len(each.labels()) == len(each.shares)


def test_cells_are_counted_in_their_bins() -> None:
    number = ColumnProfile((0.0,) * 4, edges=(1.0, 2.0))
    cells = [None, "x", 0.5, 1, 1.5, 2, np.inf, -np.inf, True]
    assert number.count(cells).tolist() == [2, 4, 2, 1]
    assert number.count(pd.array([1, None, 3], dtype="Int64")).tolist() == [1, 1, 0, 1]
    assert number.count(np.array([1.5, np.nan])).tolist() == [1, 0, 1, 0]
    kind = ColumnProfile((0.0,) * 4, values=("1", "true"))
    cells = [1, 1.0, "1", True, None, np.nan, pd.NA, "other", np.int64(1), np.bool_(True)]
    assert kind.count(cells).tolist() == [3, 4, 2, 1]
    assert kind.count([]).tolist() == [0] * 4


def test_wide_tables_have_fewer_bins(tmp_path: Path) -> None:
    wide = pd.DataFrame(RANDOM.normal(size=(500, 300)), columns=[f"c{i}" for i in range(300)])
    path = tmp_path / "model.joblib"
    path.write_bytes(b"a model")
    save(object(), path, wide)
    profile = read(profile_of(path))
    assert len(profile.columns) == 200
    assert {len(each.edges) for each in profile.columns.values()} == {9}
    assert profile_of(path).stat().st_size < 60_000


@pytest.mark.parametrize("reference", [[[1.0]], np.ones((2, 1)), TABLE[["number"]].head(0)])
def test_reference_is_a_table_with_rows(reference: object, tmp_path: Path) -> None:
    model = LinearRegression().fit(TABLE[["number"]].to_numpy(), TABLE["number"])
    with pytest.raises(ArtifactError, match="expected a table with rows"):
        mmf.save_model(model, tmp_path / "m.joblib", example=[[1.0]], reference=reference)


HEAD = '{"rows": 1, "sha256": "", "columns": {"a": '


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"rows": 1}',
        HEAD + '{"shares": [1], "edges": [1], "values": null}}}',
        HEAD + '{"x": 1}}}',
        HEAD + '{"shares": [0, 1, 0, 0], "edges": [2, 1], "values": null}}}',
    ],
)
def test_invalid_profile_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "model.joblib.profile"
    path.write_text(text)
    with pytest.raises(ArtifactError, match=r"model\.joblib\.profile"):
        read(path)


def test_reference_is_ignored_without_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "parts", lambda _: [])
    model = LinearRegression().fit(TABLE[["number"]], TABLE["number"])
    table = TABLE[["number"]]
    mmf.save_model(model, tmp_path / "model.joblib", example=table, reference=table)
    assert [path.name for path in tmp_path.iterdir()] == ["model.joblib"]


def test_profile_is_json_for_people(model_file: Path) -> None:
    document = json.loads(profile_of(model_file).read_text())
    assert document.keys() == {"rows", "columns", "sha256"}


def test_long_texts_are_cut() -> None:
    assert text_of("x" * 100) == "x" * 50


@pytest.mark.parametrize(
    ("cell", "text"),
    [(np.array([]), "[]"), (np.array([1, 2]), "[1 2]"), ([1], "[1]"), (pd.NaT, None), (None, None)],
    ids=repr,
)
def test_lists_are_categories(cell: object, text: str | None) -> None:
    """Lists in Arrow files become arrays, which have no truth value."""
    assert text_of(cell) == text

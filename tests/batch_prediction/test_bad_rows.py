"""Bad rows are kept apart, with their row, column and message; the others are predicted."""

from pathlib import Path

import pandas as pd
import pytest
from batch_project import Predict

GOOD = 300
BAD = {7: ("a", '"strong"'), 150: ("b", "-1"), 299: ("a", "empty")}


@pytest.fixture
def source(project: Path) -> Path:
    """Give a CSV with three bad rows."""
    rows = [f"{row},1" for row in range(GOOD)]
    rows[7], rows[150], rows[299] = "strong,1", "1.5,-1", ",1"
    path = project / "in.csv"
    path.write_text("a,b\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "xlsx"])
def test_bad_rows_go_to_their_own_file(
    kind: str, workers: str, project: Path, predict: Predict
) -> None:
    options = ("--batch-rows", "100", "--errors", f"bad.{kind}", "-n", workers)
    result = predict("-i", "in.csv", "-o", "out.csv", *options, code=1)
    assert "wrote 297 rows to out.csv in " in result.stderr
    assert f"3 bad rows: see bad.{kind}" in result.stderr
    path = project / f"bad.{kind}"
    match kind:
        case "csv":
            bad = pd.read_csv(path)
        case "jsonl":
            bad = pd.read_json(path, lines=True)
        case _:
            bad = pd.read_excel(path, engine="calamine")
    assert bad.columns.tolist() == ["file", "row", "column", "message"]
    assert bad["row"].tolist() == list(BAD)
    assert bad["file"].tolist() == ["in.csv"] * 3
    for (column, text), name, message in zip(
        BAD.values(), bad["column"], bad["message"], strict=True
    ):
        assert name == column
        assert text in message
    written = pd.read_csv(project / "out.csv")["prediction"].tolist()
    assert written == [row + 1 for row in range(GOOD) if row not in BAD]


@pytest.mark.usefixtures("source")
def test_without_a_file_for_them_no_row_may_be_bad(project: Path, predict: Predict) -> None:
    stderr = predict("-i", "in.csv", "-o", "out.csv", code=2).stderr
    assert "3 bad rows, more than --max-errors=0 allows" in stderr
    assert 'the first: in.csv, row 7, column "a": expected a number, got "strong"' in stderr
    assert stderr.strip().endswith("--resume continues")
    assert not (project / "out.csv").exists()
    predict("-i", "in.csv", "-o", "out.csv", "--errors", "bad.csv", code=1)  # starts over


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize(("most", "code"), [("3", 1), ("2", 2)])
def test_run_ends_when_more_rows_are_bad_than_allowed(
    most: str, code: int, project: Path, predict: Predict
) -> None:
    options = ("--errors", "bad.csv", "--max-errors", most)
    predict("-i", "in.csv", "-o", "out.csv", *options, code=code)
    assert (project / "out.csv").exists() is (code == 1)
    assert len(pd.read_csv(project / "bad.csv")) == 3


@pytest.mark.usefixtures("source")
def test_more_errors_are_allowed_to_a_run_that_is_continued(
    project: Path, predict: Predict
) -> None:
    options = ("-i", "in.csv", "-o", "out.csv", "--errors", "bad.csv", "--max-errors")
    assert predict(*options, "2", code=2).stderr.endswith("see bad.csv; --resume continues\n")
    predict(*options, "3", "--resume", code=1)
    assert len(pd.read_csv(project / "bad.csv")) == 3
    assert len(pd.read_csv(project / "out.csv")) == GOOD - 3


def test_only_bad_rows_are_no_output(project: Path, predict: Predict) -> None:
    (project / "in.csv").write_text("a,b\nx,1\ny,2\n")
    options = ("-i", "in.csv", "-o", "out.csv", "--errors", "bad.csv")
    assert "no row can be predicted: 2 bad rows; see bad.csv" in predict(*options, code=2).stderr
    assert len(pd.read_csv(project / "bad.csv")) == 2
    assert not (project / "out.csv").exists()


def test_file_of_bad_rows_is_there_when_none_is_bad(project: Path, predict: Predict) -> None:
    (project / "in.csv").write_text("a,b\n1,1\n")
    predict("-i", "in.csv", "-o", "out.csv", "--errors", "bad.csv")
    assert (project / "bad.csv").read_text() == "file,row,column,message\n"


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("rows", [4, 400])
def test_records_that_cannot_be_read_are_bad_rows(
    rows: int,
    project: Path,
    predict: Predict,
) -> None:
    lines = ["1.5,2"] * rows
    lines[1], lines[3] = "1,2,3,4", '2,"3'  # too many cells; without its closing quote
    lines = lines[:3] + lines[4:] + [lines[3]]
    (project / "in.csv").write_text("a,b\n" + "\n".join(lines))
    options = ("-i", "in.csv", "-o", "out.csv", "--errors", "bad.csv", "--batch-rows", "64")
    predict(*options, code=1)
    bad = pd.read_csv(project / "bad.csv")
    assert bad["row"].tolist() == [1, rows - 1]
    assert "more cells than its header" in bad["message"][0]
    assert len(pd.read_csv(project / "out.csv")) == rows - 2


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("rows", [4, 400])
def test_lines_that_are_not_json_are_bad_rows(
    rows: int,
    project: Path,
    predict: Predict,
) -> None:
    lines = ['{"a": 1.5, "b": 2}'] * rows
    lines[1], lines[2] = '{"a": 1.5', "7"
    (project / "in.jsonl").write_text("\n".join(lines))
    options = ("-i", "in.jsonl", "-o", "out.csv", "--errors", "bad.csv", "--batch-rows", "64")
    predict(*options, code=1)
    bad = pd.read_csv(project / "bad.csv")
    assert bad["row"].tolist() == [1, 2]
    assert len(pd.read_csv(project / "out.csv")) == rows - 2


REJECTS = """
import mmf_core as mmf


@mmf.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame(schema={"a": float})):
    if ROWS and (data["a"] < 0).any():
        rows = data.index[data["a"] < 0].tolist()
        raise mmf.InvalidValue("negative", [mmf.ErrorDetail("negative", row=row) for row in rows])
    if (data["a"] < 0).any():
        raise mmf.InvalidValue("some are negative")
    return data["a"] * 2
"""


@pytest.mark.parametrize("with_rows", [True, False])
def test_rows_that_the_function_rejects_are_found(
    with_rows: bool, project: Path, predict: Predict
) -> None:
    (project / "main.py").write_text(REJECTS.replace("ROWS", str(with_rows)))
    values = [-row if row in {3, 50, 51, 99} else row for row in range(100)]
    pd.DataFrame({"a": values}).to_csv(project / "in.csv", index=False)
    options = ("-i", "in.csv", "-o", "out.csv", "--errors", "bad.csv", "--batch-rows", "40")
    predict(*options, code=1)
    assert pd.read_csv(project / "bad.csv")["row"].tolist() == [3, 50, 51, 99]
    assert pd.read_csv(project / "out.csv")["a"].tolist() == [
        2 * value for value in values if value >= 0
    ]


def test_function_that_rejects_everything_is_not_called_for_each_row(
    project: Path, predict: Predict
) -> None:
    text = REJECTS.replace("ROWS", "False").replace('(data["a"] < 0).any()', "True")
    (project / "main.py").write_text(text)
    pd.DataFrame({"a": range(10_000)}).to_csv(project / "in.csv", index=False)
    options = ("-i", "in.csv", "-o", "out.csv", "--errors", "bad.csv")
    assert "some are negative" in predict(*options, code=2).stderr

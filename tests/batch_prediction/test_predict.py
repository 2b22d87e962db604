"""`mmfmeta predict`: any format to any format, in chunks, as the service would answer."""

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from batch_project import Predict

from mmf_core.registry import default, load
from mmf_core.web import create_app

ROWS = 500
FORMATS = ("csv", "tsv", "jsonl", "parquet", "arrow", "feather", "xlsx", "json", "csv.gz")


def table(rows: int = ROWS, start: int = 0) -> pd.DataFrame:
    numbers = np.arange(start, start + rows)
    ids = [f"{number:05}" for number in numbers]
    return pd.DataFrame({"id": ids, "a": numbers / 8, "b": numbers, "note": "x, y"})


def write(path: Path, content: pd.DataFrame) -> Path:
    """Write a table with pandas and pyarrow, in the format of the path."""
    match path.suffixes:
        case [".csv"] | [".csv", ".gz"]:
            content.to_csv(path, index=False)
        case [".tsv"]:
            content.to_csv(path, index=False, sep="\t")
        case [".jsonl"]:
            content.to_json(path, orient="records", lines=True)
        case [".json"]:
            content.to_json(path, orient="records")
        case [".parquet"]:
            content.to_parquet(path, row_group_size=130)
        case [".feather"]:
            content.to_feather(path, chunksize=150)
        case [".xlsx"]:
            content.to_excel(path, index=False)
        case [".arrow"]:
            arrow = pa.Table.from_pandas(content)
            with pa.ipc.new_stream(path, arrow.schema) as stream:
                stream.write_table(arrow, max_chunksize=90)
    return path


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": lambda path: pd.read_csv(path, dtype={"id": str}),
    ".gz": lambda path: pd.read_csv(path, dtype={"id": str}),
    ".tsv": lambda path: pd.read_csv(path, sep="\t", dtype={"id": str}),
    ".jsonl": lambda path: pd.read_json(path, lines=True, dtype={"id": str}),
    ".json": lambda path: pd.read_json(path, dtype={"id": str}),
    ".parquet": pd.read_parquet,
    ".feather": pd.read_feather,
    ".xlsx": lambda path: pd.read_excel(path, dtype={"id": str}, engine="calamine"),
    ".arrow": lambda path: pa.ipc.open_stream(path.read_bytes()).read_pandas(),
}


def read(path: Path) -> pd.DataFrame:
    return READERS[path.suffix](path)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", ["csv", "parquet", "xlsx"])
def test_each_format_is_read(source: str, target: str, project: Path, predict: Predict) -> None:
    write(project / f"in.{source}", table())
    predict(
        *("-i", f"in.{source}", "-o", f"out.{target}", "--keep", "id", "--batch-rows", "64"),
        *("--set", "factor=2"),
    )
    written = read(project / f"out.{target}")
    assert written.columns.tolist() == ["id", "prediction"]
    assert written["id"].tolist() == table()["id"].tolist()
    assert written["prediction"].tolist() == ((table()["a"] + table()["b"]) * 2).tolist()
    assert sorted(path.name for path in project.iterdir() if path.name != "__pycache__") == sorted(
        ["main.py", f"in.{source}", f"out.{target}"]
    )


@pytest.mark.parametrize("target", FORMATS)
def test_each_format_is_written(target: str, project: Path, predict: Predict) -> None:
    write(project / "in.parquet", table())
    predict("-i", "in.parquet", "-o", f"out.{target}", "--keep-all", "--batch-rows", "64")
    expected = table().assign(prediction=table()["a"] + table()["b"])
    pd.testing.assert_frame_equal(read(project / f"out.{target}"), expected, check_dtype=False)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("source", ["csv", "tsv", "jsonl", "parquet"])
def test_chunks_give_the_bytes_that_the_service_gives(
    source: str, project: Path, predict: Predict
) -> None:
    content = write(project / f"in.{source}", table()).read_bytes()
    predict("-i", f"in.{source}", "-o", "out.csv", "--batch-rows", "64")
    media_types = {
        "csv": "text/csv",
        "tsv": "text/tab-separated-values",
        "jsonl": "application/x-ndjson",
        "parquet": "application/vnd.apache.parquet",
    }
    default.targets.clear()
    client = create_app(load("main")).test_client()
    sys.modules.pop("main", None)
    answer = client.post("/score", data=content, content_type=media_types[source])
    assert answer.status_code == 200
    assert (project / "out.csv").read_bytes() == answer.data


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("target", ["csv", "parquet", "jsonl.gz"])
def test_two_workers_write_the_same_bytes(target: str, project: Path, predict: Predict) -> None:
    write(project / "in.csv", table(2000))
    predict("-i", "in.csv", "-o", f"one.{target}", "--batch-rows", "100")
    predict("-i", "in.csv", "-o", f"two.{target}", "--batch-rows", "100", "--workers", "2")
    assert (project / f"one.{target}").read_bytes() == (project / f"two.{target}").read_bytes()


def test_standard_input_and_output(predict: Predict) -> None:
    result = predict("score", "-i", "-", "-o", "-", "-t", "csv", stdin=b"a,b\n1.5,2\n2.5,3\n")
    assert result.stdout == "prediction\n3.5\n5.5\n"
    assert "wrote 2 rows" in result.stderr


def test_several_files_and_patterns_are_one_table(project: Path, predict: Predict) -> None:
    (project / "in").mkdir()
    for start in (0, 10, 20):
        write(project / "in" / f"{start:02}.csv", table(10, start))
    (project / "in" / "_SUCCESS").touch()
    predict("-i", "in", "-o", "folder.csv", "--keep", "id")
    predict("-i", "in/*.csv", "-o", "pattern.csv", "--keep", "id")
    names = [f"in/{start:02}.csv" for start in (0, 10, 20)]
    predict(*(each for name in names for each in ("-i", name)), "-o", "each.csv", "--keep", "id")
    assert read(project / "folder.csv")["id"].tolist() == table(30)["id"].tolist()
    assert (project / "pattern.csv").read_bytes() == (project / "folder.csv").read_bytes()
    assert (project / "each.csv").read_bytes() == (project / "folder.csv").read_bytes()


def test_compressed_output_is_a_stream_of_members(project: Path, predict: Predict) -> None:
    write(project / "in.csv", table())
    predict("-i", "in.csv", "-o", "out.csv", "--batch-rows", "64")
    predict("-i", "in.csv", "-o", "out.csv.gz", "--batch-rows", "64")
    assert gzip.decompress((project / "out.csv.gz").read_bytes()) == (
        (project / "out.csv").read_bytes()
    )


def test_kept_columns_are_as_they_came(project: Path, predict: Predict) -> None:
    (project / "in.csv").write_text("id,a,b,price\n007,1,2,1.50\nNA,3,4,1e-07\n", "utf-8")
    predict("-i", "in.csv", "-o", "out.csv", "--keep", "price,id")
    assert (project / "out.csv").read_text() == "id,price,prediction\n007,1.50,3.0\nNA,1e-07,7.0\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--summary", "in.csv"), "is an input, too"),
        (("--summary", "main.py"), "main.py exists"),
        (("--summary", "./out.csv"), "different files"),
        (("--errors", "./out.csv"), "different files"),
    ],
)
def test_no_file_is_lost_to_another(
    options: tuple[str, ...], words: str, project: Path, predict: Predict
) -> None:
    (project / "in.csv").write_text("a,b\n1,2\n")
    before = {path: path.read_bytes() for path in project.iterdir() if path.is_file()}
    result = predict("-i", "in.csv", "-o", "out.csv", *options, code=2)
    assert words in result.output
    assert {path: path.read_bytes() for path in project.iterdir() if path.is_file()} == before


def test_summary_describes_the_run(project: Path, predict: Predict) -> None:
    write(project / "in.csv", table())
    predict("-i", "in.csv", "-o", "out.csv", "--summary", "summary.json")
    summary = json.loads((project / "summary.json").read_text("utf-8"))
    assert (summary["rows"], summary["predicted"], summary["bad"]) == (ROWS, ROWS, 0)
    assert summary["target"] == "score"
    assert len(summary["output"]["sha256"]) == len(summary["inputs"][0]["sha256"]) == 64
    assert summary["versions"]["pandas"] == pd.__version__

"""What cannot be read or written is refused with a message, and no output appears."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_project import Predict

from baking import PAYLOAD
from mmf_core.batch_prediction import run
from mmf_core.batch_prediction.journal import Journal


def good(rows: int = 400) -> pd.DataFrame:
    return pd.DataFrame({"a": np.arange(rows) / 8, "b": np.arange(rows)})


def refused(predict: Predict, *arguments: str, stdin: bytes | None = None) -> str:
    """Return the message of a run that writes nothing."""
    result = predict(*arguments, code=2, stdin=stdin)
    assert not Path("out.csv").exists()
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


def test_file_that_is_cut_off(project: Path, predict: Predict) -> None:
    good(50_000).to_parquet(project / "in.parquet")
    os.truncate(project / "in.parquet", 10_000)
    message = refused(predict, "-i", "in.parquet", "-o", "out.csv")
    assert "in.parquet: not a valid Parquet file; check that it is complete" in message


@pytest.mark.usefixtures("small_chunks")
def test_arrow_that_is_cut_off(project: Path, predict: Predict) -> None:
    table = pa.Table.from_pandas(good(5000))
    with pa.ipc.new_stream(project / "in.arrow", table.schema) as stream:
        stream.write_table(table, max_chunksize=500)
    os.truncate(project / "in.arrow", 50_001)
    message = refused(predict, "-i", "in.arrow", "-o", "out.csv")
    assert "in.arrow: not a valid Arrow table; check that it is complete" in message


@pytest.mark.parametrize("rows", [10, 5000])
@pytest.mark.usefixtures("small_chunks")
def test_gzip_that_is_cut_off(rows: int, project: Path, predict: Predict) -> None:
    data = gzip.compress(good(rows).to_csv(index=False).encode())
    (project / "in.csv.gz").write_bytes(data[:-9])
    message = refused(predict, "-i", "in.csv.gz", "-o", "out.csv")
    assert "in.csv.gz: the file ends in the middle of its .gz data" in message


@pytest.mark.parametrize(
    ("name", "end", "message"),
    [
        ("in.csv", b'1.5,2,"a note', "in.csv, row 400: this CSV cannot be read"),
        ("in.jsonl", b'{"a": 1.5, "b"', "the first: in.jsonl, row 400: "),
        ("in.xlsx", b"", "in.xlsx: "),
    ],
)
@pytest.mark.usefixtures("small_chunks")
def test_text_or_workbook_that_is_cut_off(
    name: str, end: bytes, message: str, project: Path, predict: Predict
) -> None:
    path = project / name
    match path.suffix:
        case ".csv":
            good().assign(note="x").to_csv(path, index=False)
        case ".jsonl":
            good().to_json(path, orient="records", lines=True)
        case ".xlsx":
            good().to_excel(path, index=False)
            os.truncate(path, path.stat().st_size // 2)
    with path.open("ab") as file:
        file.write(end)
    assert message in refused(predict, "-i", name, "-o", "out.csv")


def test_invalid_gzip_is_refused(project: Path, predict: Predict) -> None:
    good().to_csv(project / "in.csv.gz", index=False, compression=None)
    assert "expected .gz data" in refused(predict, "-i", "in.csv.gz", "-o", "out.csv")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a,b\n"])
def test_empty_file(content: bytes, project: Path, predict: Predict) -> None:
    (project / "in.csv").write_bytes(content)
    message = refused(predict, "-i", "in.csv", "-o", "out.csv")
    assert "expected at least one row" in message or "cannot be read" in message


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "xlsx", "feather", "arrow"])
def test_empty_table(suffix: str, project: Path, predict: Predict) -> None:
    path = project / f"in.{suffix}"
    match suffix:
        case "parquet":
            good(0).to_parquet(path)
        case "jsonl":
            path.touch()
        case "xlsx":
            good(0).to_excel(path, index=False)
        case "feather":
            good(0).to_feather(path)
        case "arrow":
            table = pa.Table.from_pandas(good(0))
            with pa.ipc.new_stream(path, table.schema) as stream:
                stream.write_table(table)
    assert "expected at least one row" in refused(predict, "-i", path.name, "-o", "out.csv")


def test_empty_file_among_others_has_no_rows(project: Path, predict: Predict) -> None:
    (project / "1.csv").write_text("a,b\n")
    (project / "2.csv").write_text("a,b\n1,2\n")
    predict("-i", "[12].csv", "-o", "out.csv")
    assert (project / "out.csv").read_text() == "prediction\n3.0\n"


def test_other_columns_in_the_second_file(project: Path, predict: Predict) -> None:
    (project / "1.csv").write_text("a,b\n1,2\n")
    (project / "2.csv").write_text("a,c\n1,2\n")
    message = refused(predict, "-i", "[12].csv", "-o", "out.csv")
    assert '2.csv: data: missing columns: b; the table has "c" instead' in message


def test_columns_of_the_second_file_in_another_order(project: Path, predict: Predict) -> None:
    (project / "1.csv").write_text("a,b,id\n1,2,x\n")
    (project / "2.csv").write_text("id,b,a\ny,20,10\n")
    predict("-i", "[12].csv", "-o", "out.csv", "--keep", "id")
    assert (project / "out.csv").read_text() == "id,prediction\nx,3.0\ny,30.0\n"


def test_kept_column_that_only_the_first_file_has(project: Path, predict: Predict) -> None:
    (project / "1.csv").write_text("a,b,id\n1,2,x\n")
    (project / "2.csv").write_text("a,b\n1,2\n")
    message = refused(predict, "-i", "[12].csv", "-o", "out.csv", "--keep", "id")
    assert "2.csv: --keep id: the input has no column of this name" in message


NO_SCHEMA = """
import mmf_core as mmf


@mmf.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame(schema=None)):
    return data["b"]
"""


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(
    ("late", "is_refused"),
    [("7", False), ("7.5", True), pytest.param("seven", True, marks=pytest.mark.long)],
)
def test_column_without_a_schema_that_changes_its_type_late(
    late: str, is_refused: bool, project: Path, predict: Predict
) -> None:
    (project / "main.py").write_text(NO_SCHEMA)
    rows = [f"{row}.5,{row}" for row in range(2000)] + [f"1,{late}"]
    (project / "in.csv").write_text("\n".join(["a,b", *rows]) + "\n")
    if not is_refused:
        predict("-i", "in.csv", "-o", "out.csv", "--batch-rows", "100")
        return
    batch_rows = "2" if late == "seven" else "100"  # the thousandth chunk, or the twentieth
    message = refused(predict, "-i", "in.csv", "-o", "out.csv", "--batch-rows", batch_rows)
    assert 'column "b": whole numbers in the first rows,' in message
    assert f"in.csv, from row {'2,000' if late == 'seven' else '1,9'}" in message


@pytest.mark.usefixtures("small_chunks")
def test_kept_column_that_changes_its_type_late(project: Path, predict: Predict) -> None:
    table = good(2000).assign(id=[*map(str, range(1999)), "A-17"])
    table.to_csv(project / "in.csv", index=False)
    options = ("-i", "in.csv", "--keep", "id", "--batch-rows", "100")
    predict(*options, "-o", "texts.csv")
    message = refused(predict, *options, "-o", "out.parquet")
    assert 'column "id": whole numbers in the first rows, text in these' in message
    assert "--text id" in message
    assert not (project / "out.parquet").exists()
    predict(*options, "-o", "out.parquet", "--text", "id", "--overwrite")
    assert pd.read_parquet(project / "out.parquet")["id"].tolist() == table["id"].tolist()


def test_output_that_exists(project: Path, predict: Predict) -> None:
    good().to_csv(project / "in.csv", index=False)
    (project / "there.csv").write_text("mine")
    message = refused(predict, "-i", "in.csv", "-o", "there.csv")
    assert "there.csv exists; write --overwrite to replace it" in message
    assert (project / "there.csv").read_text() == "mine"
    predict("-i", "in.csv", "-o", "there.csv", "--overwrite")
    assert (project / "there.csv").read_text().startswith("prediction\n")


@pytest.mark.parametrize("name", ["in.csv", "./in.csv", "link.csv"])
def test_output_that_is_the_input(name: str, project: Path, predict: Predict) -> None:
    good().to_csv(project / "in.csv", index=False)
    (project / "link.csv").symlink_to("in.csv")
    before = (project / "in.csv").read_bytes()
    message = refused(predict, "-i", "in.csv", "-o", name, "--overwrite")
    assert "is an input, too; write another file" in message
    assert (project / "in.csv").read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has this device")
def test_full_disk(project: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    good().to_csv(project / "in.csv", index=False)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "path", lambda *_: Path("/dev/full"))
        message = refused(predict, "-i", "in.csv", "-o", "out.csv")
    assert "cannot write to .out.csv.parts: No space left on device" in message
    predict("-i", "in.csv", "-o", "out.csv", "--resume")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has this device")
def test_disk_that_is_full_at_the_end_leaves_parts_to_continue(
    project: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message was that of the system, and did not say how to go on."""
    good().to_csv(project / "in.csv", index=False)
    with monkeypatch.context() as patch:
        patch.setattr(run, "_COMPLETE", "/dev/full")
        message = refused(predict, "-i", "in.csv", "-o", "out.csv")
    assert message.endswith("No space left on device; --resume continues")
    predict("-i", "in.csv", "-o", "out.csv", "--resume")


def test_limit_of_a_file_s_size_is_a_full_disk(project: Path) -> None:
    """The kernel itself refuses, whatever wrote: a part, the journal or the output."""
    good(60_000).to_csv(project / "in.csv", index=False)
    code = (
        "import resource, signal, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from mmf_core.cli import main\n"
        "main(['predict', '-i', 'in.csv', '-o', 'out.csv', '--batch-rows', '20000'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(PAYLOAD)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert b"File too large" in done.stderr
    assert b"Traceback" not in done.stderr
    assert not (project / "out.csv").exists()


def test_nested_columns_of_parquet(project: Path, predict: Predict) -> None:
    nested = good(200).assign(tags=[["x", "y"]] * 200, place=[{"x": 1, "y": None}] * 200)
    nested.to_parquet(project / "in.parquet")
    predict("-i", "in.parquet", "-o", "out.parquet", "--keep", "tags,place")
    written = pq.read_table(project / "out.parquet")
    assert written.column("tags").to_pylist() == [["x", "y"]] * 200
    assert written.column("place").to_pylist() == [{"x": 1, "y": None}] * 200
    nested.rename(columns={"a": "old", "tags": "a"}).to_parquet(project / "nested.parquet")
    message = refused(predict, "-i", "nested.parquet", "-o", "out.csv")
    assert 'column "a": expected a number, got' in message


def test_row_of_ten_megabytes(project: Path, predict: Predict) -> None:
    long = "x" * 10_000_000
    with (project / "in.csv").open("w") as file:
        file.write("a,b,note\n")
        for row in range(3000):
            file.write(f'{row},1,"{long if row == 1500 else "short"}"\n')
    predict("-i", "in.csv", "-o", "out.csv", "--keep", "note", "--batch-rows", "500")
    written = pd.read_csv(project / "out.csv")
    assert written["prediction"].tolist() == [row + 1 for row in range(3000)]
    assert written["note"][1500] == long


def test_row_that_is_too_long(
    project: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_MAX_BODY_MIB", "9")
    (project / "in.csv").write_text("a,b,note\n" + '1,1,"' + "x\n" * 12_000_000)
    message = refused(predict, "-i", "in.csv", "-o", "out.csv")
    assert "a closing quote may be missing (set MMF_MAX_BODY_MIB)" in message


FEWER = """
import mmf_core as mmf


@mmf.target(returns=mmf.DataFrame())
def score(data=mmf.DataFrame(schema={"a": float})):
    return data[data["a"] > 1]
"""


def test_function_that_returns_fewer_rows(project: Path, predict: Predict) -> None:
    (project / "main.py").write_text(FEWER)
    good().to_csv(project / "in.csv", index=False)
    message = refused(predict, "-i", "in.csv", "-o", "out.csv")
    assert "score: expected a row for each row, got 391 for 400" in message


def test_function_that_fails(project: Path, predict: Predict) -> None:
    good(300).replace({"a": {30.0: -666.0}}).to_csv(project / "in.csv", index=False)
    options = ("-i", "in.csv", "-o", "out.csv", "--batch-rows", "100")
    message = refused(predict, *options)
    assert "in.csv, from row 200 on: score failed: RuntimeError: the number of the" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-i", "absent.csv", "-o", "out.csv"), "absent.csv: not found"),
        (("-i", "fold*", "-o", "out.csv"), "fold*: matches only folders"),
        (("-i", "in.csv", "-i", "./in.csv", "-o", "out.csv"), "in.csv: is an input twice"),
        (("-i", "*.csv", "-i", "link.csv", "-o", "out.csv"), "link.csv: is an input twice"),
        (("-i", "-", "-i", "-", "-t", "csv", "-o", "out.csv"), "standard input: is an input twice"),
        (("-i", "in.csv", "-o", "absent/out.csv"), "the folder absent does not exist"),
        (("-i", "in.csv", "-o", "out.docx"), "out.docx: its name does not show its format"),
        (("-i", "in.csv", "-o", "out.parquet.gz"), "expected .parquet without .gz"),
        (("-i", "in.csv", "-o", "out.png"), "its name does not show its format"),
        (
            ("other", "-i", "in.csv", "-o", "out.csv"),
            "no such target; expected one of score, twice",
        ),
        (("-i", "in.csv", "-o", "out.csv", "--set", "x=1"), "NAME one of factor"),
        (
            ("twice", "-i", "in.csv", "-o", "out.csv", "--set", "x=1"),
            "--set x=1: the target has no other arguments",
        ),
        (("-i", "in.csv", "-o", "out.csv", "--set", "factor=much"), "expected a number"),
        (("-i", "in.csv", "-o", "out.csv", "--keep", "x"), "--keep x: the input has no column"),
    ],
)
def test_contradictory_options_are_refused(
    arguments: tuple[str, ...], message: str, project: Path, predict: Predict
) -> None:
    good().to_csv(project / "in.csv", index=False)
    (project / "link.csv").symlink_to("in.csv")
    (project / "folder").mkdir()
    assert message in refused(predict, *arguments)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a;b\n" + "1.5;2\n" * 500 + "1,5;2\n", "the first numbers have the decimal sign"),
        ("a,b\n" + "1,2\n" * 500 + "1,ж\n", ""),
    ],
)
def test_text_that_contradicts_its_beginning(
    content: str, message: str, project: Path, predict: Predict
) -> None:
    (project / "in.csv").write_text(content)
    assert message in refused(predict, "-i", "in.csv", "-o", "out.csv")


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "utf-8-sig"])
def test_encoding_is_that_which_the_service_finds(
    encoding: str, project: Path, predict: Predict
) -> None:
    rows = ["1,2,plain"] * 400 + ["1,2,вино"] * 400
    (project / "in.csv").write_text("\n".join(["a,b,note", *rows]), encoding=encoding)
    predict("-i", "in.csv", "-o", "out.csv", "--keep", "note", "--batch-rows", "50")
    assert pd.read_csv(project / "out.csv")["note"].tolist() == ["plain"] * 400 + ["вино"] * 400


@pytest.mark.usefixtures("small_chunks")
def test_wide_encoding_is_refused_in_chunks(project: Path, predict: Predict) -> None:
    (project / "in.csv").write_text("a,b\n" + "1,2\n" * 1000, encoding="utf-16")
    assert "expected UTF-8; convert it first" in refused(predict, "-i", "in.csv", "-o", "out.csv")


def test_json_of_errors_is_text(project: Path, predict: Predict) -> None:
    (project / "in.jsonl").write_text('{"a": "ж", "b": 1}\n{"a": 1, "b": 1}\n', encoding="utf-8")
    predict("-i", "in.jsonl", "-o", "out.csv", "--errors", "bad.jsonl", code=1)
    bad = json.loads((project / "bad.jsonl").read_text(encoding="utf-8"))
    assert bad["message"] == 'expected a number, got "ж"'


@pytest.mark.parametrize("declared", ["rows=2", 'schema={"a": mmf.Column(int, unique=True)}'])
def test_checks_of_a_whole_table_are_refused(
    project: Path, predict: Predict, declared: str
) -> None:
    source = f"""
        import mmf_core as mmf

        @mmf.target(returns=mmf.DataFrame())
        def score(data=mmf.DataFrame({declared})):
            return data
    """
    (project / "main.py").write_text(dedent(source))
    (project / "in.csv").write_text("a\n1\n1\n")
    printed = predict("-i", "in.csv", "-o", "out.csv", code=2).output
    assert "score: data: rows=, unique= and monotonic= are about a whole table" in printed

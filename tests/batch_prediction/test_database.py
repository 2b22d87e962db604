"""From a query of a database to a table of it, which appears with all of its rows."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy
from batch_project import Predict

from mmf_core.batch_prediction.database import Place
from postgres import postgres, programs

ROWS = 1000


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Give the URI of a database of PostgreSQL."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres() as uri:
        yield uri


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URI of a database with a table of a thousand rows."""
    if request.param == "sqlite":
        uri = f"sqlite:///{tmp_path / 'rows.db'}"
    else:
        uri = request.getfixturevalue("server")
    engine = sqlalchemy.create_engine(uri)
    with engine.begin() as connection:
        for name in ("rows", "out"):
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
        connection.exec_driver_sql("CREATE TABLE rows (id BIGINT, a FLOAT, b BIGINT, owner TEXT)")
        values = [
            {"id": 2**60 + row, "a": row / 8, "b": row, "owner": None if row % 2 else "x%:y"}
            for row in range(ROWS)
        ]
        connection.execute(sqlalchemy.text("INSERT INTO rows VALUES (:id, :a, :b, :owner)"), values)
    yield uri
    engine.dispose()


def table(uri: str, name: str = "out") -> pd.DataFrame:
    engine = sqlalchemy.create_engine(uri)
    try:
        return pd.read_sql(f"SELECT * FROM {name} ORDER BY id", engine, dtype_backend="pyarrow")
    finally:
        engine.dispose()


def test_query_becomes_a_table(database: str, predict: Predict) -> None:
    query = f"{database}?query=SELECT * FROM rows WHERE owner LIKE 'x%:y' ORDER BY id"
    options = ("--keep", "id,owner", "--batch-rows", "99")
    predict("-i", query, "-o", f"{database}/out", *options)
    written = table(database)
    assert written["id"].tolist() == [2**60 + row for row in range(0, ROWS, 2)]
    assert written["prediction"].tolist() == [row * 9 / 8 for row in range(0, ROWS, 2)]
    assert set(written["owner"]) == {"x%:y"}


def test_table_becomes_a_file_and_back(database: str, predict: Predict, project: Path) -> None:
    predict("-i", f"{database}/rows", "-o", "out.parquet", "--keep-all", "--batch-rows", "300")
    assert pd.read_parquet(project / "out.parquet")["id"].tolist() == [
        2**60 + row for row in range(ROWS)
    ]
    predict("-i", "out.parquet", "-o", f"{database}/out", "--keep", "id", "--workers", "2")
    assert len(table(database)) == ROWS


def test_table_that_exists_is_only_replaced_on_request(database: str, predict: Predict) -> None:
    predict("-i", f"{database}/rows", "-o", f"{database}/out", "--keep", "id")
    again = predict("-i", f"{database}/rows", "-o", f"{database}/out", code=2)
    assert "/out exists; write --overwrite to replace it" in again.stderr
    query = f"{database}?query=SELECT * FROM rows WHERE b < 10"
    predict("-i", query, "-o", f"{database}/out", "--keep", "id", "--overwrite")
    assert len(table(database)) == 10


def test_bad_row_leaves_no_table(database: str, predict: Predict) -> None:
    query = f"{database}?query=SELECT id, a, b - 500 AS b FROM rows ORDER BY id"
    options = ("-i", query, "-o", f"{database}/out", "--keep", "id")
    assert "500 bad rows" in predict(*options, code=2).stderr
    assert not Place.of(f"{database}/out").exists()
    predict(*options, "--errors", "bad.csv", "--overwrite", code=1)
    assert len(table(database)) == 500
    assert len(pd.read_csv("bad.csv")) == 500


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("?query=SELECT nothing", "nothing"),
        ("/absent", "absent"),
        ("?query=SELECT * FROM rows WHERE 1 = 0", "expected at least one row, got none"),
    ],
)
def test_message_is_that_of_the_database(
    name: str, message: str, database: str, predict: Predict
) -> None:
    stderr = predict("-i", f"{database}{name}", "-o", "out.csv", code=2).stderr
    assert message in stderr
    assert "mlflow:mlflow" not in stderr  # the password


def test_query_without_rows_or_server(predict: Predict) -> None:
    message = predict("-i", "postgresql://127.0.0.1:1/x/rows", "-o", "out.csv", code=2).stderr
    assert message.startswith("Error: postgresql://127.0.0.1:1/x/rows: connection")
    message = predict("-i", "postgresql://127.0.0.1", "-o", "out.csv", code=2).stderr
    assert "expected a table, postgresql://host/database/table" in message


def test_options_of_the_driver_are_not_a_part_of_the_name(predict: Predict, project: Path) -> None:
    """A table was named `out?timeout=5`, and the driver did not get its options."""
    (project / "in.csv").write_text("a,b\n1,2\n3,4\n")
    predict("-i", "in.csv", "-o", "sqlite:///out.db/out?timeout=5", "--keep-all")
    assert Place.of("sqlite:///out.db/out").exists()
    query = "sqlite:///out.db?timeout=5&query=SELECT a, b FROM out WHERE a > 1"
    predict("-i", query, "-o", "out.csv", "--keep-all")
    assert (project / "out.csv").read_text() == "a,b,prediction\n3.0,4,7.0\n"
    place = Place.of("postgresql://user@host/shop/wines?sslmode=require&password=secret")
    assert (place.url, place.table) == (
        "postgresql://user@host/shop?sslmode=require&password=secret",
        "wines",
    )
    assert place.shown == "postgresql://user@host/shop/wines"

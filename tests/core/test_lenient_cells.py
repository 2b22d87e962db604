"""Cells as people write them: read if unambiguous, otherwise rejected."""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sheets
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import mmf_core as mmf
from cpu_time import at_most
from mmf_core.codecs import Format, Kind, find
from mmf_core.descriptors import cells_read
from mmf_core.errors import BodyTooLarge, DescriptorError, InvalidValue
from mmf_core.web import cells_read as header

WIDE, THIN, NARROW = "\u00a0", "\u2009", "\u202f"


def read(type_: Any, *cells: Any) -> list[Any]:
    table = mmf.DataFrame(schema={"a": type_}, lenient=True)
    values: list[Any] = table.validate([{"a": cell} for cell in cells])["a"].tolist()
    return values


def rejected(type_: Any, *cells: Any) -> list[int | None]:
    """Return the rows that are marked."""
    with pytest.raises(InvalidValue) as caught:
        read(type_, *cells)
    return [error.row for error in caught.value.errors]


@pytest.mark.parametrize("type_", [int, float])
@pytest.mark.parametrize("tail", ["", " %", ",5"])
def test_rejects_number_of_a_million_digits(type_: type, tail: str) -> None:
    token = cells_read.set([])  # parsed cells are recorded, too
    try:
        assert rejected(type_, "1" * 1_000_003 + tail) == [0]
        assert rejected(type_, "1" + " 000" * 350_000 + tail) == [0]
    finally:
        cells_read.reset(token)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1 200", 1200.0),
        (f"1{WIDE}200{NARROW}300", 1200300.0),
        ("1 200,5", 1200.5),
        ("1 200.5", 1200.5),
        ("1'200.5", 1200.5),
        ("1\u2019200,5", 1200.5),
        ("1.200,50", 1200.5),
        ("1,200.50", 1200.5),
        ("1.200.300", 1200300.0),
        ("1,200,300", 1200300.0),
        ("0,125", 0.125),
        ("1,5", 1.5),
        ("1234,567", 1234.567),
        ("-1 200,5", -1200.5),
        ("\u22121 200", -1200.0),
        (f" 1 200{THIN}", 1200.0),
        ("12 %", 0.12),
        ("12%", 0.12),
        ("12,5 %", 0.125),
        ("0.1%", 0.001),
        ("1 200 %", 12.0),
        ("0,1000000000000000055511151231257827", 0.1),
    ],
)
def test_numbers(text: str, number: float) -> None:
    assert read(float, text) == [number]


@pytest.mark.parametrize(
    "text",
    [
        *("1,200", "12 00", "1 2000", "0 200", "1200 300", "1.2.3", "1,2,3", "1,200,30"),
        *("1 200'300", "1 200 300,5.5", "1..5", ",5 %", "12 %%", "% 12", "12 % 3", "1 200 RUB"),
        *("\u0661\u0662", "(12)", "1e3 %", "--1 200", "1 200-", ""),
    ],
)
def test_rejects_ambiguous_numbers(text: str) -> None:
    assert rejected(float, text) == [0]


def test_decimal_sign_is_inferred_per_column() -> None:
    assert read(float, "1,200", "1,5") == [1.2, 1.5]
    assert read(float, "1,200", "1.5") == [1200.0, 1.5]
    assert read(float, "1,200", "1 000.5") == [1200.0, 1000.5]
    assert rejected(float, "1,200", 7.5, "3") == [0], "a typed number does not settle it"


def test_rejects_conflicting_decimal_signs() -> None:
    assert rejected(float, "1.200,50", "1,200.50") == [0, 1]
    assert rejected(float, "1.200", "1.200,50") == [1], "the first is 1.2 without lenient, too"
    table = mmf.DataFrame(schema={"a": float, "b": float}, lenient=True)
    with pytest.raises(InvalidValue) as caught:
        table.validate([{"a": "1,5", "b": "1 000.5"}])
    assert [error.column for error in caught.value.errors] == ["a", "b"]


def test_percentages_are_not_mixed_with_numbers() -> None:
    assert read(float | None, "12 %", None, "3 %") == [
        0.12,
        pytest.approx(np.nan, nan_ok=True),
        0.03,
    ]
    assert rejected(float, "12 %", "0.12") == [0]
    assert rejected(float, "12 %", 12) == [0]
    assert rejected(float, "12 %", "1 200") == [0, 1]


def test_integers_are_exact() -> None:
    assert read(int, "9 007 199 254 740 993", "1.200.300") == [2**53 + 1, 1200300]
    assert read(int, "200 %") == [2]
    assert rejected(int, "1 200,5") == [0]
    assert rejected(int, "12 %") == [0]
    assert rejected(int, "9 223 372 036 854 775 808") == [0]


@pytest.mark.parametrize(
    ("yes", "no"), [("yes", "no"), ("Да", "Нет"), ("ИСТИНА", "ложь"), (" on ", "Off")]
)
def test_booleans(yes: str, no: str) -> None:
    assert read(bool, yes, no, "true", 0) == [True, False, True, False]


@pytest.mark.parametrize("text", ["y", "n", "+", "maybe", "да нет", "2"])
def test_rejects_other_words_as_booleans(text: str) -> None:
    assert rejected(bool, "yes", text) == [1]


def test_dotted_dates_are_day_first() -> None:
    assert read(datetime, "05.01.2026") == [datetime(2026, 1, 5)]
    assert read(datetime, "5.1.2026 7:05", "05.01.2026 07:05:09", "2026-01-05") == [
        datetime(2026, 1, 5, 7, 5),
        datetime(2026, 1, 5, 7, 5, 9),
        datetime(2026, 1, 5),
    ]
    assert read(date, "05.01.2026") == [datetime(2026, 1, 5)]
    assert rejected(date, "05.01.2026 12:30") == [0]


def test_slashed_dates_need_a_day_above_12() -> None:
    assert read(datetime, "05/01/2026", "31/01/2026") == [
        datetime(2026, 1, 5),
        datetime(2026, 1, 31),
    ]
    assert read(datetime, "05/01/2026", "01/31/2026") == [
        datetime(2026, 5, 1),
        datetime(2026, 1, 31),
    ]
    assert rejected(datetime, "05/01/2026") == [0]
    assert rejected(datetime, "31/01/2026", "01/31/2026") == [0, 1]
    assert rejected(datetime, "05.01.2026", "31/01/2026") == [0, 1]


def test_rejects_slashed_dates_beside_typed_dates() -> None:
    may_or_january = datetime(2026, 5, 1)
    assert rejected(datetime, may_or_january, "31/01/2026") == [1]
    assert rejected(date, may_or_january, "01/31/2026") == [1]
    assert read(datetime, may_or_january, "31.01.2026")[1] == datetime(2026, 1, 31)
    assert read(datetime, "2026-05-01", "31/01/2026")[1] == datetime(2026, 1, 31)


@pytest.mark.parametrize(
    "text", ["31.02.2026", "01.13.2026", "5.1.26", "05.01.2026 25:00", "05-01-2026", "now"]
)
def test_rejects_other_dates(text: str) -> None:
    assert rejected(datetime, text) == [0]


def test_bounds_and_choices_apply_to_the_parsed_value() -> None:
    assert read(mmf.Column(float, le=1), "12 %") == [0.12]
    assert rejected(mmf.Column(float, le=1), "1 200") == [0]
    assert rejected(mmf.Column(float, ge=100), "1.200") == [0], "1.2, as without lenient"
    assert read(mmf.Column(int, choices=[1200]), "1 200") == [1200]


def test_texts_and_undeclared_columns_are_unchanged() -> None:
    assert read(str, "12 %") == ["12 %"]
    table = mmf.DataFrame(schema={"a": float}, lenient=True)
    assert table.validate([{"a": "1 200", "b": "yes"}]).columns.tolist() == ["a"]


def test_strict_mode_rejects_them() -> None:
    schema = {"a": float, "b": bool, "c": datetime}
    with pytest.raises(InvalidValue) as caught:
        mmf.DataFrame(schema=schema).validate([{"a": "1 200,5", "b": "yes", "c": "05.01.2026"}])
    assert [error.column for error in caught.value.errors] == ["a", "b", "c"]


@pytest.mark.parametrize("schema", [{}, {"schema": None}])
def test_lenient_requires_a_schema(schema: dict[str, Any]) -> None:
    with pytest.raises(DescriptorError, match="lenient=True needs schema="):
        mmf.DataFrame(lenient=True, **schema)


def test_lenient_does_not_apply_to_results() -> None:
    table = mmf.DataFrame(schema={"a": float}, lenient=True)
    with pytest.raises(InvalidValue):
        table.to_output([{"a": "1 200"}])


SCHEMA = {"number": float, "count": int, "share": float, "flag": bool, "day": datetime}
ROWS = [
    ["1 200,5", "1 200", "12 %", "да", "05.01.2026"],
    ["1.200,50", "7", "12,5 %", "no", "31.01.2026"],
]
EXPECTED = pd.DataFrame(
    {
        "number": [1200.5, 1200.5],
        "count": [1200, 7],
        "share": [0.12, 0.125],
        "flag": [True, False],
        "day": pd.to_datetime(["2026-01-05", "2026-01-31"]).as_unit("us"),
    }
)


def encoded(format: Format) -> bytes:
    """Return the rows as texts in a format."""
    rows = [list(SCHEMA), *ROWS]
    if format in {Format.XLSX, Format.XLS, Format.ODS}:
        write: Callable[[Any], bytes] = getattr(sheets, format.extension)
        return write(rows)
    codec = find(Kind.TABLE, format)
    assert codec
    return codec.encode(pd.DataFrame(ROWS, columns=list(SCHEMA)), {})


@pytest.mark.parametrize(
    "format",
    [
        *(Format.CSV, Format.TSV, Format.JSON, Format.JSONL, Format.XML),
        *(Format.XLSX, Format.XLS, Format.ODS, Format.PARQUET, Format.ARROW),
    ],
)
def test_lenient_cells_in_every_format(serve_lenient: FlaskClient, format: Format) -> None:
    response = serve_lenient.post("/score", data=encoded(format), content_type=format.media_type)
    assert response.status_code == 200, response.text
    records = response.get_json()
    assert [record["number"] for record in records] == [1200.5, 1200.5]
    got = pd.DataFrame(records)
    got["day"] = pd.to_datetime(got["day"]).dt.as_unit("us")
    assert_frame_equal(got, EXPECTED)
    notes = json.loads(response.headers["X-Cells-Read"])
    assert notes[0] == {"column": "number", "cells": 2, "text": "1 200,5", "value": "1200.5"}
    assert [note["value"] for note in notes[1:]] == ["1200", "0.12", "true", "2026-01-05T00:00:00"]


@pytest.fixture
def serve_lenient() -> FlaskClient:
    from mmf_core.web import create_app

    registry = mmf.Registry()

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def score(data: Any = mmf.DataFrame(schema=SCHEMA, lenient=True)) -> Any:  # noqa: B008
        assert_frame_equal(data, EXPECTED)
        return data

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def wide(data: Any = WIDE_TABLE) -> Any:
        return data

    return create_app(registry).test_client()


WIDE_TABLE = mmf.DataFrame(
    schema={f"столбец {number}": float for number in range(500)}, lenient=True
)


def test_header_is_bounded_and_per_request(serve_lenient: FlaskClient) -> None:
    row = dict.fromkeys(WIDE_TABLE.columns, "1 200," + "0" * 90)
    response = serve_lenient.post("/wide", json=[row])
    assert response.status_code == 200
    listed = response.headers["X-Cells-Read"]
    assert len(listed) < header.MAX_LENGTH + 500
    assert json.loads(listed)[-1] == {"column": "and others"}
    assert json.loads(listed)[0]["column"] == "столбец 0"
    row = dict.fromkeys(WIDE_TABLE.columns, 1.5)
    assert header.HEADER not in serve_lenient.post("/wide", json=[row]).headers


def test_lenient_cells_in_other_protocols(serve_lenient: FlaskClient) -> None:
    records = [dict(zip(SCHEMA, row, strict=True)) for row in ROWS]
    response = serve_lenient.post("/invocations/score", json={"dataframe_records": records})
    assert response.status_code == 200, response.text
    assert len(json.loads(response.headers["X-Cells-Read"])) == 5
    tensors = [
        {"name": name, "shape": [2], "datatype": "BYTES", "data": [row[place] for row in ROWS]}
        for place, name in enumerate(SCHEMA)
    ]
    response = serve_lenient.post("/v2/models/score/infer", json={"inputs": tensors})
    assert response.status_code == 200, response.text
    assert len(json.loads(response.headers["X-Cells-Read"])) == 5


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.decimals(allow_nan=False, allow_infinity=False, places=2),
    st.datetimes(),
    st.text("0123456789., %/-:", max_size=10),
    st.sampled_from(["yes", "нет", "true", "1 200", "1.200", "1,5", "12 %", "05.01.2026"]),
)
TYPES = st.sampled_from([float, int, bool, str, datetime, date, float | None, bool | None])


@given(type_=TYPES, cells=st.lists(CELLS, min_size=1, max_size=5))
def test_lenient_does_not_change_valid_cells(type_: Any, cells: list[Any]) -> None:
    """A valid table is unchanged, and a valid cell keeps its value."""
    schema = {"a": type_}
    table = pd.DataFrame({"a": pd.Series(cells, dtype=object)})
    lenient = outcome(mmf.DataFrame(schema=schema, lenient=True), table)
    strict = outcome(mmf.DataFrame(schema=schema), table)
    if strict is not None:
        assert lenient is not None
        assert_frame_equal(lenient, strict)
    elif lenient is not None:
        for row in range(len(cells)):
            alone = outcome(mmf.DataFrame(schema=schema), table.iloc[[row]])
            if alone is not None:
                value, expected = lenient["a"].iloc[row], alone["a"].iloc[0]
                assert value == expected or (pd.isna(value) and pd.isna(expected))


def outcome(descriptor: mmf.DataFrame, table: pd.DataFrame) -> pd.DataFrame | None:
    try:
        return descriptor.validate(table.copy())
    except InvalidValue:
        return None


@given(
    number=st.decimals(allow_nan=False, allow_infinity=False, places=3), sign=st.sampled_from(".,")
)
def test_thousands_separated_numbers_are_exact(number: Decimal, sign: str) -> None:
    text = f"{number:,.3f}"
    if sign == ",":
        text = text.translate(str.maketrans(",.", ".,"))
    spaced = text.replace("." if sign == "," else ",", " ")
    if abs(number) >= 1000:
        assert read(float, spaced) == [float(number)]
        assert read(float, text) == [float(number)]


def test_cells_are_recorded_only_on_request() -> None:
    assert cells_read.get() is None
    read(float, "1 200")
    assert cells_read.get() is None


def test_header_is_in_openapi(serve_lenient: FlaskClient) -> None:
    operation = serve_lenient.get("/openapi.json").get_json()["paths"]["/score"]["post"]
    assert header.HEADER in operation["responses"]["200"]["headers"]


def test_many_lenient_cells_are_fast() -> None:
    """A million different ones took nine seconds."""
    table = pd.DataFrame({"a": [f"{row} 200,5" for row in range(100, 200)] * 500})
    other = pd.DataFrame({"a": [f"{row} 000,5" for row in range(50_000)]})
    lenient = mmf.DataFrame(schema={"a": float}, lenient=True)
    with at_most(seconds=0.5):
        assert lenient.validate(table)["a"].sum() > 0
    with at_most(seconds=0.6), pytest.raises(InvalidValue):
        lenient.validate(other)


def test_number_of_lenient_cells_is_limited() -> None:
    """Each takes far more memory than its text."""
    table = pd.DataFrame({"a": ["1 234,5"] * 500_001})
    lenient = mmf.DataFrame(schema={"a": float}, lenient=True)
    with pytest.raises(BodyTooLarge, match=r"at most 500,000 cells.*got 500,001"):
        lenient.validate(table)
    table["a"] = 1.5
    assert len(lenient.validate(table)) == len(table)


@pytest.mark.parametrize("cell", [np.array([]), np.array([1.5, 2.5]), [], pd.NA], ids=repr)
def test_rejects_lists_and_nulls_beside_unread_cells(cell: Any) -> None:
    """Lists in Arrow files become arrays, which have no truth value; nor has pandas' null."""
    table = pd.DataFrame({"a": pd.Series([cell, "1 200"], dtype=object)})
    with pytest.raises(InvalidValue) as caught:
        mmf.DataFrame(schema={"a": float}, lenient=True).validate(table)
    assert [error.row for error in caught.value.errors] == [0]

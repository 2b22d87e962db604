"""The function gets the value of each cell, in every format and protocol, or there is an error.

A table is written in a format by other means than the service's own, and read under a schema. Each
column has the schema's dtype and the values of the reference in truth.py, whatever else is in the
table; the cells that have no value in their column's type are the ones that the error names.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import chain
from math import inf
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from flask import Flask
from hypothesis import assume, given
from hypothesis import strategies as st
from truth import (
    CARRIERS,
    FAULT,
    NOT_EMPTY,
    Carrier,
    Cells,
    Sent,
    Typed,
    of_text,
    often,
    texts,
    value_of,
    write_csv,
)

import mmf_core as mmf
from mmf_core.codecs import Format, Kind, find, number_format_of, readable, writable
from mmf_core.errors import RequestError, max_errors
from mmf_core.execution.calls import validate_arguments
from mmf_core.execution.rows import join, signature, split
from mmf_core.mlflow.inputs import Input
from mmf_core.settings import Settings
from mmf_core.v2.messages import read_inference
from mmf_core.v2.values import arguments_from
from mmf_core.web.http import codec_options
from mmf_core.web.http.arguments import ArgumentReader

APP = Flask(__name__)
codec_options.install(APP, Settings.from_env())
LIMITS = codec_options.limits_of(Settings.from_env())
DTYPES = {
    float: ("float64", "float64"),
    int: ("int64", "Int64"),
    bool: ("bool", "boolean"),
    str: ("str", "str"),
}
Schema = dict[str, Any]
each_carrier = pytest.mark.parametrize("carrier", CARRIERS, ids=str)


def received(schema: Schema, sent: Sent) -> pd.DataFrame:
    """Return the table that a target with this schema gets; RequestError if it is rejected."""
    declared = mmf.DataFrame(schema=schema)

    def predict(data: Any = declared) -> Any:
        return data

    registry = mmf.Registry()
    registry.target(predict)
    target = registry.targets["predict"]
    with APP.test_request_context(
        "/", method="POST", data=sent.body, content_type=sent.media_type, headers=sent.headers
    ) as context:
        if sent.protocol == "rest":
            values = ArgumentReader(target, LIMITS).read(context.request)
        elif sent.protocol == "mlflow":
            body = Input.of(target)
            assert body is not None
            values, _ = body.read(context.request)
        else:
            inference = read_inference(context.request)
            values = arguments_from(
                target, inference.tensors, inference.parameters, inference.budget
            )
        table: pd.DataFrame = validate_arguments(target, values)["data"]
    return table


@st.composite
def tables(draw: st.DrawFn, carrier: Carrier) -> tuple[Schema, Cells]:
    """Draw a schema, of one type in half of the cases, and the cells of its columns."""
    kinds = list(carrier.kinds)
    if carrier.one_type or draw(st.booleans()):
        kinds = [draw(st.sampled_from(kinds))]
    types = st.sampled_from([*kinds, *(kind | None for kind in kinds)])
    columns = draw(st.lists(types, min_size=2, max_size=4))
    height = draw(st.integers(1, 4))
    shared = draw(carrier.cells(kinds[0])) if carrier.one_type else None
    schema = {f"c{index}": type_ for index, type_ in enumerate(columns)}
    cells: Cells = {}
    for name, type_ in schema.items():
        kind, nullable = plain(type_)
        cell = draw(carrier.cells(kind)) if shared is None else shared
        column = often(cell, st.none()) if nullable and carrier.adds_nulls else cell
        cells[name] = draw(st.lists(column, min_size=height, max_size=height))
    return schema, cells


def plain(type_: Any) -> tuple[type, bool]:
    """Return a declared type without `| None`, and whether it had it."""
    (kind,) = (part for part in getattr(type_, "__args__", (type_,)) if part is not type(None))
    return kind, kind is not type_


def reference(carrier: Carrier, schema: Schema, cells: Cells) -> tuple[Cells, set[Any]]:
    """Return the expected values, and the expected errors as (row, column)."""
    values: Cells = {}
    errors = set()
    for name, type_ in schema.items():
        kind, nullable = plain(type_)
        exact = [carrier.exact(cell, kind) for cell in cells[name]]
        values[name] = [value_of(cell, kind, carrier.decimal) for cell in exact]
        wrong = (FAULT,) if nullable else (FAULT, None)
        errors |= {(row, name) for row, value in enumerate(values[name]) if value in wrong}
    return values, errors


def read(carrier: Carrier, schema: Schema, cells: Cells) -> pd.DataFrame | set[Any]:
    """Return the received table, or the cells named by an error."""
    height = len(next(iter(cells.values())))
    evidence = {name: column * height for name, column in carrier.evidence.items()}
    try:
        return received(schema, carrier.write(cells | evidence))
    except RequestError as error:
        return {(detail.row, detail.column) for detail in error.errors if detail.row is not None}


def rows_at(cells: Cells, rows: list[int]) -> Cells:
    """Return some rows of a table."""
    return {name: [column[row] for row in rows] for name, column in cells.items()}


def check(schema: Schema, table: pd.DataFrame, values: Cells) -> None:
    """Assert that a table has the types of a schema, and these values."""
    assert list(table.columns) == list(schema)
    for name, type_ in schema.items():
        kind, nullable = plain(type_)
        dtype = str(table[name].dtype)
        if kind is datetime:
            assert dtype.startswith("datetime64[us")
        else:
            assert dtype == DTYPES[kind][nullable]
        arrived = [None if pd.isna(cell) else cell for cell in table[name]]
        assert list(map(shown, arrived)) == list(map(shown, values[name]))


def shown(value: Any) -> str:
    """Return a text that differs for all values that differ: -0.0 and 0.0, dates by offset."""
    if isinstance(value, datetime):
        return pd.Timestamp(value).isoformat()
    return repr(value.item() if hasattr(value, "item") else value)


@each_carrier
@given(data=st.data())
def test_cell_is_its_value_or_an_error_in_any_table(carrier: Carrier, data: st.DataObject) -> None:
    schema, cells = data.draw(tables(carrier))
    values, errors = reference(carrier, schema, cells)
    arrived = read(carrier, schema, cells)
    good = list(range(len(cells["c0"])))
    if errors:
        assert isinstance(arrived, set), f"{errors} passed: {arrived}"
        assert arrived <= errors, "an error names a valid cell"
        good = [row for row in good if row not in {row for row, _ in errors}]
        assume(good)
        arrived = read(carrier, schema, rows_at(cells, good))
    assert isinstance(arrived, pd.DataFrame), f"rejected without an error detail: {arrived}"
    check(schema, arrived, rows_at(values, good))
    check_joined(schema, arrived, [read(carrier, schema, rows_at(cells, [row])) for row in good])


@pytest.mark.parametrize("carrier", [carrier for carrier in CARRIERS if carrier.hostile], ids=str)
@pytest.mark.parametrize("kind", DTYPES | {datetime: ()}, ids=lambda kind: kind.__name__)
def test_hostile_cell_is_its_value_or_an_error(carrier: Carrier, kind: type) -> None:
    hostile = [*carrier.hostile]
    if kind is str and carrier.evidence == NOT_EMPTY:  # numbers are as Excel shows them
        hostile = [cell for cell in hostile if cell is None or isinstance(cell, str)]
    schema: Schema = {"c0": kind | None, "c1": kind | None}
    cells = {"c0": hostile, "c1": hostile[::-1]}
    values, errors = reference(carrier, schema, cells)
    with every_error():
        arrived = read(carrier, schema, cells)
    assert not errors or (isinstance(arrived, set) and arrived == errors)
    good = [row for row in range(len(hostile)) if row not in {row for row, _ in errors}]
    arrived = read(carrier, schema, rows_at(cells, good)) if good else None
    assert arrived is None or isinstance(arrived, pd.DataFrame), arrived
    if arrived is not None:
        check(schema, arrived, rows_at(values, good))


@contextmanager
def every_error() -> Iterator[None]:
    """List all errors instead of the first ones."""
    token = max_errors.set(10_000)
    yield
    max_errors.reset(token)


def check_joined(schema: Schema, table: pd.DataFrame, rows: list[Any]) -> None:
    """Assert that the rows of a table are the same alone and batched."""
    for index, row in enumerate(rows):
        cells = {name: table[name].iloc[index] for name in schema}
        check(schema, row, {name: [None if pd.isna(c) else c] for name, c in cells.items()})
    uniform = mmf.DataFrame(schema=schema).is_homogeneous
    signatures = {signature(row, uniform=uniform) for row in rows}
    if len(signatures) > 1:  # a null has no offset
        assert any(isinstance(dtype, pd.DatetimeTZDtype) for dtype in table.dtypes)
        return
    batch = join(rows, uniform=uniform)
    pd.testing.assert_frame_equal(batch, table)
    for row, part in zip(rows, split(batch, [1] * len(rows)), strict=True):
        pd.testing.assert_frame_equal(part.reset_index(drop=True), row)


NUMBERED = pd.DataFrame({2020: pd.array([2**53 + 1, None], dtype="Int64"), 2021: [0.5, 1.5]})


def numbered(name: str, table: pd.DataFrame) -> Sent:
    """Return a table with numeric column names, in a format that supports them."""
    split = {"columns": table.columns.tolist(), "data": []}
    split["data"] = table.astype(object).where(table.notna(), None).to_numpy().tolist()
    if name in {"parquet", "feather"}:
        file = io.BytesIO()
        if name == "feather":
            arrow = pa.Table.from_pandas(table)
            with pa.ipc.new_file(file, arrow.schema) as writer:
                writer.write_table(arrow)
        else:
            table.to_parquet(file)
        return Sent(
            file.getvalue(), f"application/vnd.apache.{name.replace('feather', 'arrow.file')}"
        )
    if name == "MLflow":
        split = {"dataframe_split": split}
    protocol = "mlflow" if name == "MLflow" else "rest"
    return Sent(json.dumps(split).encode(), "application/json", protocol)


@pytest.mark.parametrize("name", ["JSON", "MLflow", "parquet", "feather"])
def test_numeric_column_names_are_texts(name: str) -> None:
    sent = numbered(name, NUMBERED)
    table = received({"2020": int | None, "2021": float}, sent)
    check(
        {"2020": int | None, "2021": float}, table, {"2020": [2**53 + 1, None], "2021": [0.5, 1.5]}
    )
    codec = find(Kind.TABLE, Format.of_media_type(sent.media_type))
    if name != "MLflow":
        assert list(codec.decode(sent.body, {})) == ["2020", "2021"]
    both = NUMBERED.set_axis([2020, "2020"], axis="columns")
    if name in {"JSON", "MLflow"}:  # pandas cannot write the others
        with pytest.raises(RequestError, match="duplicate columns: 2020"):
            received({"2020": float | None}, numbered(name, both))


def test_array_with_numeric_column_names() -> None:
    options = mmf.Array(columns=["2021", "2020"]).options
    for format_, body in {
        Format.JSON: b'{"columns": [2020, 2021], "data": [[1, 2.5]]}',
        Format.CSV: b"2020,2021\n1,2.5\n",
    }.items():
        codec = find(Kind.ARRAY, format_)
        assert codec is not None
        assert codec.decode(body, options).tolist() == [[2.5, 1]]
        bare = codec.decode(b"[[1, 2.5]]" if format_ is Format.JSON else b"1,2.5\n", options)
        assert bare.tolist() == [[1, 2.5]]


AMBIGUOUS = re.compile(r"\s*[+-]?[1-9]\d{0,2}[.,]\d{3}\s*", re.ASCII)


@given(st.data())
def test_semicolon_separated_cell_is_unambiguous_or_an_error(data: st.DataObject) -> None:
    kinds = {f"c{index}": data.draw(st.sampled_from([float, int, bool])) for index in range(2)}
    numbers = st.sampled_from(["1,234", "1.234", "-12,000", "12.000", "1,5", "2.5", "7", "", "x"])
    rows = data.draw(st.integers(1, 3))
    cells: Cells = {
        name: data.draw(st.lists(numbers | data.draw(texts(kind)), min_size=rows, max_size=rows))
        for name, kind in kinds.items()
    }
    descriptor = mmf.DataFrame(schema={name: kind | None for name, kind in kinds.items()})
    codec = find(Kind.TABLE, Format.CSV)
    assert codec is not None
    table = codec.decode(write_csv(";", "text/csv")(cells).body, descriptor.options)
    number_format = number_format_of(table)
    shown_signs = {
        sign
        for sign in ",."
        for cell in chain(*cells.values())
        if sign in cell and not AMBIGUOUS.fullmatch(cell)
    }
    for name, kind in kinds.items():
        column, misfits = descriptor.columns[name].convert(table[name], number_format)
        for cell, value, misfit in zip(cells[name], column.tolist(), misfits, strict=True):
            sign = "," if "," in cell else "."
            if AMBIGUOUS.fullmatch(cell) and sign not in shown_signs:
                assert misfit, f"{cell} is {value}, and no other cell shows the decimal sign"
            if not misfit:
                expected = value_of(of_text(cell, kind), kind, sign)
                assert shown(None if pd.isna(value) else value) == shown(expected)


# Formats that the service writes itself

OWN = {
    float: st.floats(allow_nan=False, allow_infinity=False),
    int: st.integers(-(2**63), 2**63 - 1) | st.integers(-1000, 1000),
    bool: st.booleans(),
    str: st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"]), min_size=1),
    datetime: st.one_of(
        st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)),
        st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)).map(
            lambda moment: moment.replace(microsecond=0)
        ),
    ),
}
"""Values of each type. An empty text is null in a workbook and in CSV."""
WRITTEN = [format_ for format_ in writable(Kind.TABLE) if format_ in readable(Kind.TABLE)]
REFUSALS = (TypeError, ValueError, RequestError)


@pytest.mark.parametrize("format_", WRITTEN, ids=lambda format_: format_.name)
@given(data=st.data())
def test_written_tables_are_read_back(format_: Format, data: st.DataObject) -> None:
    kinds = st.sampled_from([*OWN, *(kind | None for kind in OWN)])
    types = data.draw(st.lists(kinds, min_size=2, max_size=4))
    schema = {f"c{index}": type_ for index, type_ in enumerate(types)}
    height = data.draw(st.integers(1, 4))
    columns = {}
    for name, type_ in schema.items():
        kind, nullable = plain(type_)
        cells = often(OWN[kind], st.none()) if nullable else OWN[kind]
        columns[name] = data.draw(st.lists(cells, min_size=height, max_size=height))
    descriptor = mmf.DataFrame(schema=schema)
    table = descriptor.validate(
        pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
    )
    if format_ is Format.XLSX:
        assume(all(map(fits_excel, chain(*columns.values()))))
    check(schema, table, columns)
    codec = find(Kind.TABLE, format_)
    assert codec is not None
    try:
        body = codec.encode(table, {})
        arrived = descriptor.validate(codec.decode(body, descriptor.options))
    except REFUSALS as error:
        raise AssertionError(str(error)[:300]) from None
    check(schema, arrived, columns)


def fits_excel(cell: Any) -> bool:
    """Return whether Excel has this value: its numbers are doubles, its times milliseconds."""
    if isinstance(cell, datetime):
        return cell.microsecond % 1000 == 0
    return not isinstance(cell, int) or abs(cell) < 2**53


BY_NAME = {carrier.name: carrier for carrier in CARRIERS}


@pytest.mark.parametrize("name", ["CSV", "XML", "JSON records", "XLSX", "V2 JSON", "client.py"])
def test_rejects_mixed_utc_offsets(name: str) -> None:
    dates: list[Any] = ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00+03:00"]
    if name == "V2 JSON":
        dates = [Typed(date, "BYTES") for date in dates]
    carrier = BY_NAME[name]
    with pytest.raises(RequestError, match="UTC offset"):
        received({"a": datetime}, carrier.write({"a": dates, "b": dates}))
    both = received({"a": datetime, "b": datetime}, carrier.write({"a": dates[:1], "b": dates[1:]}))
    assert [str(dtype) for dtype in both.dtypes] == [
        "datetime64[us, UTC]",
        "datetime64[us, UTC+03:00]",
    ]


# Exemptions: what a format cannot hold. docs/fidelity.md lists them; there are no others.


@pytest.mark.parametrize("format_", [Format.JSON, Format.JSONL, Format.XLSX])
def test_exempt_infinity_is_null_in_json_and_excel(format_: Format) -> None:
    assert rewritten(format_, pd.DataFrame({"a": [inf, 1.5]}))["a"].isna().tolist() == [True, False]


@pytest.mark.parametrize("format_", [Format.CSV, Format.TSV, Format.XML, Format.XLSX, Format.JSON])
def test_exempt_unnamed_index_is_not_written(format_: Format) -> None:
    table = rewritten(format_, pd.DataFrame({"a": [1, 2]}, index=[7, 8]))
    assert (list(table.columns), list(table.index)) == (["a"], [0, 1])


@pytest.mark.parametrize("format_", [Format.CSV, Format.TSV, Format.XLSX])
def test_exempt_empty_text_is_null(format_: Format) -> None:
    assert rewritten(format_, pd.DataFrame({"a": ["", "x"]}))["a"].isna().tolist() == [True, False]


def test_exempt_excel_has_doubles_and_milliseconds() -> None:
    moment = datetime(2026, 1, 31, 12, 0, 0, 123456)
    table = rewritten(Format.XLSX, pd.DataFrame({"n": [2**53 + 1], "when": [moment]}))
    assert float(table["n"][0]) == 2.0**53
    assert abs(table["when"][0] - moment).total_seconds() < 0.001


@pytest.mark.parametrize("name", ["XLSX", "XLS", "ODS"])
def test_exempt_trailing_empty_row_of_a_sheet_is_dropped(name: str) -> None:
    cells = {"a": [1.5, None], "b": ["x", None]}
    assert len(received({"a": float, "b": str}, BY_NAME[name].write(cells))) == 1


def test_exempt_missing_trailing_cell_is_null() -> None:
    sent = BY_NAME["CSV"].write({"a": ["1", "3"], "b": ["2", "4"]})
    sent = replace(sent, body=sent.body.replace(b"3,4", b"3"))
    table = received({"a": int, "b": int | None}, sent)
    assert [None if pd.isna(cell) else cell for cell in table["b"]] == [2, None]


def rewritten(format_: Format, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table that the service has written and read back."""
    codec = find(Kind.TABLE, format_)
    assert codec is not None
    arrived: pd.DataFrame = codec.decode(codec.encode(table, {}), {})
    return arrived


@pytest.mark.parametrize("number", [2**53 - 1, 2**53, 2**53 + 1, -(2**53)])
@pytest.mark.parametrize("name", [name for name in BY_NAME if name.startswith("JSON")])
def test_integer_beside_a_float_is_exact(name: str, number: int) -> None:
    cells = {"a": [number, 0.0], "b": ["x", "y"]}
    table = received({"a": int, "b": str}, BY_NAME[name].write(cells))
    assert table["a"].tolist() == [number, 0]

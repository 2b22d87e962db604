"""Requests to `/invocations`: all of MLflow's scoring protocol, good and bad, and its edges."""

import io
import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
TABLE = pd.DataFrame({"a": [1, 3], "b": [2.0, 4.0]})
ROWS = {"columns": ["a", "b"], "data": [[1, 2.0], [3, 4.0]]}
RECORDS = [{"a": 1, "b": 2.0}, {"a": 3, "b": 4.0}]
LISTS = {"a": [1, 3], "b": [2.0, 4.0]}


@dataclass(frozen=True)
class Case:
    """One request; `media_type` None sends no Content-Type."""

    name: str
    body: bytes
    media_type: str | None = JSON
    method: str = "POST"
    path: str = "/invocations"


def case(name: str, body: Any, media_type: str | None = JSON, **how: str) -> Case:
    """Return a case; a body that is neither bytes nor text is written as JSON."""
    text = body if isinstance(body, bytes | str) else json.dumps(body)
    return Case(name, text if isinstance(text, bytes) else text.encode(), media_type, **how)


def split(columns: list[str], *rows: list[Any], **more: Any) -> dict[str, Any]:
    """Return a table as MLflow's client sends it."""
    return {"dataframe_split": {"columns": columns, "data": list(rows)}, **more}


def table_of(column: str, *cells: Any) -> dict[str, Any]:
    """Return a table of `a` and another column, whose cells the model sends back."""
    rows = [[1, cell] for cell in cells]
    return split(["a", column], *rows, params={"shape": column})


def parquet(table: pd.DataFrame) -> bytes:
    """Return a table as Parquet."""
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return buffer.getvalue()


def shaped(shape: str) -> dict[str, Any]:
    """Return two rows for the model to answer in some shape."""
    return {"dataframe_split": ROWS, "params": {"shape": shape}}


GOOD = [
    case("split", {"dataframe_split": ROWS}),
    case("split with index", {"dataframe_split": {**ROWS, "index": [7, 8]}}),
    case("one row", split(["a", "b"], [1, 2.0])),
    case("records", {"dataframe_records": RECORDS}),
    case("inputs: columns", {"inputs": LISTS}),
    case("inputs: records", {"inputs": RECORDS}),
    case("inputs: one record of scalars", {"inputs": {"a": 1, "b": 2.0}}),
    case("instances: records", {"instances": RECORDS}),
    case("instances: columns", {"instances": LISTS}),
    case("csv", "a,b\n1,2.0\n3,4.0", CSV),
    case("csv with a last line break", "a,b\r\n1,2.0\r\n3,4.0\r\n", CSV),
    case("parquet", parquet(TABLE), PARQUET),
    case("parquet: smaller types", parquet(TABLE.astype({"a": "int32", "b": "float32"})), PARQUET),
    case("parquet: uint8", parquet(TABLE.astype({"a": "uint8"})), PARQUET),
    case("parquet: int32 as double", parquet(TABLE.astype({"b": "int32"})), PARQUET),
    case("parquet: only ones as double", parquet(TABLE.assign(b=[1, 0])), PARQUET),
    case("answers a table", shaped("frame")),
    case("answers a series", shaped("series")),
    case("answers a matrix", shaped("matrix")),
    case("answers texts", shaped("texts")),
    case("answers NaN", shaped("nan")),
    case("an unknown column", split(["a", "b", "c"], [1, 2.0, "x"])),
    case("columns in another order", split(["b", "a"], [2.0, 1])),
    case("an unknown key at the top", {"dataframe_split": ROWS, "foo": 1}),
    case("an unknown param", {"dataframe_split": ROWS, "params": {"foo": 1}}),
    case("a param", {"dataframe_split": ROWS, "params": {"times": 5}}),
    case("params null", {"dataframe_split": ROWS, "params": None}),
    case("params with inputs", {"inputs": LISTS, "params": {"times": 5}}),
    case("b null", split(["a", "b"], [1, None])),
    case("b null is reported", table_of("b", None, 2.5)),
    case("b missing", split(["a"], [1])),
    case("b missing in one record", {"dataframe_records": [{"a": 1}, {"a": 2, "b": 1.5}]}),
    case("columns of other types", table_of("s", "x", "")),
    case("a text null", table_of("s", "x", None)),
    case("flags", table_of("f", True, False)),
    case("dates", table_of("d", "2026-01-31", "2026-02-01")),
    case("dates and times", table_of("d", "2026-01-31T12:30:00", "2026-02-01T00:00:00.5")),
    case("a date null", table_of("d", "2026-01-31T12:30:00", None)),
    case("charset=UTF-8", {"dataframe_split": ROWS}, "application/json; charset=UTF-8"),
    case("charset without a space", {"dataframe_split": ROWS}, "application/json;charset=utf-8"),
    case("csv with charset", "a,b\n1,2.0", "text/csv; charset=utf-8"),
]
NUMBERS = [
    case("1.5 as long", split(["a"], [1.5], [-1.5])),
    case("a text as long", split(["a"], ["3"])),
    case("a text as double", table_of("b", "2.5", "1e3")),
    case("true as long", split(["a"], [True])),
    case("true as double", table_of("b", True, False)),
    case("1.5 as long in inputs", {"inputs": {"a": [1.5]}}),
    case("a text as long in inputs", {"inputs": {"a": ["3"]}}),
    case("an integer as double", table_of("b", 3, -3)),
    case("1e308", table_of("b", 1e308, -1e308)),
    case("5e-324", table_of("b", 5e-324, 2.2250738585072014e-308)),
    case("-0.0", table_of("b", -0.0, 0.0)),
    case("0.1 + 0.2", table_of("b", 0.1 + 0.2, 1 / 3)),
    case("2**53 + 1", split(["a"], [2**53 + 1], params={"times": 1})),
    case("2**63 - 1", split(["a"], [2**63 - 1], params={"times": 1})),
    case("-2**63", split(["a"], [-(2**63)], params={"times": 1})),
    case("2**53 + 1 as double", table_of("b", 2**53 + 1, 1.5)),
    case("NaN in double", table_of("b", float("nan"), 1.5)),
    case("Infinity in double", table_of("b", float("inf"), 1.5)),
    case("NaN in long", split(["a"], [float("nan")])),
    case("2**63 as long", split(["a"], [2**63])),
    case("2**64 as long", split(["a"], [2**64])),
    case("1e308 as long", split(["a"], [1e308])),
    case("2**53 + 1 in csv", f"a\n{2**53 + 1}", CSV),
    case("int64 as double in parquet", parquet(TABLE.assign(b=[1, 2])), PARQUET),
    case("a number as text", table_of("s", 1, 2)),
    case("a number as a flag", table_of("f", 1, 0)),
    case("2 as a flag", table_of("f", 2)),
    case("a text as a flag", table_of("f", "false", "true")),
    case("an empty text as a flag", table_of("f", "")),
    case("a flag null", table_of("f", True, None)),
    case("a number as a date", table_of("d", 0, 1)),
    case("a text that is no date", table_of("d", "x")),
    case("a date with an offset", table_of("d", "2026-01-31T12:30:00Z")),
    case("flags in csv", "a,f\n1,True\n2,False", CSV),
    case("dates in csv", "a,d\n1,2026-01-31", CSV),
]
BAD = [
    case("a list", [1, 2]),
    case("a number", 5),
    case("null", "null"),
    case("half of JSON", "{"),
    case("no body", ""),
    case("no UTF-8", b'{"dataframe_split": "\xff"}'),
    case("an empty object", {}),
    case("none of the four keys", {"foo": 1}),
    case("both wrappers", {"dataframe_split": ROWS, "inputs": LISTS}),
    case("instances and inputs", {"instances": RECORDS, "inputs": LISTS}),
    case("an extra key in split", {"dataframe_split": {**ROWS, "extra": 1}}),
    case("split without data", {"dataframe_split": {"columns": ["a", "b"]}}),
    case("split without columns", {"dataframe_split": {"data": ROWS["data"]}}),
    case("split is a list", {"dataframe_split": [[1, 2.0]]}),
    case("split is null", {"dataframe_split": None}),
    case("data is null", {"dataframe_split": {"columns": ["a"], "data": None}}),
    case("data is a number", {"dataframe_split": {"columns": ["a"], "data": 5}}),
    case("data is a list of scalars", {"dataframe_split": {"columns": ["a"], "data": [1, 2]}}),
    case("records is an object", {"dataframe_records": {"a": 1}}),
    case("records is a text", {"dataframe_records": "x"}),
    case("records of scalars", {"dataframe_records": [1, 2]}),
    case("no records", {"dataframe_records": []}),
    case("no rows", split(["a", "b"])),
    case("too many cells", split(["a", "b"], [1, 2.0, 3.0])),
    case("too few cells", split(["a", "b"], [1, 2.0], [3])),
    case("records without a", {"dataframe_records": [{"b": 2.0}]}),
    case("split without a", split(["b"], [2.0])),
    case("inputs without a", {"inputs": {"b": [2.0]}}),
    case("instances without a", {"instances": [{"b": 2.0}]}),
    case("csv without a", "b\n2.0", CSV),
    case("parquet without a", parquet(TABLE[["b"]]), PARQUET),
    case("inputs of bare rows", {"inputs": [[1, 2.0], [3, 4.0]]}),
    case("inputs is a scalar", {"inputs": 5}),
    case("inputs is null", {"inputs": None}),
    case("inputs of two lengths", {"inputs": {"a": [1, 2, 3], "b": [1.0]}}),
    case("ragged inputs", {"inputs": {"a": [[1, 2], [3]]}}),
    case("an empty list of instances", {"instances": []}),
    case("a is no number", split(["a"], ["x"])),
    case("a is no number in inputs", {"inputs": {"a": ["x"]}}),
    case("a is null", split(["a"], [None])),
    case("a is null in one of two", split(["a"], [1], [None])),
    case("a is an object", split(["a"], [{"x": 1}])),
    case("b is no number", table_of("b", "x")),
    case("a is missing in one record", {"dataframe_records": [{"a": 1}, {"b": 2.0}]}),
    case("csv: 1.5 as long", "a,b\n1.5,2.0", CSV),
    case("csv: a text as long", "a,b\nx,2.0", CSV),
    case("csv: a null as long", "a,b\n,2.0", CSV),
    case("csv: ragged", "a,b\n1,2.0\n1,2,3,4", CSV),
    case("csv: no UTF-8", b"a,b\n1,\xff", CSV),
    case("csv: empty", "", CSV),
    case("parquet: not at all", b"PAR1 no", PARQUET),
    case("parquet: empty", b"", PARQUET),
    case("parquet: double as long", parquet(TABLE.assign(a=[1.5, 2.5])), PARQUET),
    case("parquet: text as long", parquet(TABLE.assign(a=["1", "2"])), PARQUET),
    case("parquet: text as double", parquet(TABLE.assign(b=["1", "2"])), PARQUET),
    case("a param of another type", {"dataframe_split": ROWS, "params": {"times": "x"}}),
    case("a param that is a list", {"dataframe_split": ROWS, "params": {"times": [1]}}),
    case("a param that is a number as text", {"dataframe_split": ROWS, "params": {"times": "3"}}),
    case("a param with a fraction", {"dataframe_split": ROWS, "params": {"times": 1.5}}),
    case("params is a list", {"dataframe_split": ROWS, "params": [1]}),
    case("the model fails", split(["a"], [666])),
    case("the model is late", split(["a"], [999])),
]
HEADERS = [
    case("no Content-Type", {"dataframe_split": ROWS}, None),
    *(
        case(f"Content-Type: {content_type}", {"dataframe_split": ROWS}, content_type)
        for content_type in (
            *("text/plain", "application/xml", "Application/JSON", "application/json;"),
            *("application/json; charset=latin-1", 'application/json; charset="utf-8"'),
            *("application/json; format=pandas-split", "text/csv; header=present"),
            "application/x-parquet",
        )
    ),
]
ROUTES = [
    case("GET", b"", None, method="GET"),
    case("PUT", {"dataframe_split": ROWS}, method="PUT"),
    case("nothing there", b"", None, method="GET", path="/nope"),
    case("ping", b"", None, method="GET", path="/ping"),
    case("HEAD ping", b"", None, method="HEAD", path="/ping"),
    case("health", b"", None, method="GET", path="/health"),
    case("version", b"", None, method="GET", path="/version"),
]
CASES = [*GOOD, *NUMBERS, *BAD, *HEADERS, *ROUTES]

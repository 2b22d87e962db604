"""The value of a cell under a declared type: the reference for every format and protocol.

`value_of` is slow and obvious on purpose, and uses nothing of mmf_core. A `Carrier` writes a table
without the service's writers, and states what its bytes make of each cell.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from math import inf, isfinite, isnan
from typing import Any
from xml.sax.saxutils import escape

from hypothesis import strategies as st

FAULT = object()
BLANKS = " \t\n\r\v\f"
NULL_WORDS = {
    *("", "NA", "N/A", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA", "NULL", "null", "None"),
    *("NaN", "nan", "-NaN", "-nan", "1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN"),
}
"""pandas' words for null in a text file."""
BOOL_WORDS = {"true": True, "false": False}
ISO_8601 = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


class Single(float):
    """A float of 32 bits."""

    limit = 2**24


class Half(float):
    """A float of 16 bits."""

    limit = 2**11


def value_of(cell: Any, kind: type, decimal: str = ".") -> Any:
    """Return the value of an exact cell in a column of a type: None for null, or FAULT."""
    if cell is None or (isinstance(cell, float) and isnan(cell)):
        return None
    if isinstance(cell, timedelta) and kind is not str:
        return FAULT
    return {float: _float, int: _int, bool: _bool, str: _text, datetime: _datetime}[kind](
        cell, decimal
    )


def _fraction(cell: Any, decimal: str) -> Fraction | None:
    """Return the exact number of a cell, None if it is not one."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal | str):
        return None
    if not isinstance(cell, str):
        return Fraction(cell) if isfinite(cell) else None
    digits = rf"(?:\d+{re.escape(decimal)}?\d*|{re.escape(decimal)}\d+)"
    text = cell.strip(BLANKS)
    if not re.fullmatch(rf"[+-]?{digits}(?:[eE][+-]?\d+)?", text, re.ASCII):
        return None
    return Fraction(Decimal(text.replace(decimal, ".")))


def _float(cell: Any, decimal: str) -> Any:
    number = _fraction(cell, decimal)
    if number is None:
        return FAULT
    try:
        value = float(number)
    except OverflowError:
        return FAULT
    is_negative = str(cell).strip(BLANKS).startswith("-")
    return -0.0 if value == 0 and is_negative else value


def _int(cell: Any, decimal: str) -> Any:
    number = _fraction(cell, decimal)
    if number is None or number.denominator != 1 or not -(2**63) <= number < 2**63:
        return FAULT
    limit = getattr(cell, "limit", 2**53)
    if isinstance(cell, float) and abs(number) >= limit:  # it may stand for another number
        return FAULT
    return int(number)


def _bool(cell: Any, decimal: str) -> Any:
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, str) and cell.lower() in BOOL_WORDS:
        return BOOL_WORDS[cell.lower()]
    number = _int(cell, decimal)
    return bool(number) if number in {0, 1} else FAULT


def _text(cell: Any, _decimal: str) -> Any:
    return cell if isinstance(cell, str) else FAULT


def _datetime(cell: Any, _decimal: str) -> Any:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    match = ISO_8601.fullmatch(cell) if isinstance(cell, str) else None
    if match is None:
        return FAULT
    day, minutes, seconds, offset = match.groups(default="")
    whole, _, fraction = seconds.partition(".")
    if fraction[6:].strip("0"):
        return FAULT  # finer than a microsecond
    try:
        return datetime.fromisoformat(
            f"{day}T{minutes or '00:00'}{whole or ':00'}.{fraction[:6].ljust(6, '0')}{offset}"
        )
    except ValueError:
        return FAULT


# Cells

WHOLE = [0, 1, -1, 7, 100, 127, 128, 255, 300, 2**31, *(2**53 + step for step in (-1, 0, 1))]
WHOLE += [-(2**53) - 1, 2**60 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 10**20 + 1, -(10**30)]
FRACTIONS = [0.0, -0.0, 0.1, 1.5, 100.0, -2.5, 1e-320, 1.7976931348623157e308, 1e22, 2.0**53]
FRACTIONS += [2.0**53 - 1, 2.0**63, 1e300, 0.30000000000000004, 5e-324]
NUMBER_TEXTS = ["1.234", "12.000", "1,5", "1e3", "-0.0", " 5 ", "+5", "007", ".5", "5.", "1e400"]
NUMBER_TEXTS += [
    "-0",
    "1,234",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "1e-400",
]
NUMBER_TEXTS += ["0.1", "123456789.123456789", "1.0000000000000000001", "18446744073709551615"]
NUMBER_TEXTS += ["1.7976931348623159e308", "2.2250738585072011e-308", "9007199254740992.5"]
OTHER_TEXTS = ["x", "NaT", "NA", "nan", "None", "inf", "-Infinity", "1_000", "0x1F", "٣", "1 2"]
OTHER_TEXTS += ["--5", "1e", "e3", "1.234,56", "now", "today", "$5", "5%", "true", "False", "yes"]
OTHER_TEXTS += ["Вино, белое", 'a "b"', "a;b", " x ", "2026-01-31", "31.01.2026", "TRUE", "on"]
BOOL_TEXTS = ["true", "false", "True", "FALSE", "1", "0", "1.0", "0.0"]
DATES = ["2026-01-31", "2026-01-31T12:00:00", "2026-01-31 12:30", "2024-02-29T23:59:59.999999"]
DATES += ["1677-01-01", "2500-12-31T00:00:00", "0001-01-01", "9999-12-31T23:59:59.999999"]
DATES += ["2026-01-31T12:00:00.123456000", "1970-01-01T00:00:00.000001"]
NO_DATES = ["2026-02-30", "2026-13-01", "2026-01-31T25:00", "now", "today", "NaT", "31.01.2026"]
NO_DATES += ["Jan 2026", "2026-01-31T12:00:00.0000001", "12:00", "1e3", "+2026-01-31", "x"]
NO_DATES += ["-2026-01-31", "2026-01-31T12:00:00.123456789", "1769860800", "yesterday"]
HOSTILE_TEXTS = [*dict.fromkeys(NUMBER_TEXTS + OTHER_TEXTS + BOOL_TEXTS + DATES + NO_DATES)]
HOSTILE_TEXTS += [str(number) for number in WHOLE if str(number) not in HOSTILE_TEXTS]
HOSTILE_NUMBERS: list[Any] = [*WHOLE, *FRACTIONS, *map(float, WHOLE[:15])]
OFFSETS = ["", "Z", "+03:00", "-11:30", "+0300", "+03"]


def often(cells: st.SearchStrategy[Any], others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw from the first nine times of ten."""
    return st.sampled_from([cells] * 9 + [others]).flatmap(lambda chosen: chosen)


def mostly(good: st.SearchStrategy[Any], others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw from the first four times of five: a table of only errors proves little."""
    return st.sampled_from([good] * 4 + [others]).flatmap(lambda chosen: chosen)


@st.composite
def dates(draw: st.DrawFn) -> st.SearchStrategy[Any]:
    """Draw a strategy of texts of dates which all have one offset, or none."""
    offset = draw(st.sampled_from(OFFSETS))
    plain = st.sampled_from([text + offset for text in DATES if ":" in text or not offset])
    return mostly(plain, st.sampled_from(NO_DATES))


def texts(kind: type) -> st.SearchStrategy[st.SearchStrategy[Any]]:
    """Draw a strategy of the texts of a column."""
    numbers = st.sampled_from(NUMBER_TEXTS + [str(number) for number in WHOLE])
    floats = st.floats(allow_nan=False, allow_infinity=False).map(repr)
    others = st.sampled_from(OTHER_TEXTS)
    columns: dict[type, Any] = {
        float: st.just(mostly(st.one_of(numbers, floats), others)),
        int: st.just(mostly(st.one_of(numbers, st.integers(-(2**64), 2**64).map(str)), others)),
        bool: st.just(mostly(st.sampled_from(BOOL_TEXTS), st.one_of(others, numbers))),
        str: st.just(st.one_of(others, numbers, st.text("aÄя0 .,-", min_size=1, max_size=5))),
        datetime: dates(),
    }
    return columns[kind]


def json_cells(kind: type) -> st.SearchStrategy[st.SearchStrategy[Any]]:
    """Draw a strategy of the cells of a column in JSON."""
    whole = st.one_of(st.sampled_from(WHOLE), st.integers(-(2**64), 2**64))
    numbers = st.one_of(whole, st.sampled_from(FRACTIONS), st.floats(-1e6, 1e6))
    mixed = st.one_of(st.booleans(), numbers, st.sampled_from(NUMBER_TEXTS + OTHER_TEXTS))
    good: dict[type, Any] = {
        float: numbers,
        int: st.one_of(whole, whole, st.sampled_from(FRACTIONS), st.sampled_from(NUMBER_TEXTS)),
        bool: st.one_of(st.booleans(), st.booleans(), st.sampled_from(BOOL_TEXTS)),
    }
    if kind in good:
        return st.just(mostly(good[kind], mixed))
    return texts(kind).map(lambda cells: st.one_of(cells, cells, cells, mixed))


# Carriers


@dataclass(frozen=True)
class Sent:
    """A request: for REST, MLflow (`/invocations`) or V2."""

    body: bytes
    media_type: str
    protocol: str = "rest"
    headers: dict[str, str] = field(default_factory=dict)


Cells = dict[str, list[Any]]


@dataclass(frozen=True)
class Carrier:
    """A format or a protocol's body.

    `cells` draws the cells of a column for a type; `exact` returns the value that the bytes hold.
    `kinds` are the types whose columns it can carry.
    """

    name: str
    cells: Callable[[type], st.SearchStrategy[st.SearchStrategy[Any]]]
    write: Callable[[Cells], Sent]
    exact: Callable[[Any, type], Any] = lambda cell, _kind: cell
    decimal: str = "."
    evidence: Cells = field(default_factory=dict)
    """An additional column of one repeated cell."""
    kinds: tuple[type, ...] = (float, int, bool, str, datetime)
    hostile: Sequence[Any] = ()
    """All hostile cells of a column that may hold cells of any type."""
    one_type: bool = False
    """Whether all columns must be of one type, as in a matrix."""
    adds_nulls: bool = True
    """Whether `cells` are without nulls, although the format has them."""

    def __str__(self) -> str:
        return self.name


def rows_of(cells: Cells) -> list[list[Any]]:
    """Return rows instead of columns."""
    return [list(row) for row in zip(*cells.values(), strict=True)]


# Texts


def of_text(cell: Any, kind: type) -> Any:
    """Return the value in a text file; null words are null except in text columns."""
    if cell is None:
        return None
    is_null = cell == "" if kind is str else cell in NULL_WORDS
    return None if is_null else cell


def write_csv(separator: str, media_type: str, protocol: str = "rest") -> Callable[[Cells], Sent]:
    """Return a writer of separated text."""

    def write(cells: Cells) -> Sent:
        file = io.StringIO(newline="")
        writer = csv.writer(file, delimiter=separator, lineterminator="\n")
        writer.writerows([list(cells), *rows_of(cells)])
        return Sent(file.getvalue().encode(), media_type, protocol)

    return write


def write_xml(cells: Cells) -> Sent:
    """Write an element for each cell."""
    elements = [
        "".join(
            f'<{name} xsi:nil="true"/>' if cell is None else f"<{name}>{escape(cell)}</{name}>"
            for name, cell in zip(cells, row, strict=True)
        )
        for row in rows_of(cells)
    ]
    rows = "".join(f"<row>{row}</row>" for row in elements)
    namespace = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    return Sent(f"<table {namespace}>{rows}</table>".encode(), "application/xml")


# JSON


def write_json(shape: Callable[[Cells], Any], protocol: str = "rest") -> Callable[[Cells], Sent]:
    """Return a writer of a JSON text by Python's own json."""

    def write(cells: Cells) -> Sent:
        text = json.dumps(shape(cells), allow_nan=False, ensure_ascii=False)
        return Sent(text.encode(), "application/json", protocol)

    return write


def records(cells: Cells) -> Any:
    return [dict(zip(cells, row, strict=True)) for row in rows_of(cells)]


def split(cells: Cells) -> Any:
    return {"columns": list(cells), "data": rows_of(cells)}


def write_jsonl(cells: Cells) -> Sent:
    """Write a record in each line."""
    lines = "".join(f"{json.dumps(record)}\n" for record in records(cells))
    return Sent(lines.encode(), "application/x-ndjson")


# Columns that have one type in the file itself


@dataclass(frozen=True)
class Typed:
    """A cell, and the type of its column in the file."""

    value: Any
    type: str


def typed(types: dict[str, st.SearchStrategy[Any]], *, nulls: bool = True) -> Any:
    """Draw one of the types for a column, then cells of it."""
    return st.sampled_from(sorted(types)).map(
        lambda name: (often(types[name], st.none()) if nulls else types[name]).map(
            lambda value: Typed(value, name)
        )
    )


def integers(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    """Draw integers of a width, its bounds and those of other widths often."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    hostile = [number for number in WHOLE if low <= number <= high]
    return st.sampled_from([*hostile, low, high]) | st.integers(low, high)


INTEGERS = {
    f"{'' if signed else 'u'}int{bits}": integers(bits, signed=signed)
    for bits in (8, 16, 32, 64)
    for signed in (True, False)
}
FLOATS = {
    "float16": st.sampled_from([2047.0, 2048.0, -2048.0])
    | st.floats(width=16, allow_nan=False, allow_infinity=False),
    "float32": st.sampled_from([2.0**24 - 1, 2.0**24, -(2.0**24)])
    | st.floats(width=32, allow_nan=False, allow_infinity=False),
    "float64": st.sampled_from(FRACTIONS) | st.floats(),
}
TEXTS = st.sampled_from(NUMBER_TEXTS + OTHER_TEXTS + BOOL_TEXTS)
MOMENTS = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))
SECONDS = MOMENTS.map(lambda moment: moment.replace(microsecond=0))


def arrow_cells(kind: type) -> Any:
    """Draw the cells of a column in Arrow or Parquet."""
    whole = st.integers(-(10**20) + 1, 10**20 - 1).map(Decimal) | st.sampled_from(
        [Decimal(number) for number in WHOLE if abs(number) < 10**20]
    )
    parts = st.decimals(-(10**9), 10**9, places=10)
    numbers = INTEGERS | FLOATS | {"decimal128(20, 0)": whole, "decimal128(30, 10)": parts}
    numbers |= {"string": st.sampled_from(NUMBER_TEXTS), "bool": st.booleans()}
    nanoseconds = st.integers(-(10**15), 10**15).map(lambda count: count * 1000)
    columns = {
        float: numbers,
        int: numbers,
        bool: {"bool": st.booleans(), "string": TEXTS, "int8": st.sampled_from([0, 1, 2])},
        str: dict.fromkeys(("string", "large_string", "dictionary"), TEXTS)
        | {"int64": INTEGERS["int64"]},
        datetime: {
            "timestamp[s]": SECONDS,
            "timestamp[ms]": SECONDS,
            "timestamp[us]": MOMENTS,
            "timestamp[ns]": nanoseconds | st.integers(-(10**15), 10**15),
            "timestamp[us, UTC]": MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC)),
            "timestamp[us, +03:00]": MOMENTS.map(
                lambda moment: moment.replace(tzinfo=timezone(timedelta(hours=3)))
            ),
            "date32": st.dates(date(1700, 1, 1), date(2200, 1, 1)),
            "string": st.sampled_from(DATES + NO_DATES),
            "int64": INTEGERS["int64"],
        },
    }
    return typed(columns[kind])


NARROW = {"FP32": Single, "float32": Single, "FP16": Half, "float16": Half}


def of_typed(cell: Typed, _kind: type) -> Any:
    """Return the exact value that a typed column holds."""
    if cell.type == "timestamp[ns]" and cell.value is not None:
        seconds, nanoseconds = divmod(cell.value, 10**9)
        moment = datetime(1970, 1, 1) + timedelta(seconds=seconds)
        return f"{moment.isoformat()}.{nanoseconds:09}"
    if cell.type in NARROW and cell.value is not None:
        try:
            return NARROW[cell.type](struct.unpack("<f", struct.pack("<f", cell.value))[0])
        except OverflowError:
            return inf
    return cell.value


def arrow_type(name: str) -> Any:
    """Return the type of Arrow with this name."""
    import pyarrow as pa

    if name == "dictionary":
        return pa.dictionary(pa.int32(), pa.string())
    if match := re.fullmatch(r"timestamp\[(\w+)(?:, (.*))?\]", name):
        return pa.timestamp(match[1], tz=match[2])
    if match := re.fullmatch(r"decimal128\((\d+), (\d+)\)", name):
        return pa.decimal128(int(match[1]), int(match[2]))
    return getattr(pa, {"bool": "bool_"}.get(name, name))()


def arrow_table(cells: Cells) -> Any:
    """Return a table of pyarrow, without pandas' metadata."""
    import numpy as np
    import pyarrow as pa

    # pandera sets it for the whole process; pyarrow then drops the offsets of datetimes.
    os.environ.pop("PYARROW_IGNORE_TIMEZONE", None)
    arrays = {}
    for name, column in cells.items():
        type_ = column[0].type
        values = [cell.value for cell in column]
        if type_ == "float16":
            values = [None if value is None else np.float16(value) for value in values]
        plain = pa.string() if type_ == "dictionary" else arrow_type(type_)
        array = pa.array(values, plain, from_pandas=False)
        arrays[name] = array.dictionary_encode() if type_ == "dictionary" else array
    return pa.table(arrays)


def write_parquet(protocol: str = "rest") -> Callable[[Cells], Sent]:
    """Return a writer of Parquet as programs other than pandas write it."""

    def write(cells: Cells) -> Sent:
        import pyarrow.parquet as pq

        file = io.BytesIO()
        pq.write_table(arrow_table(cells), file)
        return Sent(file.getvalue(), "application/vnd.apache.parquet", protocol)

    return write


def write_arrow(cells: Cells) -> Sent:
    """Write a stream of Arrow."""
    import pyarrow as pa

    table, file = arrow_table(cells), io.BytesIO()
    with pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    return Sent(file.getvalue(), "application/vnd.apache.arrow.stream")


def write_feather(cells: Cells) -> Sent:
    """Write a file of Arrow, compressed."""
    from pyarrow import feather

    file = io.BytesIO()
    feather.write_feather(arrow_table(cells), file)
    return Sent(file.getvalue(), "application/vnd.apache.arrow.file")


def mlflow_parquet_cells(kind: type) -> Any:
    """Draw cells of the declared type or a smaller one: MLflow rejects all others."""
    columns = {
        float: FLOATS | {"int32": INTEGERS["int32"], "int64": INTEGERS["int64"]},
        int: {name: cells for name, cells in INTEGERS.items() if name != "uint64"},
        bool: {"bool": st.booleans()},
        str: {"string": TEXTS},
        datetime: {"timestamp[us]": MOMENTS},
    }
    return typed(columns[kind])


# V2

DATATYPES = {f"{'U' if name[0] == 'u' else ''}INT{name[-1:]}": name for name in ("int8", "uint8")}
DATATYPES |= {name.upper(): name for name in INTEGERS if name not in DATATYPES.values()}
CODES = {"BOOL": "?", "FP16": "e", "FP32": "f", "FP64": "d"}
CODES |= dict(zip(("INT8", "INT16", "INT32", "INT64"), "bhiq", strict=True))
CODES |= dict(zip(("UINT8", "UINT16", "UINT32", "UINT64"), "BHIQ", strict=True))


def v2_cells(*, binary: bool) -> Callable[[type], Any]:
    """Return a function that draws the cells of a tensor."""
    finite = st.sampled_from(FRACTIONS) | st.floats(-1e30, 1e30)
    floats = {"FP64": FLOATS["float64"] if binary else finite, "FP32": FLOATS["float32"]}
    numbers = {datatype: INTEGERS[name] for datatype, name in DATATYPES.items()} | floats
    if binary:
        numbers["FP16"] = FLOATS["float16"]
    else:
        numbers["FP32"] = FLOATS["float32"] | st.floats(-1e30, 1e30)  # rounded to the datatype
    numbers |= {"BYTES": st.sampled_from(NUMBER_TEXTS + OTHER_TEXTS), "BOOL": st.booleans()}
    columns = {
        float: numbers,
        int: numbers,
        bool: {"BOOL": st.booleans(), "BYTES": TEXTS, "INT64": st.sampled_from([0, 1, 2])},
        str: {"BYTES": TEXTS, "INT64": INTEGERS["int64"]},
        datetime: {"BYTES": st.sampled_from(DATES + NO_DATES), "FP64": finite},
    }
    return lambda kind: typed(columns[kind], nulls=not binary)


def tensor(name: str, shape: Sequence[int], cells: list[Typed]) -> dict[str, Any]:
    """Return a tensor of V2 in JSON."""
    data = [cell.value for cell in cells]
    return {"name": name, "shape": list(shape), "datatype": cells[0].type, "data": data}


def write_v2(cells: Cells) -> Sent:
    """Write a tensor for each column."""
    inputs = [tensor(name, [len(column)], column) for name, column in cells.items()]
    text = json.dumps({"inputs": inputs}, allow_nan=False)
    return Sent(text.encode(), "application/json", "v2")


def write_v2_matrix(cells: Cells) -> Sent:
    """Write one tensor of all columns."""
    rows = rows_of(cells)
    flat = [cell for row in rows for cell in row]
    text = json.dumps({"inputs": [tensor("data", [len(rows), len(cells)], flat)]})
    return Sent(text.encode(), "application/json", "v2")


def write_v2_binary(cells: Cells) -> Sent:
    """Write a tensor for each column, its data behind the JSON."""
    inputs, data = [], b""
    for name, column in cells.items():
        entry = tensor(name, [len(column)], column)
        values = entry.pop("data")
        if entry["datatype"] == "BYTES":
            texts_ = [value.encode() for value in values]
            own = b"".join(struct.pack("<I", len(text)) + text for text in texts_)
        else:
            own = struct.pack(f"<{len(values)}{CODES[entry['datatype']]}", *values)
        inputs.append({**entry, "parameters": {"binary_data_size": len(own)}})
        data += own
    head = json.dumps({"inputs": inputs}).encode()
    length = {"Inference-Header-Content-Length": str(len(head))}
    return Sent(head + data, "application/octet-stream", "v2", length)


# Workbooks

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLS, ODS = "application/vnd.ms-excel", "application/vnd.oasis.opendocument.spreadsheet"


def workbook_cells(kind: type) -> Any:
    """Draw the cells of a column of a sheet."""
    numbers = st.one_of(
        st.sampled_from([number for number in WHOLE if abs(number) < 10**15]),
        st.sampled_from([0.5, 1.5, -2.25, 100.0, 2.0**53 - 1, 2.0**53, 2.0**63, 1e300]),
        st.floats(-1e6, 1e6).map(lambda number: round(number, 3) + 0.0),
    )
    small = st.integers(-(10**9), 10**9) | st.sampled_from([0.5, 1.5, -2.25, 100.0])
    words = st.sampled_from([text for text in NUMBER_TEXTS + OTHER_TEXTS if text.strip() == text])
    moments = st.datetimes(datetime(1901, 1, 1), datetime(2200, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0)
    )
    columns = {
        float: mostly(numbers, st.one_of(words, st.booleans(), moments)),
        int: mostly(small | numbers, st.one_of(words, st.booleans(), moments)),
        bool: mostly(st.booleans() | st.sampled_from([0, 1, 1.0]), st.one_of(words, small)),
        str: words | small,
        datetime: mostly(moments | st.sampled_from(DATES), st.sampled_from(NO_DATES)),
    }
    return st.just(columns[kind])


def of_sheet(cell: Any, kind: type) -> Any:
    """Return what a sheet holds: numbers are doubles, and a text column has them as shown."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return None if cell == "" else cell
    if kind is str:
        return str(int(cell)) if float(cell).is_integer() else repr(float(cell))
    return float(cell)


def write_xlsx(cells: Cells) -> Sent:
    """Write a workbook by openpyxl."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    for row in [list(cells), *rows_of(cells)]:
        sheet.append(row)
        for cell in sheet[sheet.max_row]:
            if isinstance(cell.value, str):
                cell.data_type = "s"
    file = io.BytesIO()
    book.save(file)
    return Sent(file.getvalue(), XLSX)


def write_xls(cells: Cells) -> Sent:
    """Write a workbook by xlwt."""
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("1")
    moment = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")
    for row, values in enumerate([list(cells), *rows_of(cells)]):
        for column, value in enumerate(values):
            if isinstance(value, datetime):
                sheet.write(row, column, value, moment)
            elif value is not None:
                sheet.write(row, column, value)
    file = io.BytesIO()
    book.save(file)
    return Sent(file.getvalue(), XLS)


def ods_cell(value: Any) -> str:
    """Return a cell of content.xml."""
    match value:
        case None:
            return "<table:table-cell/>"
        case bool():
            attributes = f'office:value-type="boolean" office:boolean-value="{str(value).lower()}"'
        case int() | float():
            attributes = f'office:value-type="float" office:value="{value!r}"'
        case datetime():
            attributes = f'office:value-type="date" office:date-value="{value.isoformat()}"'
        case _:
            attributes = 'office:value-type="string"'
    return (
        f"<table:table-cell {attributes}><text:p>{escape(str(value))}</text:p></table:table-cell>"
    )


def write_ods(cells: Cells) -> Sent:
    """Write the parts of an OpenDocument sheet that readers need."""
    rows = "".join(
        f"<table:table-row>{''.join(map(ods_cell, row))}</table:table-row>"
        for row in [list(cells), *rows_of(cells)]
    )
    names = "".join(
        f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
        for prefix in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{names}><office:body>'
        f'<office:spreadsheet><table:table table:name="1">{rows}</table:table>'
        f"</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS}"/>'
        "</manifest:manifest>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", ODS)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    return Sent(file.getvalue(), ODS)


# The client


def write_by_client(cells: Cells) -> Sent:
    """Have mmf_core/client.py encode a table of Python's values."""
    import pandas as pd

    from mmf_core import client

    table = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in cells.items()})
    part = client._encode(table, [client.ARROW, client.JSON])
    return Sent(part.data, part.media_type)


HOSTILE_JSON = [*HOSTILE_TEXTS, *HOSTILE_NUMBERS, True, False, None]
HOSTILE_SHEET = [text for text in HOSTILE_TEXTS if text.strip(BLANKS) == text]
# openpyxl writes 16 digits.
HOSTILE_SHEET += [
    number
    for number in HOSTILE_NUMBERS
    if float(f"{number:.16g}") == number and abs(number) <= 2**53
]
HOSTILE_SHEET += [True, False, None]
NOT_EMPTY: Cells = {"row": [1]}
"""An empty row at the end of a sheet is not part of its table."""
CARRIERS = [
    Carrier("CSV", texts, write_csv(",", "text/csv"), of_text, hostile=HOSTILE_TEXTS),
    Carrier(
        "CSV with decimal commas",
        texts,
        write_csv(";", "text/csv"),
        of_text,
        decimal=",",
        hostile=HOSTILE_TEXTS,
        evidence={"evidence": ["0,5"]},
    ),
    Carrier(
        "TSV", texts, write_csv("\t", "text/tab-separated-values"), of_text, hostile=HOSTILE_TEXTS
    ),
    Carrier("XML", texts, write_xml, of_text, hostile=HOSTILE_TEXTS),
    Carrier("JSON records", json_cells, write_json(records), hostile=HOSTILE_JSON),
    Carrier("JSON split", json_cells, write_json(split), hostile=HOSTILE_JSON),
    Carrier("JSON columns", json_cells, write_json(dict), hostile=HOSTILE_JSON),
    Carrier("JSON lines", json_cells, write_jsonl, hostile=HOSTILE_JSON),
    Carrier(
        "XLSX", workbook_cells, write_xlsx, of_sheet, evidence=NOT_EMPTY, hostile=HOSTILE_SHEET
    ),
    Carrier("XLS", workbook_cells, write_xls, of_sheet, evidence=NOT_EMPTY, hostile=HOSTILE_SHEET),
    Carrier("ODS", workbook_cells, write_ods, of_sheet, evidence=NOT_EMPTY, hostile=HOSTILE_SHEET),
    Carrier("Parquet", arrow_cells, write_parquet(), of_typed, adds_nulls=False),
    Carrier("Arrow", arrow_cells, write_arrow, of_typed, adds_nulls=False),
    Carrier("Feather", arrow_cells, write_feather, of_typed, adds_nulls=False),
    Carrier("client.py", json_cells, write_by_client, hostile=HOSTILE_JSON),
    *(
        Carrier(f"MLflow {key}", json_cells, write_json(shape, "mlflow"), hostile=HOSTILE_JSON)
        for key, shape in {
            "dataframe_split": lambda cells: {"dataframe_split": split(cells)},
            "dataframe_records": lambda cells: {"dataframe_records": records(cells)},
            "instances": lambda cells: {"instances": records(cells)},
            "inputs": lambda cells: {"inputs": cells},
        }.items()
    ),
    Carrier("MLflow CSV", texts, write_csv(",", "text/csv", "mlflow"), of_text),
    Carrier(
        "MLflow Parquet", mlflow_parquet_cells, write_parquet("mlflow"), of_typed, adds_nulls=False
    ),
    Carrier("V2 JSON", v2_cells(binary=False), write_v2, of_typed, adds_nulls=False),
    Carrier("V2 binary", v2_cells(binary=True), write_v2_binary, of_typed, adds_nulls=False),
    Carrier(
        "V2 matrix",
        v2_cells(binary=False),
        write_v2_matrix,
        of_typed,
        kinds=(float, int),
        one_type=True,
        adds_nulls=False,
    ),
]

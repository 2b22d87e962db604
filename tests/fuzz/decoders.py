"""Every decoder: its seeds, structure and invariants.

A decoder's `check` returns whether it has read a body; any exception is a failure. If there
is a library that reads the format in another way, a value that is read must be that library's, too.
"""

import io
import json
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache
from typing import Any

import msgpack
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import xlwt
from body_parts import DEFLATE, GZIP, STRUCTURES, ZSTD, Structure, separated
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

import mmf_core as mmf
from mmf_core.codecs import Format, Kind, find, readable
from mmf_core.descriptors import Descriptor
from mmf_core.errors import RequestError
from mmf_core.web import create_app
from samples import BODIES, VALUES

DESCRIPTORS: dict[Kind, dict[str, Descriptor[Any]]] = {
    Kind.TABLE: {
        "DataFrame": mmf.DataFrame(),
        "DataFrame with a schema": mmf.DataFrame(
            schema={"whole": int, "part": float | None, "text": str | None}
        ),
    },
    Kind.ARRAY: {"Array": mmf.Array(), "Array of columns": mmf.Array(columns=["a", "b"])},
    Kind.JSON: {"Dict": mmf.Dict(), "List": mmf.List(mmf.String())},
    Kind.IMAGE: {"Img": mmf.Img()},
    Kind.SCALAR: {
        name: getattr(mmf, name)()
        for name in ("String", "Integer", "Float", "Bool", "Date", "Datetime")
    },
    Kind.FILE: {"File": mmf.File()},
}
MULTIPART = "multipart/form-data; boundary=b"
TABLE, WHOLE = mmf.DataFrame(schema=None), mmf.DataFrame(schema={"whole": int})
NUMBER, TEXT, ARRAY = mmf.Float(), mmf.String(), mmf.Array()
LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True)
class Decoder:
    """One way for bytes to become a value."""

    name: str
    seeds: tuple[bytes, ...]
    check: Callable[[bytes], bool]
    structure: Structure | None = None


# The reference of each format that another library reads as well


def _json(data: bytes) -> Any:
    return json.loads(data.decode("utf-8-sig"))


def _msgpack(data: bytes) -> Any:
    return msgpack.unpackb(data, strict_map_key=True)


def _protobuf(data: bytes) -> Any:
    return MessageToDict(Struct.FromString(data))


def _npy(data: bytes) -> Any:
    return np.load(io.BytesIO(data), allow_pickle=False)


def _json_array(data: bytes) -> Any:
    return np.array(_json(data), dtype=object)


def _parquet(data: bytes) -> Any:
    return pyarrow.parquet.read_table(pa.BufferReader(data))


def _stream(data: bytes) -> Any:
    return pa.ipc.open_stream(data).read_all()


def _file(data: bytes) -> Any:
    return pa.ipc.open_file(data).read_all()


REFERENCES: dict[tuple[Kind, Format], Callable[[bytes], Any]] = {
    (Kind.TABLE, Format.PARQUET): _parquet,
    (Kind.TABLE, Format.ARROW): _stream,
    (Kind.TABLE, Format.FEATHER): _file,
    (Kind.JSON, Format.JSON): _json,
    (Kind.JSON, Format.MSGPACK): _msgpack,
    (Kind.JSON, Format.PROTOBUF): _protobuf,
    (Kind.ARRAY, Format.NPY): _npy,
    (Kind.ARRAY, Format.JSON): _json_array,
}


def _same(value: Any, expected: Any) -> bool:
    """Compare exactly: of JSON 1 is not 1.0 and not True, and NaN is NaN."""
    if isinstance(expected, pa.Table):
        return list(value.columns) == expected.column_names and all(
            _are_same(value.iloc[:, index].tolist(), column.to_pylist())
            for index, column in enumerate(expected.columns)
            if pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        )
    if isinstance(expected, np.ndarray):
        return value.shape == expected.shape and _are_same(
            value.ravel().tolist(), expected.ravel().tolist()
        )
    return json.dumps(value, sort_keys=True) == json.dumps(expected, sort_keys=True)


def _are_same(numbers: list[Any], expected: list[Any]) -> bool:
    """Compare numbers exactly; null is NaN."""
    pairs = zip(numbers, expected, strict=True)
    return all(a == b or (_is_null(a) and _is_null(b)) for a, b in pairs)


def _is_null(cell: Any) -> bool:
    return cell is None or cell is pd.NA or cell != cell  # noqa: PLR0124 - NaN


# Codecs


def _decode(descriptor: Descriptor[Any], form: Format, body: bytes, *, compares: bool) -> None:
    codec = find(descriptor.kind, form)
    assert codec is not None
    value = descriptor.validate(codec.read(body, descriptor.options))
    if compares and (descriptor.kind, form) in REFERENCES:
        expected = REFERENCES[descriptor.kind, form](body)
        assert _same(value, expected), f"expected {expected!r:.200}, got {value!r:.200}"


def _check(descriptors: dict[str, Descriptor[Any]], form: Format) -> Callable[[bytes], bool]:
    """Return the check of all descriptors of a kind; the first takes any value as it is."""

    def check(body: bytes) -> bool:
        is_read = False
        for place, descriptor in enumerate(descriptors.values()):
            with suppress(RequestError):
                _decode(descriptor, form, body, compares=place == 0)
                is_read = True
        return is_read

    return check


def _xls() -> bytes:
    """Return a workbook with every kind of record that holds a cell."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("a")
    other = book.add_sheet("b")
    other.visibility = 1
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    span = xlwt.easyxf(num_format_str="[h]:mm:ss")
    for place, name in enumerate(["whole", "part", "text", "when", "span", "flag"]):
        sheet.write(0, place, name)
    for row in range(1, 6):
        sheet.write(row, 0, row)
        sheet.write(row, 1, 1_000_000 * row + row / 7)
        sheet.write(row, 2, f"вино {row}" if row % 2 else "wine" * row)
        sheet.write(row, 3, datetime(2026, 1, row, row), day)
        sheet.write(row, 4, time(row), span)
        sheet.write(row, 5, row % 2 == 0)
    for place in range(6):
        sheet.write(6, place, place)
    sheet.write(7, 0, xlwt.Formula("A2+A3"))
    sheet.row(8).set_cell_error(1, "#DIV/0!")
    sheet.write(9, 0, None, day)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _split(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}


def _json_tables(*, of_mlflow: bool = False) -> list[bytes]:
    """Return a table in each of its orientations."""
    table = VALUES["DataFrame"]
    columns = {name: [row[name] for row in table] for name in table[0]}
    split = _split(table)
    wrapped = [{"dataframe_split": split}, {"dataframe_records": table}]
    wrapped += [{"instances": table}, {"inputs": columns}]
    shapes = [] if of_mlflow else [columns, split, {**split, "index": [0, 1]}]
    return [json.dumps(shape).encode() for shape in [*shapes, *wrapped]]


@cache
def _seeds(kind: Kind, form: Format) -> tuple[bytes, ...]:
    make = BODIES[kind][form]
    names = {type(descriptor).__name__ for descriptor in DESCRIPTORS[kind].values()} & {*VALUES}
    seeds = [make(VALUES[name]) for name in (["Img"] if kind is Kind.IMAGE else sorted(names))]
    if (kind, form) == (Kind.TABLE, Format.XLS):
        seeds.append(_xls())
    if (kind, form) == (Kind.TABLE, Format.JSON):
        seeds += _json_tables()
    if kind is Kind.JSON and form in {Format.JSON, Format.YAML, Format.MSGPACK}:
        seeds.append(make(["red", "dry"]))
    return tuple(dict.fromkeys(seeds))


def codecs() -> Iterator[Decoder]:
    """Yield a decoder for each kind of value in each format, including new codecs."""
    for kind, descriptors in DESCRIPTORS.items():
        for form in readable(kind):
            yield Decoder(
                f"{kind.name.lower()}-{form.name.lower()}",
                _seeds(kind, form),
                _check(descriptors, form),
                STRUCTURES.get(form),
            )


# Protocols: bodies of several arguments, over HTTP


def table(data: Any = TABLE) -> Any:
    """Return a table."""
    return data


def several(table: Any = WHOLE, number: Any = NUMBER, text: Any = TEXT) -> dict[str, Any]:
    """Accept several arguments."""
    return {"rows": len(table), "number": number, "text": text}


def array(data: Any = ARRAY) -> Any:
    """Return an array."""
    return data


@cache
def _client() -> Any:
    registry = mmf.Registry()
    registry.target(returns=mmf.DataFrame(format=mmf.JSON), default=True)(table)
    registry.target(returns=mmf.Array(format=mmf.JSON))(array)
    registry.target(returns=mmf.Dict(format=mmf.JSON))(several)
    return create_app(registry).test_client()


def _posts(*paths: str, media_type: str, **headers: str) -> Callable[[bytes], bool]:
    return lambda body: any([_post(path, body, media_type, headers) for path in paths])  # noqa: C419


def _post(path: str, body: bytes, media_type: str, headers: dict[str, str]) -> bool:
    response = _client().post(path, data=body, content_type=media_type, headers=headers)
    assert response.status_code < 500, f"{response.status_code}: {response.text:.300}"
    if response.mimetype == "application/json":
        json.loads(response.data)
    return bool(response.status_code == 200)


def _post_binary(body: bytes) -> bool:
    """Send the rest of a body whose first two bytes are the length of its JSON."""
    headers = {LENGTH: str(int.from_bytes(body[:2], "little"))}
    paths = ("/v2/models/table/infer", "/v2/models/array/infer")
    return any([_post(path, body[2:], "application/octet-stream", headers) for path in paths])  # noqa: C419


def _with_length(parts: list[bytes]) -> bytes:
    head = b"".join(parts[:1])
    return struct.pack("<H", len(head) & 0xFFFF) + b"".join(parts)


def _after_length(body: bytes) -> list[bytes]:
    end = 2 + int.from_bytes(body[:2], "little")
    return [body[2:end], body[end:]]


def _v2(**binary: int) -> bytes:
    tensors = {
        "whole": ("INT64", [1, -2]),
        "part": ("FP32", [1.5, None]),
        "text": ("BYTES", ["a", "вино"]),
    }
    inputs = [
        {"name": name, "shape": [2], "datatype": datatype}
        | ({"parameters": {"binary_data_size": binary[name]}} if name in binary else {"data": data})
        for name, (datatype, data) in tensors.items()
    ]
    return json.dumps({"id": "1", "inputs": inputs}).encode()


def _v2_binary() -> bytes:
    text = b"".join(struct.pack("<I", len(each)) + each for each in (b"a", "вино".encode()))
    data = struct.pack("<qq", 1, -2) + struct.pack("<ff", 1.5, 2) + text
    return _with_length([_v2(whole=16, part=8, text=len(text)), data])


def _form(*parts: tuple[str, bytes]) -> bytes:
    return (
        b"".join(
            b"--b\r\nContent-Disposition: form-data; "
            + head.encode()
            + b"\r\n\r\n"
            + content
            + b"\r\n"
            for head, content in parts
        )
        + b"--b--\r\n"
    )


MULTIPARTS = (
    _form(
        ('name="table"; filename="a.csv"\r\nContent-Type: text/csv', b"whole\n1\n"),
        ('name="number"', b"1.5"),
        ('name="text"', "вино".encode()),
    ),
    _form(
        ("name=\"table\"; filename*=UTF-8''%d0%b0.json", b'[{"whole": 1}]'),
        ('name="number"\r\nContent-Type: application/json', b"1"),
        ('name="text"\r\nContent-Type: text/plain; charset=latin-1', b"a"),
    ),
)
ARRAYS = tuple(
    json.dumps(shape).encode()
    for shape in (
        {"instances": [[1, 2.5], [3, None]]},
        {"inputs": {"a": [1, 2]}},
        {"inputs": [[1.5, 2]], "params": {"a": 1}},
    )
)


def protocols() -> Iterator[Decoder]:
    """Yield a decoder for each way to send several values in a body, and for each coding."""
    json_list = separated(b",")
    tables = tuple(_json_tables(of_mlflow=True))
    yield Decoder(
        "v2-json",
        (_v2(), _v2().replace(b"[2]", b"[2,1]")),
        _posts("/v2/models/table/infer", "/v2/models/array/infer", media_type="application/json"),
        json_list,
    )
    yield Decoder(
        "v2-binary", (_v2_binary(),), _post_binary, Structure(_after_length, _with_length)
    )
    yield Decoder(
        "mlflow", tables + ARRAYS, _posts("/invocations", media_type="application/json"), json_list
    )
    yield Decoder(
        "json-arguments",
        (b'{"table": [{"whole": 1}], "number": 1.5, "text": "a"}',),
        _posts("/several", media_type="application/json"),
        json_list,
    )
    yield Decoder(
        "multipart", MULTIPARTS, _posts("/several", media_type=MULTIPART), separated(b"--b")
    )
    yield Decoder(
        "urlencoded",
        (b"table=%5B%7B%22whole%22:1%7D%5D&number=1.5&text=%d0%b0+b",),
        _posts("/several", media_type="application/x-www-form-urlencoded"),
        separated(b"&"),
    )
    csv = BODIES[Kind.TABLE][Format.CSV](VALUES["DataFrame"])
    for name, structure in {"gzip": GZIP, "deflate": DEFLATE, "zstd": ZSTD}.items():
        headers = {"Content-Encoding": name}
        yield Decoder(
            name,
            (structure.join([csv]),),
            _posts("/table", media_type="text/csv", **headers),
            structure,
        )


DECODERS = {decoder.name: decoder for decoder in (*codecs(), *protocols())}

"""Array: shape, dtype, columns; JSON, CSV and .npy."""

import io
import random
import struct
import tracemalloc
from contextlib import suppress
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import mmf_core as mmf
from mmf_core.codecs import Codec, Format, Kind, find, formats, json
from mmf_core.errors import DescriptorError, InvalidValue, RequestError

FORMS = [Format.JSON, Format.CSV, Format.NPY]
NAMES = ["ash", "hue"]
NAMED = mmf.Array(columns=NAMES)


def _codec(form: Format) -> Codec[Any]:
    codec = find(Kind.ARRAY, form)
    assert codec is not None
    return codec


JSON, CSV, NPY = (_codec(form) for form in FORMS)


def _npy(array: Any, **how: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **how)
    return buffer.getvalue()


def _header(text: str, rest: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + rest


def test_array_formats() -> None:
    assert formats(Kind.ARRAY) == FORMS


# .npy


@settings(deadline=None)
@given(
    arrays.arrays(
        st.sampled_from(["?", "<i1", "<u2", "<i4", ">i8", "<f2", ">f4", "<f8"]),
        arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_npy_round_trip(array: np.ndarray) -> None:
    for order in (array, array.T):
        again = NPY.decode(NPY.encode(order, {}), {})
        assert again.dtype == array.dtype.newbyteorder("=")
        assert again.shape == order.shape
        assert again.flags.writeable
        np.testing.assert_array_equal(again, order)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected a .npy"),
        (b"a,b", "expected a .npy"),
        (b"\x93NUMPY\x09\x00", "expected a .npy"),
        (b"\x93NUMPY\x01\x00", "header"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", "header"),
        (_header("{}"), "header"),
        (_header("[1]"), "header"),
        (_header("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 2), }\x1c"), "header"),
        (_header("(" * 5_000), "header"),
        (_header("__import__('os')"), "header"),
        (_header("{'descr': '<f8', 'fortran_order': False, 'shape': 5}"), "shape"),
        (_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"), "shape"),
        (_header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {(0,) * 99}}}"), "shape"),
        (_header("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 10**30)}"), "header"),
        (
            _header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': (0, {10**30})}}"),
            "shape",
        ),
        (_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000,)}"), "shorter"),
        (_npy(np.zeros(3))[:-1], "shorter"),
        (_npy(np.zeros(3)) + b"x", "longer"),
        (_npy(np.array([{"a": 1}]), allow_pickle=True), "numbers"),
        (_npy(np.zeros(2, dtype=[("a", "f8")])), "numbers"),
        (_npy(np.array(["text"])), "numbers"),
        (_npy(np.zeros(2, dtype=complex)), "numbers"),
        (_npy(np.array(["2026-01-31"], dtype="M8[D]")), "numbers"),
    ],
)
def test_rejects_invalid_npy(data: bytes, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        NPY.decode(data, {})


def test_forged_npy_header_allocates_no_memory() -> None:
    data = _header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**9},)}}", b"\x00" * 8)
    tracemalloc.start()
    try:
        with pytest.raises(RequestError):
            NPY.decode(data, {})
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


# CSV


@settings(deadline=None)
@given(
    arrays.arrays(
        "<f8",
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=5),
        elements=st.floats(allow_infinity=True),
    )
)
def test_csv_round_trip(array: np.ndarray) -> None:
    np.testing.assert_array_equal(CSV.decode(CSV.encode(array, {}), {}), array)


@pytest.mark.parametrize(
    ("data", "array"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("a,b\n1,2\r\n3,4", [[1, 2], [3, 4]]),
        ('"a ""1""","b,c"\n"1",-2e3\n', [[1, -2000]]),
        ("\ufeffa,b\n1,2\n", [[1, 2]]),
        ("a\n1\n2\n\n", [[1], [2]]),
        ("a,b\n1,2\n\n3,4\n", [[1, 2], [3, 4]]),
        (",b\n1,\n", [[1, np.nan]]),
        (",\n1,2\n", [[np.nan, np.nan], [1, 2]]),
        ("", np.zeros((0, 0))),
    ],
)
def test_csv_header_is_optional(data: str, array: Any) -> None:
    np.testing.assert_array_equal(CSV.decode(data.encode(), {}), array)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array([[1, 2]]), "1,2\n"),
        (np.array([1.5, np.nan]), '1.5\n""\n'),
        (np.array(5), "5\n"),
        (np.array([[True, False]]), "1,0\n"),
    ],
)
def test_csv_output(array: np.ndarray, text: str) -> None:
    assert CSV.encode(array, {}).decode() == text


def test_csv_of_named_columns_has_a_header() -> None:
    assert CSV.encode(np.array([[1, 2]]), NAMED.options) == b"ash,hue\n1,2\n"


def test_csv_requires_two_dimensions() -> None:
    with pytest.raises(ValueError, match="two dimensions"):
        CSV.encode(np.zeros((1, 1, 1)), {})


@pytest.mark.parametrize(
    ("data", "message", "places"),
    [
        (b"1,2\n3,x\n", "numbers only", [(1, "1")]),
        (b"a,b\n1,2\n1_0,x\n", "numbers only", [(1, "a"), (1, "b")]),
        (b"x,1\n", "numbers only", [(0, "0")]),
        ("1,2\n\u0661,\xa02\n".encode(), "numbers only", [(1, "0"), (1, "1")]),
        (b"1,2\n3\n", "one value", [(1, None)]),
        (b"a,b\n1,2,3\n", "one value", [(0, None)]),
        (b"a,b\n", "numbers only", [(0, "0"), (0, "1")]),
        (b"true,false\n", "numbers only", [(0, "0"), (0, "1")]),
        (b"True,false\n1,2\n", "numbers only", [(0, "0"), (0, "1")]),
        (b"a,b\nx,y\n1,2\n", "numbers only", [(0, "a"), (0, "b")]),
        (b"a\n1\n\n2\n", "line 3 is blank", []),
        (b"1\r\n\r\n2", "line 2 is blank", []),
        (b'"a', "CSV", []),
        (b"\xff", "CSV", []),
        (b"a\n" + b"1" * 200_000, "CSV", []),
    ],
)
def test_rejects_invalid_csv_cells_with_their_positions(
    data: bytes, message: str, places: list[Any]
) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        CSV.decode(data, {})
    assert [(error.row, error.column) for error in caught.value.errors] == places


# JSON


@pytest.mark.parametrize(
    ("plain", "places"),
    [
        ([[1, "x"], [{}, 2]], [(0, "1"), (1, "0")]),
        ([[1, None], [2, "x"]], [(1, "1")]),
        (["x"], []),
        ([[1], [1, 2]], []),
    ],
)
def test_json_errors_have_row_and_column(plain: Any, places: list[Any]) -> None:
    with pytest.raises(InvalidValue) as caught:
        JSON.decode(json.dumps(plain), {})
    assert [(error.row, error.column) for error in caught.value.errors] == places


# columns


@pytest.mark.parametrize(
    "plain",
    [
        [[1, 2.5], [3, 4]],
        [{"ash": 1, "hue": 2.5}, {"hue": 4, "ash": 3, "more": "x"}],
        {"columns": ["hue", "x", "ash"], "data": [[2.5, "y", 1], [4, None, 3]]},
        {"columns": ["ash", "hue"], "data": [[1, 2.5], [3, 4]], "index": [0, 1]},
        {"hue": [2.5, 4], "ash": [1, 3], "more": ["x", "y"]},
        {"dataframe_records": [{"ash": 1, "hue": 2.5}, {"ash": 3, "hue": 4}]},
        {"dataframe_split": {"columns": ["ash", "hue"], "data": [[1, 2.5], [3, 4]]}},
        {"instances": [[1, 2.5], [3, 4]]},
        {"inputs": {"hue": [2.5, 4], "ash": [1, 3]}},
    ],
)
def test_json_columns_are_reordered_by_name(plain: Any) -> None:
    array = NAMED.validate(JSON.decode(json.dumps(plain), NAMED.options))
    assert array.tolist() == [[1, 2.5], [3, 4]]
    assert array.dtype == np.float64


@pytest.mark.parametrize(
    "text", ["hue,name,ash\n2.5,Barolo,1\n4,,3\n", "1,2.5\n3,4\n", "ash,hue\n1,2.5\n3,4\n"]
)
def test_csv_columns_are_reordered_by_name(text: str) -> None:
    assert NAMED.validate(CSV.decode(text.encode(), NAMED.options)).tolist() == [[1, 2.5], [3, 4]]


def test_npy_columns_keep_their_order() -> None:
    array = NAMED.validate(NPY.decode(_npy(np.array([[1, 2]], dtype=np.int32)), NAMED.options))
    assert (array.tolist(), array.dtype) == ([[1, 2]], np.float64)


@pytest.mark.parametrize(
    ("plain", "message", "places"),
    [
        ([{"ash": 1}], "each column", [(0, "hue")]),
        ([{"ash": 1, "hue": 2}, {}], "each column", [(1, "ash"), (1, "hue")]),
        ([{"ash": 1, "hue": 2}, 5], "each column", [(1, None)]),
        ([{"ash": 1, "hue": "x"}, {"ash": True, "hue": None}], "numbers", [
            (0, "hue"), (1, "ash"), (1, "hue")]),
        ([[1, None]], "empty", [(0, "hue")]),
        ([[1, 2, 3]], "shape", []),
        ([1, 2], "numbers", []),
        ([[[1, 2]]], "numbers", [(0, "ash")]),
        ([], "empty", []),
        ([[]], "empty", []),
        ({}, "missing columns: ash, hue", [(None, "ash"), (None, "hue")]),
        ({"ash": [1]}, "missing columns: hue", [(None, "hue")]),
        ({"ash": [1], "hue": []}, "same number", []),
        ({"ash": 1, "hue": 2}, "expected rows", []),
        ("text", "expected rows", []),
        (5, "expected rows", []),
        ({"columns": ["ash"], "data": [[1]]}, "missing columns: hue", [(None, "hue")]),
        ({"columns": ["ash", "hue", "ash"], "data": [[1, 2, 3]]}, "duplicate columns: ash", []),
        ({"columns": ["ash", "hue"], "data": [[1, 2], [1]]}, "one value", [(1, None)]),
        ({"columns": 5, "data": []}, "list", []),
        ({"columns": [["ash"], "hue", "ash"], "data": [5]}, "one value", [(0, None)]),
    ],
)  # fmt: skip
def test_column_errors_have_row_and_column(plain: Any, message: str, places: list[Any]) -> None:
    with pytest.raises(InvalidValue, match=message) as caught:
        NAMED.validate(JSON.decode(json.dumps(plain), NAMED.options))
    assert [(error.row, error.column) for error in caught.value.errors] == places


@pytest.mark.parametrize(
    ("text", "message", "places"),
    [
        ("ash,Hue\n1,2\n", "missing columns: hue", [(None, "hue")]),
        ("hue,ash\n1,x\n", "numbers", [(0, "ash")]),
        ("hue,ash\n1,\n", "empty", [(0, "ash")]),
        ("hue,ash\n1,inf\n", "infinite", [(0, "ash")]),
        ("1,2,3\n", "shape", []),
        ("ash,hue\n", "empty", []),
    ],
)
def test_csv_column_errors_have_row_and_column(text: str, message: str, places: list[Any]) -> None:
    with pytest.raises(InvalidValue, match=message) as caught:
        NAMED.validate(CSV.decode(text.encode(), NAMED.options))
    assert [(error.row, error.column) for error in caught.value.errors] == places


@pytest.mark.parametrize(
    ("array", "row", "column"),
    [
        (np.array([[1, 2], [3, np.inf]]), 1, "1"),
        (np.array([1, -np.inf]), 1, None),
        (np.array(np.inf), None, None),
        (np.array([[[0, np.inf]]]), 0, "0, 1"),
        (np.array([[1, np.inf]], np.float32), 0, "1"),
    ],
)
def test_rejects_infinity_unless_declared(
    array: np.ndarray, row: int | None, column: str | None
) -> None:
    with pytest.raises(InvalidValue, match="infinite: 1") as caught:
        mmf.Array().validate(array)
    (error,) = caught.value.errors
    assert (error.row, error.column) == (row, column)
    assert mmf.Array(finite=False).validate(array) is array
    assert mmf.Array().to_output(array) is array


def test_rejects_nan_only_in_named_columns() -> None:
    rows = np.array([[np.nan, np.inf]])
    assert mmf.Array(finite=False).validate(rows) is rows
    with pytest.raises(InvalidValue, match="infinite: 1"):
        mmf.Array(columns=["a", "b"], finite=False).validate(rows)


def test_error_list_is_limited() -> None:
    with pytest.raises(InvalidValue) as caught:
        JSON.decode(json.dumps([["x", "y"]] * 1_000), NAMED.options)
    assert len(caught.value.errors) == 20


def test_array_with_columns_is_homogeneous_and_described() -> None:
    assert NAMED.is_homogeneous
    assert not mmf.Array().is_homogeneous
    meta = NAMED.meta()
    assert (meta["columns"], meta["shape"], meta["dtype"]) == (NAMES, [None, 2], "float64")
    assert NAMED.plain_example == [{"ash": 0.5, "hue": 0.5}]


# shape and dtype


@pytest.mark.parametrize("codec", [JSON, CSV], ids=["JSON", "CSV"])
@pytest.mark.parametrize(
    "array",
    [
        np.array([[2**53 + 1, -1]]),
        np.array([[-(2**63)], [2**63 - 1]]),
        np.array([[2**64 - 1, 5]], dtype="uint64"),
    ],
)
def test_integers_round_trip_exactly(codec: Codec[Any], array: np.ndarray) -> None:
    again = codec.decode(codec.encode(array, {}), {})
    assert again.dtype == array.dtype
    assert again.tolist() == array.tolist()


LOSSY = ["18446744073709551615,-1", "9007199254740993,0.5", "9007199254740993,1e16"]


@pytest.mark.parametrize("text", LOSSY)
@pytest.mark.parametrize("codec", [JSON, CSV], ids=["JSON", "CSV"])
def test_rejects_numbers_that_no_dtype_holds_exactly(codec: Codec[Any], text: str) -> None:
    data = f"[[{text}]]" if codec is JSON else text
    with pytest.raises(InvalidValue, match="one type holds exactly"):
        codec.decode(data.encode(), {})
    array = codec.decode(data.encode(), mmf.Array(dtype="float64").options)
    assert array.tolist() == [[float(cell) for cell in text.split(",")]]


@pytest.mark.parametrize("text", ["18446744073709551616,1", "1e16,1", "9007199254740992,0.5"])
@pytest.mark.parametrize("codec", [JSON, CSV], ids=["JSON", "CSV"])
def test_mixed_numbers_become_floats_if_exact(codec: Codec[Any], text: str) -> None:
    array = codec.decode((f"[[{text}]]" if codec is JSON else text).encode(), {})
    assert array.tolist() == [[float(cell) for cell in text.split(",")]]


def test_integers_beside_integral_floats_stay_exact() -> None:
    for descriptor in (
        mmf.Array(),
        mmf.Array(dtype="int64"),
        mmf.Array(dtype="int64", columns=["a", "b"]),
    ):
        array = JSON.decode(b"[[9007199254740993, 1.0]]", descriptor.options)
        assert descriptor.validate(array).tolist() == [[2**53 + 1, 1]]
    with pytest.raises(InvalidValue, match="one type"):
        JSON.decode(b"[9007199254740993, null]", {})


def test_rejects_float_beyond_2_53_as_integer() -> None:
    descriptor = mmf.Array(dtype="int64")
    with pytest.raises(InvalidValue, match=r"int64, got 9007199254740992\.0"):
        descriptor.validate(JSON.decode(b"[9007199254740993.0]", descriptor.options))
    assert descriptor.validate(np.array([2.0**53 - 1])).tolist() == [2**53 - 1]
    assert descriptor.validate(np.float32([2**24 - 1])).tolist() == [2**24 - 1]
    for wrong in (np.float32([2**24]), np.float16([-2048])):
        with pytest.raises(InvalidValue, match="int64, got"):
            descriptor.validate(wrong)
    assert descriptor.to_output(np.array([2.0**60])).tolist() == [2**60]


LONG = 2**53 + 1


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ([LONG, 2.0], [LONG, 2]),
        ([[LONG], [2.0]], [[LONG], [2]]),
        ([-1, 2**63], [-1, 2**63]),
        ([2**64 - 1, 2**63], [2**64 - 1, 2**63]),
        ([np.int64(LONG), 2.0], [LONG, 2]),
        ([np.array([LONG]), np.array([2.0])], [[LONG], [2]]),
        (pd.Series([LONG, 2], dtype="Int64"), [LONG, 2]),
        (pd.Series([LONG, 2], dtype="int64[pyarrow]"), [LONG, 2]),
        (pd.Series([7, None], dtype="Int64"), [7, None]),
        (pd.DataFrame({"a": [LONG], "b": [2.0]}), [[LONG, 2]]),
        (pd.DataFrame({"a": [1], "b": [2.5]}), [[1, 2.5]]),
        ([2.0**60, 0.5], [2.0**60, 0.5]),
    ],
)
def test_result_is_exact(result: Any, expected: Any) -> None:
    array = mmf.Array().to_output(result)
    assert json.loads(json.dumps(JSON.to_plain(array))) == expected
    if None not in expected and 2**63 not in expected and 2.5 not in np.ravel(expected):
        assert mmf.Array(dtype=array.dtype).to_output(result).tolist() == expected


@pytest.mark.parametrize(
    "result",
    [
        [LONG, 0.5],
        [LONG, np.float32(0.5)],
        [-1, 2**63 + 1],
        pd.Series([LONG, None], dtype="Int64"),
        pd.DataFrame({"a": [LONG], "b": [0.5]}),
    ],
)
def test_rejects_result_that_no_dtype_holds_exactly(result: Any) -> None:
    for dtype in (None, "int64"):
        with pytest.raises(InvalidValue, match=r"one type holds exactly, got \d+"):
            mmf.Array(dtype=dtype).to_output(result)
    floats = mmf.Array(dtype="float64").to_output(result)  # as the author declares
    assert floats.dtype == "float64"


def test_json_encodes_any_byte_order() -> None:
    assert JSON.encode(np.array([1.5, 2], dtype=">f8"), {}) == b"[1.5,2.0]"


@pytest.mark.parametrize("any_length", [None, -1])
def test_shape_is_enforced(any_length: int | None) -> None:
    descriptor = mmf.Array(shape=(any_length, 2))
    assert descriptor.validate([[1, 2], [3, 4]]).shape == (2, 2)
    for wrong in ([1, 2], [[1], [2]], [[[1, 2]]], 5):
        with pytest.raises(InvalidValue, match=r"shape \(any, 2\)"):
            descriptor.validate(wrong)
    with pytest.raises(InvalidValue, match="empty"):
        descriptor.validate(np.zeros((0, 2)))
    with pytest.raises(InvalidValue, match="shape"):
        descriptor.to_output([1, 2])
    assert descriptor.meta()["shape"] == [None, 2]
    descriptor.validate(descriptor.plain_example)


@pytest.mark.parametrize(
    ("dtype", "numbers", "value"),
    [
        ("float32", [1, 2], [1.0, 2.0]),
        (np.float32, [0.1], [np.float32(0.1)]),
        (float, [True], [1.0]),
        (int, [1.0, 2.0], [1, 2]),
        ("uint8", [0, 255], [0, 255]),
        (bool, [0, 1], [False, True]),
        ("float32", [np.nan, 1.5], [np.nan, 1.5]),
    ],
)
def test_numbers_are_cast_to_the_dtype(dtype: Any, numbers: Any, value: Any) -> None:
    array = mmf.Array(dtype=dtype).validate(numbers)
    assert array.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(array, value)


@pytest.mark.parametrize(
    ("dtype", "numbers"),
    [
        (int, [1.5]),
        (int, [np.nan]),
        (int, [1e300]),
        ("uint8", [256]),
        ("uint8", [-1]),
        (bool, [2]),
        ("float32", [1e300]),
        ("float16", [10**6]),
    ],
)
def test_rejects_numbers_out_of_range_of_the_dtype(dtype: Any, numbers: Any) -> None:
    with pytest.raises(InvalidValue, match="expected numbers that fit into"):
        mmf.Array(dtype=dtype).validate(numbers)


@pytest.mark.parametrize(
    "how",
    [
        {"dtype": "text"},
        {"dtype": object},
        {"dtype": "O"},
        {"shape": (0,)},
        {"shape": (-2, 5)},
        {"shape": ("a",)},
        {"shape": (True,)},
        {"columns": []},
        {"columns": "ab"},
        {"columns": ["a", "a"]},
        {"columns": ["a", 5]},
        {"columns": ["a"], "shape": (None, 2)},
    ],
)
def test_rejects_invalid_declaration(how: dict[str, Any]) -> None:
    with pytest.raises(DescriptorError):
        mmf.Array(**how)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
@pytest.mark.parametrize("descriptor", [mmf.Array(), NAMED], ids=["any", "columns"])
def test_corrupted_arrays_raise_request_errors(form: Format, descriptor: mmf.Array) -> None:
    codec, draw = _codec(form), random.Random(form.name)
    originals = [
        codec.encode(array, descriptor.options)
        for array in (np.arange(8).reshape(4, 2), np.array([[0.5, np.nan], [-1e300, 3]]))
    ]
    originals += [b'[{"ash":1,"hue":2},{"ash":1.5,"hue":null}]'] * (form is Format.JSON)
    until, tried = perf_counter() + 0.7, 0
    while perf_counter() < until:
        data = bytearray(draw.choice(originals))
        for _ in range(draw.randint(1, 6)):
            place = draw.randrange(len(data))
            match draw.randint(0, 2):
                case 0:
                    data[place] = draw.randrange(256)
                case 1:
                    data[place:place] = draw.choice([b"[", b",", b'"', b"\n", b"(", b"9" * 20])
                case 2:
                    data[place:] = data[place + draw.randint(1, 9) :] or b"0"
        with suppress(RequestError):
            descriptor.validate(codec.decode(bytes(data), descriptor.options))
        tried += 1
    assert tried > 100

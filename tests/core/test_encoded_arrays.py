"""The size limit of arrays as text, whose numbers are written as Python writes them."""

from math import isnan

import numpy as np
import pytest

from cpu_time import at_most
from mmf_core.codecs import Format, Kind, find
from mmf_core.errors import BodyTooLarge, InvalidValue

CSV, JSON = find(Kind.ARRAY, Format.CSV), find(Kind.ARRAY, Format.JSON)
assert CSV
assert JSON
INF, NAN = np.inf, np.nan


@pytest.mark.parametrize("rows", [np.zeros((14_000_001, 1), bool), np.zeros(14_000_001, np.int8)])
def test_csv_values_are_limited(rows: np.ndarray) -> None:
    """49 million took 25 seconds and 1.5 GiB."""
    with pytest.raises(BodyTooLarge, match="at most 14,000,000 values as CSV, got 14,000,001"):
        CSV.encode(rows, {})


def test_nested_lists_count_as_json_values() -> None:
    shape = (2, 5_000_000, 1)
    with pytest.raises(BodyTooLarge, match="at most 60,000,000 values as JSON, got 170,000,032"):
        JSON.encode(np.zeros(shape, bool), {})
    assert JSON.encode(np.zeros(100, bool), {})


def test_csv_encoding_is_fast() -> None:
    """A million of six numbers took seven seconds."""
    rows = np.random.default_rng(0).random((500_000, 6))
    rows[:, 1] = INF
    with at_most(seconds=2):
        CSV.encode(rows, {})


@pytest.mark.parametrize(
    "rows",
    [
        np.array([[0.1, NAN, INF], [-INF, 1e-7, 1e22]]),
        np.array([[0.1, NAN], [65504, 1]], np.float16),
        np.array([[0.1, 3.4e38], [INF, -0.0]], np.float32),
        np.array([[1.5], [NAN]]),
        np.array([[INF], [NAN], [1]]),
        np.array([[1.5, 2.5], [NAN, 3]], ">f8").T,
        np.array([[-1, 2], [3, 2**63 - 1]], ">i8"),
        np.array([[2**64 - 1]], np.uint64),
        np.array([[True, False]]),
        np.arange(300_000.0).reshape(-1, 3),
    ],
    ids=lambda rows: f"{rows.dtype} {rows.shape}",
)
def test_csv_numbers_are_exact(rows: np.ndarray) -> None:
    lines = CSV.encode(rows, {}).decode().splitlines()
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows.tolist(), strict=True):
        cells = line.split(",")
        assert [cell in {"", '""'} for cell in cells] == [isnan(number) for number in row]
        kind = float if rows.dtype.kind == "f" else int
        assert [kind(cell) for cell in cells if cell.strip('"')] == [
            number for number in row if not isnan(number)
        ]


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0,), (0, 1)], ids=str)
def test_csv_refuses_the_shape_of_an_empty_array(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=rf"shape \({shape[0]},.* of an array without values"):
        CSV.encode(np.zeros(shape), {})


def test_csv_of_an_empty_array() -> None:
    """What is read back has the same shape."""
    for shape, options in (((0, 0), {}), ((0, 2), {"columns": ("a", "b")})):
        assert CSV.decode(CSV.encode(np.zeros(shape), options), options).shape == shape
    assert CSV.encode(np.zeros(0), {"columns": ("a", "b")}) == b"a,b\n"
    with pytest.raises(ValueError, match=r"shape \(2, 0\) of an array without values"):
        CSV.encode(np.zeros((2, 0)), {"columns": ("a", "b")})


@pytest.mark.parametrize("cell", ["9" * 309, "-" + "9" * 5_000], ids=["short", "long"])
def test_csv_rejects_whole_numbers_that_no_float_holds(cell: str) -> None:
    with pytest.raises(
        InvalidValue, match=r"expected a number, got -?9+…; send a finite"
    ) as caught:
        CSV.decode(f"a,b\n1,2\n3,{cell}\n".encode(), {})
    assert [(error.row, error.column) for error in caught.value.errors] == [(1, "b")]

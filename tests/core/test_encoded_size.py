"""The size limit of results in each format: a few bytes of Parquet are a hundred of HTML."""

import tracemalloc
from contextlib import nullcontext
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cpu_time import at_most
from long_parameters import long_except
from mmf_core.codecs import Format, Kind, find, writable
from mmf_core.errors import BodyTooLarge
from mmf_core.settings import MIB

FORMATS = writable(Kind.TABLE)
TEXTS = [format for format in FORMATS if format.name not in {"PARQUET", "ARROW", "FEATHER"}]
WIDTH = 16_384


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: str(format.name))
def test_result_columns_are_limited(format: object) -> None:
    table = pd.DataFrame(np.zeros((1, WIDTH + 1)), columns=list(map(str, range(WIDTH + 1))))
    with pytest.raises(BodyTooLarge, match="at most 16,384 columns, got 16,385"):
        find(Kind.TABLE, format).encode(table, {})  # type: ignore[arg-type,union-attr]


@pytest.mark.parametrize(
    "format",
    long_except(FORMATS, lambda format: format.name == "XLSX"),
    ids=lambda format: str(format.name),
)
def test_wide_result_is_fast(format: object) -> None:
    """XLSX took four seconds, and seven with categories."""
    values = (1, 1.5, "x", True, pd.Timestamp(2026, 1, 31), None)
    table = pd.DataFrame({str(i): [values[i % 6]] for i in range(WIDTH)})
    codec = find(Kind.TABLE, format)  # type: ignore[arg-type]
    assert codec
    codec.encode(table.head(1), {})
    with at_most(seconds=4):
        assert codec.encode(table, {})


@pytest.mark.parametrize("format", TEXTS, ids=lambda format: str(format.name))
def test_zoned_times_and_objects_have_a_higher_weight(format: object) -> None:
    zoned = pd.Series(np.zeros(600_000, "M8[s]")).dt.tz_localize("Europe/Berlin")
    with pytest.raises(BodyTooLarge, match=r"cells as .*, got 14,400,000"):
        find(Kind.TABLE, format).encode(pd.DataFrame({"a": zoned}), {})  # type: ignore[arg-type,union-attr]


@pytest.mark.parametrize("name", ["CSV", "JSON", "JSONL", "XML", "HTML"])
def test_encoded_size_is_limited(name: str) -> None:
    codec = next(find(Kind.TABLE, format) for format in FORMATS if format.name == name)
    assert codec
    table = pd.DataFrame({"a": np.full(1_000_000, 0.123456789012345)})
    tracemalloc.start()
    with pytest.raises(BodyTooLarge, match=f"the result takes more than 12 MiB as {name}"):
        codec.encode(table, {"max_body": MIB})
    assert tracemalloc.get_traced_memory()[1] < 32 * MIB
    tracemalloc.stop()


@pytest.mark.parametrize("as_object", [False, True])
@pytest.mark.parametrize("name", ["HTML", "XML", "XLSX"])
def test_characters_that_are_escaped_are_limited(name: str, *, as_object: bool) -> None:
    """A body of `&` took 28 times its size as XLSX, and the interpreter for seconds."""
    codec = next(find(Kind.TABLE, format) for format in FORMATS if format.name == name)
    assert codec
    cells = pd.Series(["&" * 16_384] * (MIB // 4 // 16_384) + ["x&"])
    table = pd.DataFrame({"a": cells.astype(object) if as_object else cells})
    assert codec.encode(table.head(-1), {"max_body": MIB})
    with pytest.raises(BodyTooLarge, match=f"262,144 characters that are escaped in {name}"):
        codec.encode(table, {"max_body": MIB})


@pytest.mark.parametrize("name", ["HTML", "XML", "XLSX"])
def test_characters_that_are_escaped_in_lists_are_limited(name: str) -> None:
    codec = next(find(Kind.TABLE, format) for format in FORMATS if format.name == name)
    assert codec
    table = pd.DataFrame({"a": [["&" * 16_384]] * 17})
    assert codec.encode(table.head(15), {"max_body": MIB})
    with pytest.raises(BodyTooLarge, match=f"262,144 characters that are escaped in {name}"):
        codec.encode(table, {"max_body": MIB})


@pytest.mark.parametrize(
    "value", [{"a": "<" * 300_000}, {"<" * 300_000: 1}, {"a": ["<<<"] * 90_000}]
)
def test_characters_that_are_escaped_in_a_json_value_are_limited(value: object) -> None:
    codec = next(find(Kind.JSON, f) for f in writable(Kind.JSON) if f.name == "XML")
    assert codec
    with pytest.raises(BodyTooLarge, match="262,144 characters that are escaped in XML"):
        codec.encode(value, {"max_body": MIB})
    assert codec.encode({"a": "<" * 200_000}, {"max_body": MIB})


@pytest.mark.parametrize("kind", [Kind.SCALAR, Kind.JSON], ids=str)
def test_control_characters_in_json_are_limited(kind: Kind) -> None:
    """A body of U+0001 took 14 times its size as JSON."""
    codec = find(kind, Format.JSON)
    assert codec
    texts = ["\x01" * 262_144, "\\u0001" * 300_000, "\\" * 300_000, "\n" * MIB]
    for text in texts:
        value = text if kind is Kind.SCALAR else {"a": [text], "b": np.float64(1.5)}
        assert codec.encode(value, {"max_body": MIB})
    for text in ("\x01" * 262_145 + "x" * MIB, "\n\n\n\x01" * 262_145):
        value = text if kind is Kind.SCALAR else {text: [text[:1], date(2026, 1, 31)]}
        with pytest.raises(BodyTooLarge, match="262,144 characters that are escaped in JSON"):
            codec.encode(value, {"max_body": MIB})


def test_control_characters_of_small_texts_are_limited() -> None:
    codec = find(Kind.JSON, Format.JSON)
    assert codec
    value = [{"a": ("\x01" * 20 + "x" * 99 + str(row), 1.5), "b": [row]} for row in range(13_108)]
    assert codec.encode(value[:13_000], {"max_body": MIB})
    with pytest.raises(BodyTooLarge, match="262,144 characters that are escaped in JSON"):
        codec.encode(value, {"max_body": MIB})
    ring: list[Any] = []
    ring += [ring, ring, "x" * MIB]
    with pytest.raises(TypeError, match="holds itself"):
        codec.encode(ring, {"max_body": MIB})


@pytest.mark.parametrize("name", ["JSON", "JSONL", "XML"])
def test_long_names_are_limited(name: str) -> None:
    """A name of 1 MiB over 500 rows took 1.1 GiB."""
    codec = next(find(Kind.TABLE, format) for format in FORMATS if format.name == name)
    assert codec
    table = pd.DataFrame({"x" * MIB: range(500)})
    tracemalloc.start()
    with pytest.raises(BodyTooLarge, match=f"the result takes more than 12 MiB as {name}"):
        codec.encode(table, {"max_body": MIB})
    assert len(codec.encode(table.head(5), {"max_body": MIB})) > 5 * MIB
    assert tracemalloc.get_traced_memory()[1] < 64 * MIB
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["JSON", "JSONL", "XML", "HTML", "XLSX"])
def test_names_of_escaped_characters_are_limited(name: str) -> None:
    codec = next(find(Kind.TABLE, format) for format in FORMATS if format.name == name)
    assert codec
    character = "\x01" if name.startswith("JSON") else "&"
    names = [f"{column}{character * 30_000}" for column in range(50)]
    with pytest.raises(BodyTooLarge, match=f"262,144 characters that are escaped in {name}"):
        codec.encode(pd.DataFrame([range(50)], columns=names), {"max_body": MIB})


@pytest.mark.parametrize("form", ["JSON", "JSONL", "CSV", "XML", "HTML", "XLSX"])
def test_control_characters_in_cells_of_objects_are_limited(form: str) -> None:
    codec = find(Kind.TABLE, Format[form])
    assert codec
    options = {"max_body": 4_000}  # a thousand of them
    for count, is_refused in ((1_000, False), (1_001, True)):
        cells = [np.array(["\x01" * count], dtype=object)]
        table = pd.DataFrame({"a": pd.Series(cells, dtype=object)})
        with pytest.raises(BodyTooLarge) if is_refused else nullcontext():
            codec.encode(table, options)


@pytest.mark.parametrize("form", ["JSON", "JSONL"])
def test_control_characters_of_a_category_count_in_each_row(form: str) -> None:
    codec = find(Kind.TABLE, Format[form])
    assert codec
    options = {"max_body": 4_000}
    for rows, is_refused in ((10, False), (11, True)):
        table = pd.DataFrame({"a": pd.Categorical(["\x01" * 100] * rows)})
        with pytest.raises(BodyTooLarge) if is_refused else nullcontext():
            codec.encode(table, options)

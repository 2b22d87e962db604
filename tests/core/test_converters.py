"""An author's converters: a rejected value is the client's error, with its column."""

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

import mmf_core as mmf
from mmf_core.codecs import Format, Kind, find
from mmf_core.errors import InvalidValue
from samples import BODIES

BY_TEXT = [Format.CSV, Format.TSV, Format.XML, Format.XLSX, Format.XLS, Format.ODS]


def _read(form: Format, text: str, convert: Any, **schema: Any) -> pd.DataFrame:
    table = mmf.DataFrame(pandas_params={"converters": {"a": convert}}, **schema)
    codec = find(Kind.TABLE, form)
    assert codec is not None
    body = BODIES[Kind.TABLE][form]([{"a": text, "b": 1}])
    return table.validate(codec.decode(body, table.options))


@pytest.mark.parametrize("form", BY_TEXT)
@pytest.mark.parametrize("text", ["sNaN", "-sNaN12", "x", "1,5"])
@pytest.mark.parametrize("schema", [{}, {"schema": {"a": float}}, {"schema": {"a": int | None}}])
def test_converter_errors_name_column_and_value(
    form: Format, text: str, schema: dict[str, Any]
) -> None:
    with pytest.raises(InvalidValue, match='column "a": expected a value that') as caught:
        _read(form, text, Decimal, **schema)
    (detail,) = caught.value.errors
    assert (detail.column, detail.value) == ("a", text)


@pytest.mark.parametrize("form", BY_TEXT)
def test_converter_results_are_used(form: Format) -> None:
    assert _read(form, "1.50", Decimal)["a"].tolist() == [Decimal("1.50")]


def test_bug_in_a_converter_is_not_a_request_error() -> None:
    with pytest.raises(TypeError):
        _read(Format.CSV, "1.5", lambda text: text + 1)

"""Schemas of other packages, with a stand-in and with pandera itself."""

import os
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import mmf_core as mmf
from mmf_core.codecs import json
from mmf_core.errors import DescriptorError, ErrorDetail, InvalidValue

os.environ["DISABLE_PANDERA_IMPORT_WARNING"] = "True"

TABLE = pd.DataFrame({"a": [1.0, 2.0]})


class FailureError(Exception):
    """An error with failure cases, as pandera raises."""

    def __init__(self, **columns: list[Any]) -> None:
        super().__init__("what its own message says")
        self.failure_cases = pd.DataFrame(columns)


class Stand:
    """Something that validates: it raises or returns its outcome."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    def validate(self, table: pd.DataFrame) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome(table)


class LazyStand(Stand):
    """A validator that stops at the first error unless `lazy`."""

    def validate(self, table: pd.DataFrame, *, lazy: bool = False) -> Any:
        assert lazy
        return super().validate(table)


def _raised(outcome: Exception, table: pd.DataFrame = TABLE) -> InvalidValue:
    with pytest.raises(InvalidValue) as caught:
        mmf.DataFrame(schema=Stand(outcome)).validate(table)
    return caught.value


@pytest.mark.parametrize("stand", [Stand, LazyStand])
def test_function_gets_the_result_of_validate(stand: type[Stand]) -> None:
    doubled = mmf.DataFrame(schema=stand(lambda table: table * 2))
    assert_frame_equal(doubled.validate(TABLE), TABLE * 2)
    assert mmf.DataFrame(schema=stand(lambda _: None)).validate(TABLE) is TABLE


def test_failure_cases_become_error_details() -> None:
    error = _raised(
        FailureError(
            index=[11, 10, None, 99],
            column=["a", "b", None, "a"],
            check=["less_than(5)", "not_nullable", "column_in_dataframe", "isin"],
            failure_case=[7.5, float("nan"), "c", pd.Timestamp("2026-01-31")],
        ),
        pd.DataFrame({"a": [1.0, 2.0]}, index=[10, 11]),
    )
    assert "errors: 4" in error.detail
    assert error.errors == (
        ErrorDetail("failed the check less_than(5), got 7.5", row=1, column="a", value=7.5),
        ErrorDetail("failed the check not_nullable", row=0, column="b"),
        ErrorDetail("missing column", column="c"),
        ErrorDetail(
            'failed the check isin, got "2026-01-31 00:00:00"',
            column="a",
            value="2026-01-31 00:00:00",
        ),
    )
    assert json.dumps([detail.as_dict() for detail in error.errors])


def test_errors_are_limited() -> None:
    error = _raised(FailureError(index=range(50), failure_case=range(50)))  # type: ignore[arg-type]
    assert len(error.errors) == 20
    assert "errors: 50; the first 20" in error.detail


def test_rows_of_a_duplicate_index_are_not_guessed() -> None:
    twins = pd.DataFrame({"a": [1.0, 2.0]}, index=[5, 5])
    assert _raised(FailureError(index=[5], failure_case=[1]), twins).errors[0].row is None


def test_value_error_is_reported_and_invalid_value_propagates() -> None:
    assert _raised(ValueError("no two wines are alike")).detail == "no two wines are alike"
    own = InvalidValue("mine", [ErrorDetail("this", row=1)])
    assert _raised(own) is own


@pytest.mark.parametrize("error", [KeyError("a"), RuntimeError("a"), MemoryError()])
def test_error_in_a_validator_propagates(error: Exception) -> None:
    with pytest.raises(type(error)):
        mmf.DataFrame(schema=Stand(error)).validate(TABLE)


@pytest.mark.parametrize("schema", [7, "ph: float", mmf.Float(), mmf.DataFrame])
def test_rejects_other_objects_as_schema(schema: Any) -> None:
    with pytest.raises(
        DescriptorError, match=r"expected \{column: type\}, X.dtypes, a model or an object with"
    ):
        mmf.DataFrame(schema=schema)


def test_validator_disables_optimizations() -> None:
    descriptor = mmf.DataFrame(schema=Stand(lambda table: table))
    assert not descriptor.is_homogeneous
    assert descriptor.options == {}
    assert descriptor.plain_example == [{"column": 0.5}]
    assert descriptor.meta()["schema"] == "Stand"


# pandera


def test_pandera_schema_reports_all_errors() -> None:
    import pandera.pandas as pa

    schema = pa.DataFrameSchema(
        {
            "ph": pa.Column(float, pa.Check.in_range(0, 14)),
            "colour": pa.Column(str, pa.Check.isin(["red", "white"])),
            "year": pa.Column(int, coerce=True),
        }
    )
    descriptor = mmf.DataFrame(schema=schema)
    right = pd.DataFrame({"ph": [3.5], "colour": ["red"], "year": ["2020"]})
    assert descriptor.validate(right).to_dict("list") == {
        "ph": [3.5],
        "colour": ["red"],
        "year": [2020],
    }
    table = pd.DataFrame({"ph": [3.5, 15.0, None], "colour": ["red", "blue", "white"]})
    with pytest.raises(InvalidValue) as caught:
        descriptor.validate(table)
    cells = {(error.row, error.column, error.value) for error in caught.value.errors}
    assert cells == {(None, "year", None), (1, "ph", 15.0), (2, "ph", None), (1, "colour", "blue")}


def test_pandera_model_is_a_schema() -> None:
    import pandera.pandas as pa

    class Wine(pa.DataFrameModel):
        ph: float = pa.Field(ge=0, le=14)

        class Config:
            strict = True

    descriptor = mmf.DataFrame(schema=Wine)
    assert descriptor.meta()["schema"] == "Wine"
    valid = pd.DataFrame({"ph": [7.0]})
    assert_frame_equal(descriptor.validate(valid), valid)
    with pytest.raises(InvalidValue) as caught:
        descriptor.validate(pd.DataFrame({"ph": [-1.0], "x": [1]}))
    assert {error.value for error in caught.value.errors} == {-1.0, "x"}

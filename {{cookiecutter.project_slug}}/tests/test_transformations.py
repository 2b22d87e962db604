"""Equality tests: a table is the same in every format, and so are its predictions."""

import io
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

import main

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def to_excel(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_excel(buffer, index=False)
    return buffer.getvalue()


def to_csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def to_json(table: pd.DataFrame) -> bytes:
    return table.to_json(orient="records").encode()


@pytest.mark.parametrize(
    ("write", "media_type"), [(to_excel, XLSX), (to_csv, "text/csv"), (to_json, "application/json")]
)
def test_prediction_is_the_same_in_every_format(
    client: FlaskClient,
    wines: pd.DataFrame,
    write: Callable[[pd.DataFrame], bytes],
    media_type: str,
) -> None:
    response = client.post("/score?format=csv", data=write(wines), content_type=media_type)

    expected = pd.Series(main.model.predict(wines), name="prediction", dtype="str")
    assert_series_equal(pd.read_csv(io.BytesIO(response.data))["prediction"], expected)


def test_excel_response_has_one_row_for_each_wine(client: FlaskClient, wines: pd.DataFrame) -> None:
    response = client.post("/score", data=to_excel(wines), content_type=XLSX)

    table = pd.read_excel(io.BytesIO(response.data), engine="calamine")
    assert_index_equal(table.index, wines.index)


def test_order_of_columns_does_not_matter(wines: pd.DataFrame) -> None:
    shuffled = wines[sorted(wines.columns)]

    assert_frame_equal(main.WINES.validate(shuffled), wines)


def test_integers_become_the_floats_that_the_model_was_trained_on(wines: pd.DataFrame) -> None:
    rounded = wines.round().astype(int)

    checked = main.WINES.validate(rounded)

    assert (checked.dtypes == "float64").all()
    np.testing.assert_allclose(checked, rounded)

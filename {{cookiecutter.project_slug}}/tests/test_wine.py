"""The wine sample: its targets, in every kind of test. Delete this file with the sample.

Called over HTTP and as functions: statuses and responses, the same in every format, and statements
that hold for every wine, measured or not.
"""

import io
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.pandas import column, data_frames, range_indexes
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal
from PIL import Image
from sklearn.datasets import load_wine

import main

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A busy machine is not a defect of the model.
unhurried = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# From zero to twice the largest value ever measured.
measurements = {
    name: st.floats(min_value=0, max_value=2 * maximum)
    for name, maximum in load_wine(as_frame=True).data.max().items()
}
tables = data_frames(
    [column(name, elements=measurement) for name, measurement in measurements.items()],
    index=range_indexes(min_size=1, max_size=4),
)


@pytest.fixture(scope="session")
def wines() -> pd.DataFrame:
    """Return nine real wines, three of each cultivar."""
    data = load_wine(as_frame=True)
    return data.data.groupby(data.target).head(3).reset_index(drop=True)


@pytest.fixture(scope="session")
def cultivars() -> list[str]:
    """Return the true cultivars of the nine wines."""
    return [f"class_{cultivar}" for cultivar in (0, 1, 2) for _ in range(3)]


@pytest.fixture
def picture() -> bytes:
    """Return a picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "#7b1e2b").save(buffer, "PNG")
    return buffer.getvalue()


def test_table_is_scored(client: FlaskClient, wines: pd.DataFrame, cultivars: list[str]) -> None:
    response = client.post("/score?format=json", json=wines.to_dict("records"))

    assert response.status_code == 200
    assert [row["prediction"] for row in response.json] == cultivars


def test_other_columns_come_back_as_they_came(
    client: FlaskClient, wines: pd.DataFrame, cultivars: list[str]
) -> None:
    numbered = wines.assign(id=[f"00{number}" for number in range(9)])

    response = client.post("/score?format=json", json=numbered.to_dict("records"))

    expected = zip(numbered["id"], cultivars, strict=True)
    assert response.json == [{"id": id_, "prediction": name} for id_, name in expected]


def test_one_wine_is_explained(client: FlaskClient, wines: pd.DataFrame) -> None:
    response = client.post("/explain", json=wines.iloc[0].to_dict())

    assert response.status_code == 200
    assert response.json["cultivar"] == "class_0"
    assert sum(response.json["probabilities"].values()) == pytest.approx(1, abs=0.001)


def test_picture_and_text_are_sent_together(client: FlaskClient, picture: bytes) -> None:
    form = {"photo": (io.BytesIO(picture), "glass.png"), "notation": "rgb"}

    response = client.post("/colour", data=form)

    assert response.json == {"result": "rgb(123, 30, 43)"}


def test_colour_is_written_as_on_the_web_by_default(client: FlaskClient, picture: bytes) -> None:
    response = client.post("/colour", data=picture, content_type="image/png")

    assert response.json == {"result": "#7b1e2b"}


def test_unknown_notation_is_rejected_by_the_target(client: FlaskClient, picture: bytes) -> None:
    response = client.post("/colour?notation=cmyk", data=picture, content_type="image/png")

    assert response.status_code == 422
    assert response.json["errors"] == [{"where": "notation", "message": "send hex or rgb"}]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/score", [{"alcohol": 14.2}], 422),
        ("/score", [], 422),
        ("/explain", {"alcohol": "strong"}, 422),
    ],
)
def test_invalid_request_is_the_clients_fault(
    client: FlaskClient, path: str, body: object, status: int
) -> None:
    response = client.post(path, json=body)

    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.json["request_id"] == response.headers["X-Request-ID"]


def test_target_is_still_a_function(wines: pd.DataFrame, cultivars: list[str]) -> None:
    assert list(main.score(wines)) == cultivars


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


@unhurried
@given(tables)
def test_every_wine_gets_one_known_cultivar(table: pd.DataFrame) -> None:
    predictions = main.score(table)

    assert len(predictions) == len(table)
    assert set(predictions) <= {"class_0", "class_1", "class_2"}


@unhurried
@given(tables)
def test_wine_is_predicted_alike_alone_and_among_others(table: pd.DataFrame) -> None:
    alone = [main.score(table.iloc[[row]])[0] for row in range(len(table))]

    assert list(main.score(table)) == alone


@unhurried
@given(st.fixed_dictionaries(measurements))
def test_probabilities_add_up(wine: dict[str, float]) -> None:
    explained = main.explain(wine)

    assert abs(sum(explained["probabilities"].values()) - 1) < 0.001
    assert (
        max(explained["probabilities"], key=explained["probabilities"].get) == explained["cultivar"]
    )

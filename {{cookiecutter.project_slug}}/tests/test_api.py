"""API tests: statuses and answers, for good requests and bad ones."""

import io

import pandas as pd
import pytest
from flask.testing import FlaskClient
from PIL import Image


def test_table_is_scored(client: FlaskClient, wines: pd.DataFrame, cultivars: list[str]) -> None:
    answer = client.post("/score?format=json", json=wines.to_dict("records"))

    assert answer.status_code == 200
    assert [row["prediction"] for row in answer.json] == cultivars


def test_one_wine_is_explained(client: FlaskClient, wines: pd.DataFrame) -> None:
    answer = client.post("/explain", json=wines.iloc[0].to_dict())

    assert answer.status_code == 200
    assert answer.json["cultivar"] == "class_0"
    assert sum(answer.json["probabilities"].values()) == pytest.approx(1, abs=0.001)


def test_picture_and_text_are_taken_together(client: FlaskClient) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), (123, 30, 43)).save(picture, "PNG")
    picture.seek(0)

    answer = client.post("/colour", data={"photo": (picture, "glass.png"), "notation": "rgb"})

    assert answer.json == {"result": "rgb(123, 30, 43)"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/score", [{"alcohol": 14.2}], 422),
        ("/score", [], 422),
        ("/explain", {"alcohol": "strong"}, 422),
        ("/nowhere", {}, 404),
    ],
)
def test_bad_request_is_the_callers_fault(
    client: FlaskClient, path: str, body: object, status: int
) -> None:
    answer = client.post(path, json=body)

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


def test_service_is_ready(client: FlaskClient) -> None:
    assert client.get("/health/ready").status_code == 200

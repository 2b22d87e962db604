"""API tests: statuses and responses, for valid and invalid requests."""

import io

import pandas as pd
import pytest
from flask.testing import FlaskClient
from PIL import Image


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
        ("/nowhere", {}, 404),
    ],
)
def test_invalid_request_is_the_clients_fault(
    client: FlaskClient, path: str, body: object, status: int
) -> None:
    response = client.post(path, json=body)

    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.json["request_id"] == response.headers["X-Request-ID"]


def test_service_is_ready(client: FlaskClient) -> None:
    assert client.get("/health/ready").status_code == 200

"""Smoke tests: the service is ready, and every target is there and describes itself."""

import pytest
from flask.testing import FlaskClient

from mmf_core.registry import load


def test_service_is_ready(client: FlaskClient) -> None:
    assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("route", load("main").targets)
def test_target_describes_itself(client: FlaskClient, route: str) -> None:
    description = client.get(f"/{route}")

    assert description.status_code == 200
    assert description.json["route"] == route
    assert f"/{route}" in client.get("/openapi.json").json["paths"]


def test_unknown_path_is_the_clients_fault(client: FlaskClient) -> None:
    response = client.post("/nowhere", json={})

    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    assert response.json["request_id"] == response.headers["X-Request-ID"]

"""`mmf.Unavailable`, in every protocol: a service that a target depends on does not respond."""

# ruff: noqa: ARG001 - a target's arguments

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from log_output import Output

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.web import create_app

Served = Callable[..., FlaskClient]
DOWN = "the feature store does not respond"
TABLE = mmf.DataFrame(schema={"id": int})


@pytest.fixture
def down(registry: mmf.Registry) -> FlaskClient:
    """Serve a target whose feature store is down, and a stream that loses it."""

    @registry.target(returns=mmf.DataFrame(), default=True)
    def score(ids: Any = TABLE) -> Any:
        try:
            raise ConnectionRefusedError("feast:6566 refuses")
        except OSError as error:
            raise mmf.Unavailable(DOWN, retry_after=4.2) from error

    @registry.target(returns=mmf.Stream(mmf.String()))
    def words() -> Iterator[str]:
        yield "one"
        raise mmf.Unavailable(DOWN)

    return create_app(registry).test_client()


def test_caller_gets_the_message_and_when_to_try_again(down: FlaskClient, output: Output) -> None:
    response = down.post("/score", json=[{"id": 1}])
    assert assert_problem(response, 503, DOWN)["detail"] == DOWN
    assert response.headers["Retry-After"] == "5"  # whole seconds, and not too early
    assert "feast" not in response.text
    (line,) = [entry for entry in output.json() if entry["level"] == "WARNING"]
    assert line["message"] == f"{DOWN}: ConnectionRefusedError: feast:6566 refuses"
    assert (line["target"], line["logger"]) == ("score", "mmf.errors")
    assert "exc_info" not in line, "an outage would fill the log"


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/invocations", {"dataframe_records": [{"id": 1}]}, "message"),
        (
            "/v2/models/score/infer",
            {"inputs": [{"name": "id", "datatype": "INT64", "shape": [1], "data": [1]}]},
            "error",
        ),
    ],
)
def test_other_protocols_say_the_same(
    down: FlaskClient, path: str, body: dict[str, Any], key: str
) -> None:
    response = down.post(path, json=body)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.get_json()[key] == DOWN


def test_stream_ends_with_an_error_event(down: FlaskClient) -> None:
    response = down.post("/words", headers={"Accept": "text/event-stream"})
    assert response.status_code == 200
    assert "event: error" in response.text
    assert '"status":503' in response.text


@pytest.mark.parametrize("seconds", [-1, 86_401, float("nan"), float("inf")])
def test_time_that_no_header_can_have_is_rejected(seconds: float) -> None:
    with pytest.raises(ValueError, match="retry_after: expected 0 to 86400 seconds"):
        mmf.Unavailable(DOWN, retry_after=seconds)

"""Metrics of a request; an error in the metrics does not affect the request."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

import mmf_core as mmf
from mmf_core.execution import Timings
from mmf_core.metrics import request_metrics
from mmf_core.metrics.request_metrics import RequestMetrics
from mmf_core.web import create_app
from mmf_core.web.request_context import RequestContext

NUMBER = mmf.Integer()


@pytest.fixture
def metrics() -> RequestMetrics:
    return RequestMetrics()


def request_for(target: str, timings: Timings | None = None) -> RequestContext:
    context = RequestContext("id", protocol="native")
    context.target, context.timings, context.status = target, timings, 200
    return context


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def in_flight(target: str) -> float:
    return value("mmf_requests_in_flight", target=target)


def calls(target: str) -> float:
    return value("mmf_request_stage_seconds_count", target=target, stage="call")


def test_request_is_in_flight_until_it_has_finished(metrics: RequestMetrics) -> None:
    context = request_for("flying")
    metrics.target_entered(context)
    assert in_flight("flying") == 1
    metrics.finished(context)
    assert in_flight("flying") == 0


def test_uncounted_request_does_not_decrement_in_flight(
    metrics: RequestMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = request_for("twice"), request_for("twice")
    with monkeypatch.context() as patch:
        patch.setattr(request_metrics, "IN_FLIGHT", None)
        metrics.target_entered(first)
    metrics.target_entered(second)
    metrics.finished(first)
    assert in_flight("twice") == 1
    metrics.finished(second)
    assert in_flight("twice") == 0


def test_request_whose_status_cannot_be_counted_is_no_longer_in_flight(
    metrics: RequestMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = request_for("uncounted")
    metrics.target_entered(context)
    with monkeypatch.context() as patch:
        patch.setattr(request_metrics, "REQUESTS", None)  # no space for a new label
        metrics.finished(context)
    assert in_flight("uncounted") == 0


def test_request_that_reached_no_target_does_not_decrement_in_flight(
    metrics: RequestMetrics,
) -> None:
    metrics.finished(request_for("never"))
    assert in_flight("never") == 0


def test_batched_call_is_counted_once(metrics: RequestMetrics) -> None:
    for is_leader in (True, False, False):
        timings = Timings(0.1, 0.1, 0.5, 0.1, batch_size=3, batch_leader=is_leader)
        metrics.finished(request_for("shared", timings))
    assert calls("shared") == 1
    assert value("mmf_request_stage_seconds_sum", target="shared", stage="call") == 0.5
    assert value("mmf_request_stage_seconds_count", target="shared", stage="queue") == 3
    assert value("mmf_batch_requests_sum", target="shared") == 3


@pytest.mark.parametrize("is_leader", [True, False])
def test_unbatched_call_is_counted(metrics: RequestMetrics, *, is_leader: bool) -> None:
    target = f"alone_{is_leader}"
    metrics.finished(request_for(target, Timings(call=0.5, batch_leader=is_leader)))
    assert calls(target) == 1


@pytest.fixture
def client() -> FlaskClient:
    registry = mmf.Registry()

    @registry.target(returns=mmf.Integer())
    def add_one(number: Any = NUMBER) -> Any:
        return number + 1

    return create_app(registry).test_client()


def test_error_in_the_metrics_fails_no_request(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IN_FLIGHT", "REQUESTS"):
        monkeypatch.setattr(request_metrics, name, None)
    assert client.post("/add_one", json=1).get_json() == {"result": 2}


def test_single_process_reports_its_counts(client: FlaskClient) -> None:
    before = value("mmf_requests_total", target="add_one", protocol="native", status="200")
    client.post("/add_one", json=1)
    line = 'mmf_requests_total{protocol="native",status="200",target="add_one"}'
    assert f"{line} {before + 1}" in client.get("/metrics").text.splitlines()

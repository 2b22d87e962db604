"""A capability can observe calls of a target and their results, in every protocol."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

import mmf_core as mmf
from mmf_core.capabilities import Capability
from mmf_core.errors import MMFError
from mmf_core.registry import Registry
from mmf_core.target import Target
from mmf_core.web import create_app, observed_calls
from mmf_core.web.observed_calls import CallReport, ObservedExecution
from mmf_core.web.request_context import RequestContext

TABLE = mmf.DataFrame(schema={"a": float})
Seen = list[tuple[RequestContext, str, Mapping[str, Any], Any, MMFError | None]]


def service(registry: Registry, monkeypatch: pytest.MonkeyPatch, *capabilities: Capability) -> Any:
    """Return a client of a service with additional capabilities."""
    parts = observed_calls.parts

    def with_ours(name: str) -> list[Any]:
        return parts(name) + list(filter(None, (getattr(each, name) for each in capabilities)))

    monkeypatch.setattr(observed_calls, "parts", with_ours)
    app = create_app(registry)
    registry.version = "v7"
    return app.test_client()


@pytest.fixture
def registry() -> Registry:
    registry = mmf.Registry()

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def score(data: Any = TABLE) -> Any:
        if data["a"][0] == 13:
            raise RuntimeError("a secret")
        return 2 * data["a"]

    return registry


def seeing(observed: Seen) -> Capability:
    def observe(target: Target, values: Mapping[str, Any]) -> CallReport:
        def report(context: RequestContext, result: Any, error: MMFError | None) -> None:
            observed.append((context, target.route, values, result, error))

        return report

    return Capability(call_observer=lambda _registry: observe)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/score", [{"a": 1.5}]),
        ("/invocations", {"dataframe_records": [{"a": 1.5}]}),
        (
            "/v2/models/score/infer",
            {"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1.5]}]},
        ),
    ],
)
def test_results_are_observed_in_every_protocol(
    path: str, body: object, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed: Seen = []
    client = service(registry, monkeypatch, seeing(observed))
    response = client.post(path, json=body, headers={"X-Request-ID": "mine"})
    assert response.status_code == 200, response.text
    ((context, route, values, result, error),) = observed
    assert (context.request_id, context.model_version, route) == ("mine", "v7", "score")
    assert pd.DataFrame(values["data"]).to_dict("list") == {"a": [1.5]}
    assert (result["a"].tolist(), error) == ([3.0], None)


@pytest.mark.parametrize(("value", "status"), [("strong", 422), (13, 500)])
def test_errors_are_observed(
    value: object, status: int, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed: Seen = []
    client = service(registry, monkeypatch, seeing(observed))
    assert client.post("/score", json=[{"a": value}]).status_code == status
    ((_, _, _, result, error),) = observed
    assert result is None
    assert error is not None
    assert error.status == status


def test_failing_observer_does_not_fail_requests(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_target: Target, _values: object) -> CallReport:
        raise RuntimeError("broken before")

    def broken_later(_target: Target, _values: object) -> CallReport:
        def report(*_: object) -> None:
            raise RuntimeError("broken after")

        return report

    observed: Seen = []
    client = service(
        registry,
        monkeypatch,
        Capability(call_observer=lambda _registry: broken),
        Capability(call_observer=lambda _registry: broken_later),
        seeing(observed),
    )
    assert client.post("/score", json=[{"a": 1}]).get_json() == [{"a": 2.0}]
    assert len(observed) == 1
    assert "broken before" in caplog.text
    assert "broken after" in caplog.text


def test_executions_are_not_wrapped_without_observers(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unused(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(ObservedExecution, "__init__", unused)
    client = service(registry, monkeypatch, Capability(call_observer=lambda _registry: None))
    assert client.post("/score", json=[{"a": 1}]).get_json() == [{"a": 2.0}]

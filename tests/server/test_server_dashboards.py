"""The dashboard, the alert rules and docs/metrics.md agree with the metrics of a service."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests
import yaml
from scrapes import Scrape, metrics_in, scrape

from baking import PAYLOAD, ROOT
from live_load import LONGEST, living, wait_until
from mmf_core.drift import profile

DEPLOY = PAYLOAD / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
CONFIG = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
PROMETHEUS_OWN = {"job", "instance"}
LATER = ("mmf_retrainings",)
"""Prefixes of metrics that appear with their first event."""
MAIN = """
import mmf_core as mmf


@mmf.artifact("model.json")
def model():
    return 1


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
def score(data=mmf.DataFrame(schema={"a": float})):
    return data


@mmf.target(returns=mmf.Dict())
def colour(alcohol=mmf.Float()):
    return {"prediction": "red", "probability": 0.9}
"""
ROLLOUT = """
[candidate]
name = "v2"

[candidate.artifacts]
"model.json" = "new.json"
"""


def expressions() -> dict[str, str]:
    """Return every PromQL expression by its location."""
    queries = {rule["alert"]: rule["expr"] for group in RULES["groups"] for rule in group["rules"]}
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            queries[f"{panel['title']} {target['refId']}"] = target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            queries[variable["name"]] = variable["query"]["query"]
    return queries


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrape]:
    """Yield the metrics of a service after requests with many rows and feedback."""
    folder: Path = tmp_path_factory.mktemp("scraped")
    (folder / "model.json").write_text("{}")
    (folder / "new.json").write_text("{}")
    (folder / "rollout.toml").write_text(ROLLOUT)
    profile.save(object(), folder / "model.json", pd.DataFrame({"a": np.arange(300.0)}))
    settings = {
        "MMF_DRIFT_SECONDS": "3600",
        "MMF_FEEDBACK": "1",
        "MMF_PAYLOAD_LOG": "log-of-payloads",
        "MMF_PAYLOAD_LOG_SECONDS": "0.01",
    }
    with living(folder, MAIN, **settings) as live:
        url = live.service.url
        assert requests.post(f"{url}/score", json=[{"a": 1}] * 300, timeout=LONGEST).ok
        assert requests.post(f"{url}/score", json=[{"a": "x"}], timeout=LONGEST).status_code == 422
        for route, body, truth in (("score", [{"a": 1}], 2), ("colour", {"alcohol": 13}, "red")):
            response = requests.post(f"{url}/{route}", json=body, timeout=LONGEST)
            reported = {
                "request_id": response.headers["X-Request-ID"],
                "rows": [{"row": 0, "truth": truth, "reward": 1}],
            }
            assert (
                requests.post(f"{url}/feedback", json=reported, timeout=LONGEST).status_code == 202
            )
        wait_until(lambda: "mmf_payload_log_records_total" in scrape(url).labels)
        yield scrape(url)


def test_expressions_use_existing_metrics_and_labels(scraped: Scrape) -> None:
    existing = {name: labels | PROMETHEUS_OWN for name, labels in scraped.labels.items()}
    existing["up"] = PROMETHEUS_OWN
    for where, expression in expressions().items():
        named = list(metrics_in(expression))
        assert named, where
        for name, labels in named:
            assert name in existing, where
            assert labels <= existing[name], where


def test_parser_finds_names_and_labels() -> None:
    (metric,) = metrics_in('sum by (le, target) (rate(mmf_a_bucket{job=~"$job", x!="1"}[5m]))')
    assert metric == ("mmf_a_bucket", {"job", "x", "le", "target"})


def test_page_lists_every_metric_with_its_labels(scraped: Scrape) -> None:
    rows = re.findall(r"^\| `(mmf_\w+)` \|([^|]*)\|", PAGE, re.MULTILINE)
    listed = {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    later = {name for name in listed if name.startswith(LATER)}
    assert set(listed) - metrics_of(scraped) == later, "present with the first"
    assert metrics_of(scraped) <= set(listed)
    for name in later:
        del listed[name]
    for name, labels in listed.items():
        samples = [name, f"{name}_count"]
        (sample,) = [name for name in samples if name in scraped.labels]
        assert scraped.labels[sample] == set(labels), name


def metrics_of(scraped: Scrape) -> set[str]:
    """Return the names of the service's metrics, without the endings of a histogram's samples."""
    return {
        re.sub("_(bucket|sum|count)$", "", name)
        for name in scraped.labels
        if name.startswith("mmf_")
    }


def test_every_metric_is_used(scraped: Scrape) -> None:
    used = {name for query in expressions().values() for name, _ in metrics_in(query)}
    for metric in metrics_of(scraped):
        assert any(name.startswith(metric) for name in used), metric


def test_prometheus_config() -> None:
    (job,) = CONFIG["scrape_configs"]
    assert job["metrics_path"] == "/metrics"
    assert CONFIG["rule_files"] == ["alerts.yml"]
    assert f'job="{job["job_name"]}"' in expressions()["ServiceDown"]


def test_openmetrics_is_negotiated() -> None:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    import mmf_core as mmf
    from mmf_core.web import create_app

    client = create_app(mmf.Registry()).test_client()
    client.get("/nothing")
    openmetrics = "application/openmetrics-text; version=1.0.0"
    response = client.get("/metrics", headers={"Accept": f"{openmetrics}, text/plain;q=0.1"})
    assert response.content_type.startswith(openmetrics)
    names = {family.name for family in text_string_to_metric_families(response.text)}
    assert {"mmf_requests", "mmf_ready"} <= names


@pytest.mark.parametrize("kind", ["text/plain", "application/openmetrics-text"])
def test_unknown_openmetrics_version_gets_text_format(kind: str) -> None:
    import mmf_core as mmf
    from mmf_core.web import create_app

    client = create_app(mmf.Registry()).test_client()
    for accept in (f"{kind};version=x", f"{kind};version=1.x", "a/b," * 3_000 + kind):
        response = client.get("/metrics", headers={"Accept": accept})
        assert response.status_code == 200
        assert response.content_type.startswith("text/plain; version=0.0.4")

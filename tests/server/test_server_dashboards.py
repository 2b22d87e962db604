"""The dashboard, the alert rules and docs/metrics.md: all of them know what a service tells."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml
from scrapes import Scrape, metrics_in, scrape

from baking import PAYLOAD, ROOT
from live_load import LONGEST, living

DEPLOY = PAYLOAD / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
CONFIG = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
PROMETHEUS_OWN = {"job", "instance"}
MAIN = """
import mmf_core as mmf


@mmf.artifact("model.json")
def model():
    return 1


@mmf.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
def score(data=mmf.DataFrame(schema={"a": float})):
    return data
"""


def expressions() -> dict[str, str]:
    """Give every PromQL expression, by where it stands."""
    found = {rule["alert"]: rule["expr"] for group in RULES["groups"] for rule in group["rules"]}
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            found[variable["name"]] = variable["query"]["query"]
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrape]:
    """Give what a service tells that has answered a request."""
    folder: Path = tmp_path_factory.mktemp("told")
    with living(folder, MAIN) as live:
        url = live.service.url
        assert requests.post(f"{url}/score", json=[{"a": 1}], timeout=LONGEST).ok
        yield scrape(url)


def test_every_expression_asks_for_what_there_is(told: Scrape) -> None:
    there = {name: labels | PROMETHEUS_OWN for name, labels in told.labels.items()}
    there["up"] = PROMETHEUS_OWN
    for where, expression in expressions().items():
        named = list(metrics_in(expression))
        assert named, where
        for name, labels in named:
            assert name in there, where
            assert labels <= there[name], where


def test_the_check_sees_what_is_wrong() -> None:
    (found,) = metrics_in('sum by (le, target) (rate(mmf_a_bucket{job=~"$job", x!="1"}[5m]))')
    assert found == ("mmf_a_bucket", {"job", "x", "le", "target"})


def test_the_page_lists_every_metric_with_its_labels(told: Scrape) -> None:
    rows = re.findall(r"^\| `(mmf_\w+)` \|([^|]*)\|", PAGE, re.MULTILINE)
    listed = {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    assert set(listed) == metrics_of(told)
    for name, labels in listed.items():
        samples = [name, f"{name}_count"]
        (sample,) = [one for one in samples if one in told.labels]
        assert told.labels[sample] == set(labels), name


def metrics_of(scraped: Scrape) -> set[str]:
    """Return the names of the service's metrics, without the endings of a histogram's samples."""
    return {
        re.sub("_(bucket|sum|count)$", "", name)
        for name in scraped.labels
        if name.startswith("mmf_")
    }


def test_every_metric_is_shown_or_warned_of(told: Scrape) -> None:
    used = {name for query in expressions().values() for name, _ in metrics_in(query)}
    for metric in metrics_of(told):
        assert any(name.startswith(metric) for name in used), metric


def test_prometheus_asks_the_service_by_these_rules() -> None:
    (job,) = CONFIG["scrape_configs"]
    assert job["metrics_path"] == "/metrics"
    assert CONFIG["rule_files"] == ["alerts.yml"]
    assert f'job="{job["job_name"]}"' in expressions()["ServiceDown"]


def test_openmetrics_is_answered_where_it_is_asked_for() -> None:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    import mmf_core as mmf
    from mmf_core.web import create_app

    client = create_app(mmf.Registry()).test_client()
    client.get("/nothing")
    wanted = "application/openmetrics-text; version=1.0.0"
    answer = client.get("/metrics", headers={"Accept": f"{wanted}, text/plain;q=0.1"})
    assert answer.content_type.startswith(wanted)
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"mmf_requests", "mmf_ready"} <= names

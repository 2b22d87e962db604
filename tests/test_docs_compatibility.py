"""docs/compatibility.md lists all routes, JSON keys, log fields and commands."""

import logging
import re
from collections.abc import Iterator

import click
import pytest
from flask import Flask

import mmf_core as mmf
from baking import ROOT
from mmf_core.cli import main
from mmf_core.web import create_app

PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
INTERNAL = re.compile(r"/(page|static|docs)/")
CODE = re.compile(r"`([^`]+)`")


def section(title: str) -> str:
    """Return the text under a heading of the third level."""
    return PAGE.split(f"### {title}\n")[1].split("\n##")[0]


def row(title: str, start: str) -> set[str]:
    """Return the code spans of the row with this first cell."""
    (line,) = [line for line in section(title).splitlines() if line.startswith(f"| {start}")]
    return set(CODE.findall(line.split("|")[2]))


@pytest.fixture
def app() -> Flask:
    """Serve one target that takes whole numbers."""
    registry = mmf.Registry()

    def double(data: object = mmf.DataFrame(schema={"number": int})) -> object:
        return data

    registry.target(returns=mmf.DataFrame())(double)
    return create_app(registry)


def documented_paths() -> Iterator[str]:
    """Yield the paths of the table, without their methods."""
    for line in section("Routes").splitlines()[3:]:
        for text in CODE.findall(line.split("|")[1]):
            yield text.rpartition(" ")[2].replace("<target>", "double")


def test_every_route_is_listed(app: Flask) -> None:
    served = {rule.rule for rule in app.url_map.iter_rules() if not INTERNAL.match(rule.rule)}
    served = {rule.replace("<target>", "double") for rule in served}
    others = {rule for rule in served if not rule.startswith("/v2")}
    assert others | {"/v2"} == set(documented_paths())


def test_error_keys(app: Flask) -> None:
    error = app.test_client().post("/double", json=[{"number": "many"}]).get_json()
    assert error.keys() == row("JSON keys", "an error")
    assert error["errors"][0].keys() <= row("JSON keys", "each of its")


def test_health_and_description_keys(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/double").get_json().keys() == row("JSON keys", "`GET /<target>`")
    assert client.get("/health/ready").get_json().keys() <= row("JSON keys", "`GET /health/ready`")


def test_access_log_fields(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    own = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}
    with caplog.at_level(logging.INFO, "mmf.access"):
        app.test_client().post("/double", json=[{"number": 1}])
    (record,) = [record for record in caplog.records if record.name == "mmf.access"]
    fields = {name for name in vars(record) if name not in own} - {"request_id"}
    assert fields == row("Log fields", "the access line") | row("Log fields", "of a target's call")


def test_commands() -> None:
    context = click.Context(main)
    commands = [main.get_command(context, name) for name in main.list_commands(context)]
    visible = {command.name for command in commands if command and not command.hidden}
    assert set(CODE.findall(section("Commands"))) == visible

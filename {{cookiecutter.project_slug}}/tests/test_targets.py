"""API tests of every target, from its descriptors: its example and its faults, in each format.

The requests are those of the load test. A target that rejects its example, which is a guess unless
the author wrote one, needs `example=`.
"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import pytest

import mmf_core as mmf
from app import app
from loadtests.bodies import FORM, JSON, Body, bodies
from loadtests.call import Call, Skipped
from loadtests.calls import find_calls
from loadtests.service import Response, Service
from mmf_core.codecs import Kind
from mmf_core.registry import load

MOST = 20  # columns, of a wide table


class InProcess(Service):
    """The service, called without a network."""

    def __init__(self) -> None:
        super().__init__("http://localhost")
        self.client = app.test_client()

    def request(self, path: str, body: bytes | None = None, headers: Any = None) -> Response:
        method = "GET" if body is None else "POST"
        response = self.client.open(path, method=method, data=body, headers=headers)
        return Response(response.status_code, response.mimetype or "", response.data)


class Fault(NamedTuple):
    """A mistake of a client's: the arguments, what the response must name, and how it can be sent.

    `media_types` are those of the bodies that can carry it; without any all.
    """

    name: str
    arguments: dict[str, Any]
    named: dict[str, str]
    media_types: tuple[str, ...] = ()


SERVICE = InProcess()
TARGETS = load("main").targets
TRIED = list(find_calls(SERVICE))
CALLS = [call for call in TRIED if isinstance(call, Call)]
REJECTED = {call.name: call.reason for call in TRIED if isinstance(call, Skipped)}
TYPED = mmf.Integer | mmf.Float | mmf.Bool | mmf.Date | mmf.Datetime
EXAMPLES = {  # of a target: by argument, or the one argument that a body is
    route: json.loads(call.body)
    for call in reversed(CALLS)  # the first of several examples
    if call.headers["Content-Type"] == JSON
    and call.body
    and (route := call.path.partition("?")[0].strip("/")) in TARGETS
}


def faults(route: str) -> Iterator[Fault]:
    """Yield the faults that the descriptors of a target rule out."""
    arguments, body = TARGETS[route].arguments, TARGETS[route].body_argument
    example = EXAMPLES[route]
    values = {body: example} if body else example
    for name, descriptor in arguments.items():
        if name not in values:  # optional, and not in the example
            continue
        if isinstance(descriptor, mmf.DataFrame):
            for fault, table, named in islice(wrong_tables(descriptor, values[name]), 3 * MOST):
                yield Fault(f"{name}: {fault}", {**values, name: table}, named)
        elif isinstance(descriptor, TYPED):
            yield Fault(f"{name}: text", {**values, name: "no such value"}, {"where": name})
        if descriptor.required and len(arguments) > 1:
            others = {other: value for other, value in values.items() if other != name}
            yield Fault(
                f"{name}: missing", others, {"where": name}, (FORM,) if body else (JSON, FORM)
            )


def wrong_tables(descriptor: mmf.DataFrame, rows: Any) -> Iterator[tuple[str, Any, dict[str, str]]]:
    """Yield tables that a schema rules out, each with one column that is wrong in every row."""
    for name, column in descriptor.columns.items():
        named = {"column": name}
        without = [{key: row[key] for key in row if key != name} for row in rows]
        if without[0]:
            yield f"no {name}", without, named
        if not column.nullable:
            yield f"{name} is null", [{**row, name: None} for row in rows], named
        if column.kind is not str or column.choices:
            yield f"{name} is text", [{**row, name: "no such value"} for row in rows], named


def faulty_bodies(route: str) -> Iterator[tuple[str, Body, dict[str, str]]]:
    """Yield each fault in each format that can carry it."""
    description = SERVICE.get(f"/{route}")
    operation = SERVICE.get("/openapi.json")["paths"][f"/{route}"]["post"]
    media_types = list(operation["requestBody"]["content"])
    for fault in faults(route):
        usable = [name for name in media_types if name in (fault.media_types or media_types)]
        arguments, name = description["arguments"], description["body"]
        for body in bodies(arguments, name, fault.arguments, usable):
            if isinstance(body, Body):
                yield f"{fault.name} ({body.name})", body, fault.named


def can_be_damaged(call: Call) -> bool:
    """Return whether other bytes may be wrong: not of forms, and not of files, which are any."""
    target = TARGETS.get(call.path.strip("/").partition("?")[0])
    kinds = {descriptor.kind for descriptor in target.arguments.values()} if target else set()
    is_form = call.headers["Content-Type"].startswith("multipart/")
    return bool(call.body) and not is_form and Kind.FILE not in kinds


@pytest.mark.parametrize("route", TARGETS)
def test_example_is_accepted(route: str) -> None:
    names = [name for name in REJECTED if name.partition(":")[0] == f"/{route}"]
    assert not names, [REJECTED[name] for name in names]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_example_has_the_same_response_in_every_format(call: Call) -> None:
    response = SERVICE.request(call.path, call.body, call.headers)

    assert call.expected.problem(*response) is None


@pytest.mark.parametrize("route", EXAMPLES)
def test_fault_is_named_in_every_format(route: str) -> None:
    for name, body, named in faulty_bodies(route):
        path = f"/{route}?{body.query}" if body.query else f"/{route}"
        response = SERVICE.request(path, body.content, {"Content-Type": body.media_type})

        problem = json.loads(response.content)
        assert (response.status, response.media_type) == (422, "application/problem+json"), name
        assert any(named.items() <= error.items() for error in problem["errors"]), (name, problem)


@pytest.mark.parametrize("call", list(filter(can_be_damaged, CALLS)), ids=lambda call: call.name)
@pytest.mark.parametrize("damage", ["cut off", "other bytes", "empty"])
def test_damaged_body_is_never_a_crash(call: Call, damage: str) -> None:
    middle = len(call.body) // 2
    damaged = {"cut off": call.body[:middle], "other bytes": b"\xff\x00" * middle, "empty": b""}

    response = SERVICE.request(call.path, damaged[damage], call.headers)

    assert response.status < 500

"""Calls: the requests of the load test, from the service's own description.

Every target is called in every format that it accepts, according to `/openapi.json`, and so are
the routes of other protocols that have an example there. Each call is tried once beforehand.
"""

import json
from collections.abc import Iterator, Mapping

from .bodies import JSON, Description
from .call import Call, Skipped, is_rejected, reason
from .checks import OK, ExpectedResponse, json_value
from .service import LoadTestError, Service
from .targets import Target

PROTOCOLS = ("mlflow", "v2")
# They do the same work in other envelopes: called only if LOAD_WEIGHTS says so.
DEFAULT_WEIGHTS = dict.fromkeys(PROTOCOLS, 0)


TRAINS = "ModelFile"
"""The descriptor of what a target returns that trains."""


def find_calls(service: Service) -> Iterator[Call | Skipped]:
    """Read the service's description, and try every call that it allows."""
    for path, operations in service.get("/openapi.json").get("paths", {}).items():
        operation = operations.get("post", {})
        tags = set(operation.get("tags", ()))
        if "targets" in tags:
            yield from _target_calls(service, path, operation)
        elif tags & set(PROTOCOLS):
            yield from _protocol_call(service, path, operation)


def weighted(calls: list[Call], weights: Mapping[str, int]) -> list[Call]:
    """Repeat each call by the product of its words' weights; LoadTestError for an unknown word."""
    words = frozenset[str]().union(DEFAULT_WEIGHTS, *(call.words for call in calls))
    for word in weights.keys() - words:
        raise LoadTestError(
            f"LOAD_WEIGHTS: unknown word {word}; expected one of {', '.join(sorted(words))}"
        )
    weights = {**DEFAULT_WEIGHTS, **weights}
    repeated = []
    for call in calls:
        count = 1
        for word in call.words:
            count *= weights.get(word, 1)
        repeated += [call] * count
    return repeated


def _target_calls(service: Service, path: str, operation: Description) -> Iterator[Call | Skipped]:
    """Yield the calls of a target's first example in every format, of any others in JSON."""
    description = service.get(path)
    if (description["returns"] or {}).get("class_name") == TRAINS:
        return  # it would replace the model
    arguments, route = description["arguments"], description["route"]
    content = operation.get("requestBody", {}).get("content", {})
    media_types = list(content)
    for label, values in description["examples"].items():
        target = Target(
            service, route, arguments, description["body"], values, description["returns"], label
        )
        yield from target.calls(media_types)
        media_types = [JSON]


def _protocol_call(service: Service, path: str, operation: Description) -> Iterator[Call | Skipped]:
    """Yield the call of another protocol's route, if it has an example."""
    example = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("example")
    if example is None:
        return
    (protocol,) = operation["tags"]
    if protocol == "v2":
        example = {**example, "id": "load"}  # else each response has an id of its own
    name, body = f"{path} (json)", json.dumps(example).encode()
    headers = {"Content-Type": JSON, "Accept": JSON}
    responses = [service.request(path, body, headers) for _ in range(2)]
    if is_rejected(responses[0]):
        yield Skipped(name, reason(responses[0]))
        return
    value, again = (
        json_value(response.content) if response.status == OK else None for response in responses
    )
    expected = ExpectedResponse(OK, JSON, json_value, value, varies=value != again)
    yield Call(name, path, body, headers, frozenset({protocol, "json"}), expected)

"""Calls: what is asked of a service, made of its own description.

Every target is asked in every format that it takes, by `/openapi.json`, and so are the routes of
the other protocols that have an example there. Each call is tried once before the load begins.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .bodies import JSON, Described
from .call import Call, LeftOut, is_refused, reason
from .checks import OK, Answer, plain
from .service import Service, Unusable
from .targets import Target

EXAMPLES = Path(__file__).with_name("examples.json")
PROTOCOLS = ("mlflow", "v2")
# They are the same work in other envelopes: asked only where LOAD_WEIGHTS says so.
UNASKED = dict.fromkeys(PROTOCOLS, 0)


def find_calls(service: Service, examples: Mapping[str, Any]) -> Iterator[Call | LeftOut]:
    """Read the service's description, and try every call that it allows."""
    for path, operations in service.get("/openapi.json").get("paths", {}).items():
        operation = operations.get("post", {})
        tags = set(operation.get("tags", ()))
        if "targets" in tags:
            yield from _of_target(service, path, operation, examples)
        elif tags & set(PROTOCOLS):
            yield from _of_protocol(service, path, operation)


def weighted(calls: list[Call], weights: Mapping[str, int]) -> list[Call]:
    """Return each call as often as its words weigh together; Unusable for a word of none."""
    known = frozenset[str]().union(UNASKED, *(call.words for call in calls))
    for word in weights.keys() - known:
        raise Unusable(f"LOAD_WEIGHTS: {word} is none of {', '.join(sorted(known))}")
    weights = {**UNASKED, **weights}
    every = []
    for call in calls:
        count = 1
        for word in call.words:
            count *= weights.get(word, 1)
        every += [call] * count
    return every


def own_examples() -> dict[str, Any]:
    """Read examples.json: by target, what is sent instead of the description's example."""
    try:
        examples: dict[str, Any] = json.loads(EXAMPLES.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Unusable(f"{EXAMPLES.name} is not JSON: {error}") from None
    return examples


def _of_target(
    service: Service, path: str, operation: Described, examples: Mapping[str, Any]
) -> Iterator[Call | LeftOut]:
    described = service.get(path)
    arguments, own = described["arguments"], examples.get(described["route"])
    content = operation.get("requestBody", {}).get("content", {})
    example = content.get(JSON, {}).get("example")
    if own is not None:
        example = {**example, **own} if len(arguments) > 1 else own
    target = Target(service, described["route"], arguments, described["returns"], example)
    yield from target.calls(list(content))


def _of_protocol(service: Service, path: str, operation: Described) -> Iterator[Call | LeftOut]:
    """Yield the call of another protocol's route, if it has an example; its first answer counts."""
    example = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("example")
    if example is None:
        return
    (protocol,) = operation["tags"]
    if protocol == "v2":
        example = {**example, "id": "load"}  # else each answer has an id of its own
    name, body = f"{path} (json)", json.dumps(example).encode()
    headers = {"Content-Type": JSON, "Accept": JSON}
    replies = [service.ask(path, body, headers) for _ in range(2)]
    if is_refused(replies[0]):
        yield LeftOut(name, reason(replies[0]))
        return
    value, again = (plain(one.content) if one.status == OK else None for one in replies)
    answer = Answer(OK, JSON, plain, value, varies=value != again)
    yield Call(name, path, body, headers, frozenset({protocol, "json"}), answer)

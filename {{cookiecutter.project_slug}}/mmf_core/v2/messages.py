"""Requests and answers of an inference: JSON, and the binary data behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Request, Response

from ..codecs import json
from ..errors import RequestError
from ..target import Target
from ..web.http.bodies import read_whole
from ..web.http.responses import json_response
from ..web.request_context import current_context
from . import binary
from .tensors import Tensor, from_json, to_json

LENGTH = "Inference-Header-Content-Length"
_BINARY = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Inference:
    """A request.

    `outputs` are the names that are asked for, and whether each is to be binary; none where all
    are wanted, binary or not as `is_binary` says.
    """

    id: str
    parameters: dict[str, Any]
    tensors: list[Tensor]
    outputs: dict[str, bool]
    is_binary: bool


def read(request: Request) -> Inference:
    """Read a request; RequestError says what is wrong with it."""
    whole, data = _split(read_whole(request), request.headers.get(LENGTH))
    parameters, outputs = whole.get("parameters", {}), whole.get("outputs", [])
    name = whole.get("id", "")
    if not isinstance(parameters, dict) or not isinstance(name, str):
        raise RequestError("parameters is an object, id a text")
    if not isinstance(outputs, list) or not all(map(_is_output, outputs)):
        raise RequestError("every output is an object with a name")
    is_binary = parameters.get("binary_data_output") is True
    context = current_context()
    return Inference(
        id=name or (context.request_id if context else ""),
        parameters=parameters,
        tensors=_tensors(whole["inputs"], data),
        outputs={
            one["name"]: one.get("parameters", {}).get("binary_data", is_binary) is True
            for one in outputs
        },
        is_binary=is_binary,
    )


def write(target: Target, version: str, asked: Inference, outputs: list[Tensor]) -> Response:
    """Answer the outputs that were asked for, in that order; RequestError if one is not there."""
    by_name = {one.name: one for one in outputs}
    if unknown := asked.outputs.keys() - by_name.keys():
        raise RequestError(
            f"no output is called {', '.join(unknown)}; there are: {', '.join(by_name)}"
        )
    entries: list[dict[str, Any]] = []
    data = b""
    wanted = asked.outputs or dict.fromkeys(by_name, asked.is_binary)
    for name, is_binary in wanted.items():
        entry, own = (binary.to_binary if is_binary else _to_json)(by_name[name])
        entries.append(entry)
        data += own
    served = {"model_name": target.route} | ({"model_version": version} if version else {})
    body: dict[str, Any] = {**served, "id": asked.id, "outputs": entries}
    if content_type := asked.parameters.get("content_type"):  # MLServer's clients read it so
        body["parameters"] = {"content_type": content_type}
    if not any(wanted.values()):
        return json_response(body)
    head = json.dumps(body)
    answer = Response(head + data, content_type=_BINARY)
    answer.headers[LENGTH] = str(len(head))
    return answer


def _split(body: bytes, length: str | None) -> tuple[dict[str, Any], memoryview]:
    """Return the JSON and what is behind it."""
    if length is not None and (not length.isdecimal() or int(length) > len(body)):
        raise RequestError(f"{LENGTH} is {length}, and the body has {len(body)} bytes")
    size = len(body) if length is None else int(length)
    whole = json.loads(body[:size])
    if not isinstance(whole, dict) or not isinstance(whole.get("inputs"), list):
        raise RequestError('send {"inputs": [{"name", "shape", "datatype", "data"}, …]}')
    return whole, memoryview(body)[size:]


def _tensors(inputs: list[Any], data: memoryview) -> list[Tensor]:
    tensors = []
    for given in inputs:
        if binary.is_binary(given):
            tensor, data = binary.from_binary(given, data)
        else:
            tensor = from_json(given)
        tensors.append(tensor)
    if data:
        raise RequestError(f"{len(data)} bytes of binary data belong to no input")
    return tensors


def _to_json(tensor: Tensor) -> tuple[dict[str, Any], bytes]:
    return to_json(tensor), b""


def _is_output(given: Any) -> bool:
    return (
        isinstance(given, dict)
        and isinstance(given.get("name"), str)
        and isinstance(given.get("parameters", {}), dict)
    )

"""Inference requests and responses: JSON, with binary data behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Request, Response

from ..codecs import MemoryBudget, check_columns, json, read_json
from ..errors import RequestError, listed, quoted, shortened
from ..target import Target
from ..web.http.bodies import read_whole
from ..web.http.codec_options import limits
from ..web.http.responses import json_response
from ..web.request_context import current_context
from . import binary
from .tensors import Tensor, from_json, to_json

LENGTH = "Inference-Header-Content-Length"
_BINARY = "application/octet-stream"
_MAX_DIGITS = 18
_EXTENSIONS = {"classification", "shared_memory_region"}
"""Of Triton: with them an output would be another one than a tensor in the response."""
MAX_ID = 1_000
"""Characters of a request's id and content_type, which the response repeats."""


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """A request for an inference.

    `outputs` maps each requested output to whether it shall be binary. If it is empty, all outputs
    are requested, and `is_binary` holds for each. `budget` is what may still be read from texts.
    """

    id: str
    parameters: dict[str, Any]
    tensors: list[Tensor]
    outputs: dict[str, bool]
    is_binary: bool
    budget: MemoryBudget


def read_inference(request: Request) -> InferenceRequest:
    """Read a request; RequestError says what is invalid."""
    message, data = _split(read_whole(request), request.headers.get(LENGTH))
    budget = MemoryBudget("request", limits())
    return inference_request(message, _tensors(message["inputs"], data, budget), budget)


def inference_request(
    message: dict[str, Any], tensors: Iterable[Tensor], budget: MemoryBudget
) -> InferenceRequest:
    """Return a request from what is not its tensors, in JSON's types; RequestError as above.

    The tensors are read when all the rest is valid.
    """
    parameters, outputs = message.get("parameters", {}), message.get("outputs", [])
    request_id = message.get("id", "")
    if not isinstance(parameters, dict) or not _is_short(request_id):
        raise RequestError(
            f"expected parameters to be an object, and id a string of at most {MAX_ID} characters"
        )
    if not _is_short(parameters.get("content_type") or ""):
        raise RequestError(
            f"parameters: expected content_type to be a string of at most {MAX_ID} characters"
        )
    if not isinstance(outputs, list) or not all(map(_is_output, outputs)):
        raise RequestError("outputs: expected objects with a name")
    for output in outputs:
        if unsupported := _EXTENSIONS.intersection(output.get("parameters", {})):
            raise RequestError(
                f"output {shortened(output['name'])}: {unsupported.pop()} is not supported; "
                f"request the tensor itself"
            )
    _refuse_repeated("outputs", [output["name"] for output in outputs])
    is_binary = parameters.get("binary_data_output") is True
    context = current_context()
    if context and request_id:
        context.client_id = request_id
    read = list(tensors)
    _refuse_repeated("inputs", [tensor.name for tensor in read])
    return InferenceRequest(
        id=request_id or (context.request_id if context else ""),
        parameters=parameters,
        tensors=read,
        outputs={
            output["name"]: output.get("parameters", {}).get("binary_data", is_binary) is True
            for output in outputs
        },
        is_binary=is_binary,
        budget=budget,
    )


def inference_response(
    target: Target, version: str, inference: InferenceRequest, tensors: list[Tensor]
) -> Response:
    """Respond with the requested outputs in their order; RequestError if one does not exist."""
    entries: list[dict[str, Any]] = []
    data: list[bytes] = []
    is_any_binary = False
    for tensor in requested_outputs(inference, tensors):
        is_binary = inference.outputs.get(tensor.name, inference.is_binary)
        is_any_binary |= is_binary
        entry, own = (binary.to_binary if is_binary else _to_json)(tensor)
        entries.append(entry)
        data.append(own)
    model = {"model_name": target.route} | ({"model_version": version} if version else {})
    message: dict[str, Any] = {**model, "id": inference.id, "outputs": entries}
    if content_type := inference.parameters.get("content_type"):  # MLServer's clients expect it
        message["parameters"] = {"content_type": content_type}
    if not is_any_binary:
        return json_response(message)
    head = json.dumps(message)
    response = Response(b"".join([head, *data]), content_type=_BINARY)
    response.headers[LENGTH] = str(len(head))
    return response


def requested_outputs(inference: InferenceRequest, tensors: list[Tensor]) -> list[Tensor]:
    """Return the requested outputs in their order; RequestError if one does not exist."""
    by_name = {tensor.name: tensor for tensor in tensors}
    if not inference.outputs:
        return list(by_name.values())
    if unknown := [name for name in inference.outputs if name not in by_name]:
        raise RequestError(f"unknown output {listed(unknown)}; available: {listed([*by_name])}")
    return [by_name[name] for name in inference.outputs]


def _split(body: bytes, length: str | None) -> tuple[dict[str, Any], memoryview]:
    """Return the JSON and the binary data behind it."""
    size = len(body) if length is None else _size(length)
    if not 0 <= size <= len(body):
        raise RequestError(f"{LENGTH} is {quoted(length)}, but the body has {len(body)} bytes")
    message = read_json(body[:size], limits())
    if not isinstance(message, dict) or not isinstance(message.get("inputs"), list):
        raise RequestError('expected {"inputs": [{"name", "shape", "datatype", "data"}, …]}')
    return message, memoryview(body)[size:]


def _size(length: str) -> int:
    """Return the number in a header; -1 if it is not one, or longer than that of any body."""
    is_number = length.isdecimal() and len(length) <= _MAX_DIGITS
    return int(length) if is_number else -1


def _tensors(inputs: list[Any], data: memoryview, budget: MemoryBudget) -> Iterator[Tensor]:
    check_columns(len(inputs))
    for entry in inputs:
        if binary.is_binary(entry):
            tensor, data = binary.from_binary(entry, data, budget)
            yield tensor
        else:
            yield from_json(entry)
    if data:
        raise RequestError(f"{len(data)} bytes of binary data belong to no input")


def _refuse_repeated(place: str, names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise RequestError(f"{place}: expected unique names, got {listed(names)}")


def _to_json(tensor: Tensor) -> tuple[dict[str, Any], bytes]:
    return to_json(tensor), b""


def _is_short(text: Any) -> bool:
    return isinstance(text, str) and len(text) <= MAX_ID


def _is_output(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("name"), str)
        and isinstance(entry.get("parameters", {}), dict)
    )

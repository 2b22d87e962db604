"""The routes under /v2 in OpenAPI, with an example for every target that has one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..codecs import Format, Kind, json, json_of
from ..execution import Execution
from ..settings import Settings
from ..target import Target
from ..web.http.codec_options import options_of
from ..web.openapi.sections import BYTES as FILE
from ..web.openapi.sections import JSON, OpenAPISection, error_refs, error_responses, ref, response
from ..web.protocols import Service
from .tensors import BYTES, DTYPES, to_json
from .values import output_tensors

_BINARY = Format.BINARY.media_type
_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
_SHAPE = {"type": "array", "items": {"type": "integer"}}
_NAMED = {"name": _TEXT, "datatype": {"enum": [*DTYPES, BYTES]}, "shape": _SHAPE}


def _object(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


_PARAMETERS = {"type": "object", "properties": {"content_type": _TEXT}}
_OUTPUT = _object({"name": _TEXT, "parameters": {"type": "object"}}, "parameters")
_SCHEMAS = {
    "V2Error": _object({"error": _TEXT}),
    "V2Tensor": _object(
        {
            **_NAMED,
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
            "data": {"description": "a list, nested or flat, in row-major order"},
            "parameters": _PARAMETERS,
        },
        "parameters",
    ),
    "V2Metadata": _object({**_NAMED, "shape": {**_SHAPE, "description": "-1 is any length"}}),
    "V2Request": _object(
        {
            "id": _TEXT,
            "parameters": {"type": "object", "description": "may hold scalar arguments by name"},
            "inputs": {"type": "array", "items": ref("schemas", "V2Tensor")},
            "outputs": {"type": "array", "items": _OUTPUT},
        },
        *("id", "parameters", "outputs"),
    ),
    "V2Response": _object(
        {
            "model_name": _TEXT,
            "model_version": _TEXT,
            "id": _TEXT,
            "parameters": {"type": "object"},
            "outputs": {"type": "array", "items": ref("schemas", "V2Tensor")},
        },
        *("model_version", "parameters"),
    ),
}


def section(service: Service) -> OpenAPISection:
    """Describe the server, its models, and the inference of each."""
    models = list(service.single_results)
    paths = {**_server(models), **_models(models)}
    for execution in service.single_results.values():
        route = execution.target.route
        paths[f"/v2/models/{route}/infer"] = {"post": _infer(execution, service.settings)}
    error = ref("schemas", "V2Error")
    responses = error_responses(service.settings, "V2Error", error, JSON)
    return OpenAPISection(
        tag="v2",
        description="The Open Inference Protocol, for clients of KServe, Triton and MLServer. "
        "Tensors may also be binary: extension binary_tensor_data.",
        paths=paths,
        components={"schemas": _SCHEMAS, "responses": responses},
    )


def _server(models: list[str]) -> dict[str, Any]:
    live = _object({"live": _FLAG})
    ready = _object({"live": _FLAG, "ready": _FLAG})
    metadata = _object(
        {"name": _TEXT, "version": _TEXT, "extensions": {"type": "array", "items": _TEXT}}
    )
    names = _object({"models": {"type": "array", "items": {"enum": models}}})
    state = _object(
        {
            "name": {"enum": models},
            "version": _TEXT,
            "state": {"enum": ["READY", "UNAVAILABLE"]},
        },
        "version",
    )
    index = {"type": "array", "items": state}
    return {
        "/v2": {"get": _get("v2_server", "server metadata", metadata)},
        "/v2/health/live": {"get": _get("v2_live", "whether the process responds", live)},
        "/v2/health/ready": {
            "get": _get("v2_ready", "whether every artifact is loaded", ready, 503)
        },
        "/v2/models": {"get": _get("v2_models", "the names of the models", names)},
        "/v2/repository/index": {"post": _get("v2_index", "the models and their states", index)},
    }


def _models(models: list[str]) -> dict[str, Any]:
    tensors = {"type": "array", "items": ref("schemas", "V2Metadata")}
    versions = {"type": "array", "items": _TEXT}
    metadata = {"name": {"enum": models}, "versions": versions, "platform": _TEXT}
    metadata |= {"inputs": tensors, "outputs": tensors}
    ready = _object({"name": {"enum": models}, "ready": _FLAG})
    name = {"name": "model", "in": "path", "required": True, "schema": {"enum": models}}
    model = _get("v2_model", "declared inputs and outputs", _object(metadata, "versions"), 404)
    model_ready = _get("v2_model_ready", "whether the model is loaded", ready, 404, 503)
    return {
        "/v2/models/{model}": {"get": {**model, "parameters": [name]}},
        "/v2/models/{model}/ready": {"get": {**model_ready, "parameters": [name]}},
    }


def _get(operation: str, summary: str, schema: dict[str, Any], *statuses: int) -> dict[str, Any]:
    return {
        "operationId": operation,
        "summary": summary,
        "responses": {"200": response(summary, schema), **error_refs("V2Error", *statuses)},
    }


def _infer(execution: Execution, settings: Settings) -> dict[str, Any]:
    target = execution.target
    timeout = [504] if target.call_options.timeout or settings.timeout else []
    body = {"schema": ref("schemas", "V2Request"), "example": {"inputs": _inputs(target)}}
    return {
        "operationId": f"v2_infer_{target.route}",
        "summary": target.name,
        "description": target.description,
        "requestBody": {"required": True, "content": {JSON: body, _BINARY: {"schema": FILE}}},
        "responses": {
            "200": response("the outputs", ref("schemas", "V2Response")),
            **error_refs("V2Error", 400, 413, 500, 503, *timeout),
        },
    }


def _inputs(target: Target) -> list[Any]:
    """Return the example as tensors, ready for JSON."""
    inputs: list[Any] = []
    for name, descriptor in target.required.items():
        codec, options = json_of(descriptor.kind), options_of(descriptor)
        tensors = output_tensors(descriptor, codec.from_plain(descriptor.plain_example, options))
        if descriptor.kind is not Kind.TABLE:  # whose columns have names of their own
            tensors = [replace(tensor, name=name) for tensor in tensors]
        inputs += map(to_json, tensors)
    return list(json.loads(json.dumps(inputs)))

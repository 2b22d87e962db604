"""Tensors from a message, and back: raw contents of all tensors, or typed ones of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..codecs import MemoryBudget, check_columns
from ..errors import RequestError, shortened
from ..target import Target
from ..v2.binary import ELEMENT_SIZE, binary_data, binary_elements, from_binary, has_null
from ..v2.messages import InferenceRequest, inference_request, requested_outputs
from ..v2.tensors import (
    BYTES,
    DTYPES,
    MAX_DIMENSIONS,
    Tensor,
    TensorHeader,
    object_array,
    read_header,
)
from .messages import message_class

if TYPE_CHECKING:
    import numpy as np

HALF = "FP16"
_FIELDS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "INT64": "int64_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}
"""The field of InferTensorContents for a datatype; there is none for FP16."""


def read_inference(message: Any, budget: MemoryBudget) -> InferenceRequest:
    """Read a ModelInferRequest; RequestError says what is invalid."""
    head = {
        "id": message.id,
        "parameters": _parameters(message.parameters),
        "outputs": [
            {"name": output.name, "parameters": _parameters(output.parameters)}
            for output in message.outputs
        ],
    }
    return inference_request(head, _tensors(message, budget), budget)


def infer_response(
    target: Target, version: str, inference: InferenceRequest, tensors: list[Tensor], *, raw: bool
) -> Any:
    """Return a ModelInferResponse with the requested outputs, `raw` or typed.

    All outputs are raw if one is FP16. RequestError if one has a null.
    """
    outputs = requested_outputs(inference, tensors)
    response = message_class("inference.ModelInferResponse")(
        model_name=target.route, model_version=version, id=inference.id
    )
    if content_type := inference.parameters.get("content_type"):
        response.parameters["content_type"].string_param = content_type
    raw = raw or any(tensor.datatype == HALF for tensor in outputs)
    for tensor in outputs:
        if has_null(tensor):
            raise RequestError(
                f"output {shortened(tensor.name)}: expected values, got null, which gRPC cannot "
                f"hold; request it over HTTP"
            )
        output = response.outputs.add(
            name=tensor.name, datatype=tensor.datatype, shape=tensor.values.shape
        )
        if tensor.content_type:
            output.parameters["content_type"].string_param = tensor.content_type
        if raw:
            response.raw_output_contents.append(binary_data(tensor))
        else:
            field = getattr(output.contents, _FIELDS[tensor.datatype])
            field.extend(_typed(tensor))
    return response


def _parameters(parameters: Any) -> dict[str, Any]:
    """Return parameters by name; those without a value are left out."""
    chosen = {name: value.WhichOneof("parameter_choice") for name, value in parameters.items()}
    return {name: getattr(parameters[name], choice) for name, choice in chosen.items() if choice}


def _tensors(message: Any, budget: MemoryBudget) -> Iterator[Tensor]:
    inputs, raw = message.inputs, message.raw_input_contents
    check_columns(len(inputs))
    if raw and len(raw) != len(inputs):
        raise RequestError(
            f"expected raw_input_contents of each of the {len(inputs)} inputs, or of none, "
            f"got {len(raw)}"
        )
    for index, entry in enumerate(inputs):
        header = {
            "name": entry.name,
            "datatype": entry.datatype,
            "shape": list(entry.shape[: MAX_DIMENSIONS + 1]),
            "parameters": _parameters(entry.parameters),
        }
        if not raw:
            yield _from_contents(read_header(header), entry.contents, budget)
            continue
        if entry.contents.ByteSize():  # MLServer's client sends empty ones
            name = read_header(header).label
            raise RequestError(f"{name}: expected contents or raw_input_contents, got both")
        data = raw[index]
        header["parameters"]["binary_data_size"] = len(data)
        yield from_binary(header, memoryview(data), budget)[0]


def _from_contents(header: TensorHeader, contents: Any, budget: MemoryBudget) -> Tensor:
    datatype, label = header.datatype, header.label
    if datatype == HALF:
        raise RequestError(f"{label}: FP16 has no typed contents; send raw_input_contents")
    expected = _FIELDS[datatype]
    if others := [field.name for field, _ in contents.ListFields() if field.name != expected]:
        raise RequestError(f"{label}: expected {datatype} in {expected}, got {', '.join(others)}")
    values = getattr(contents, expected)
    if datatype == BYTES:
        budget.spend(ELEMENT_SIZE * len(values) + 2 * contents.ByteSize())
        return header.tensor(object_array(list(values)))
    return header.tensor(_numbers(header, values))


def _numbers(header: TensorHeader, values: Any) -> np.ndarray:
    import numpy as np  # only with the first tensor

    dtype = np.dtype(DTYPES[header.datatype])
    if header.datatype in {"INT8", "INT16", "UINT8", "UINT16"}:
        wide = np.fromiter(values, np.int64, len(values))
        numbers = wide.astype(dtype)
        if (numbers != wide).any():
            raise RequestError(f"{header.label}: a value does not fit {header.datatype}")
        return numbers
    return np.fromiter(values, dtype, len(values))


def _typed(tensor: Tensor) -> list[Any]:
    """Return the values as InferTensorContents takes them."""
    if tensor.datatype == BYTES:
        return binary_elements(tensor)
    numbers: list[Any] = tensor.values.ravel().astype(DTYPES[tensor.datatype], copy=False).tolist()
    return numbers

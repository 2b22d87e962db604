"""Calls a service with MLServer's own types and codecs, as `python mlserver_client.py URL`.

Prints what they understand of the responses.
"""

import json
import sys
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from mlserver.codecs import (
    Base64Codec,
    DatetimeCodec,
    NumpyCodec,
    NumpyRequestCodec,
    PandasCodec,
    StringCodec,
    StringRequestCodec,
)
from mlserver.types import (
    InferenceErrorResponse,
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    MetadataServerResponse,
    RepositoryIndexResponse,
    RequestOutput,
)

TABLE = pd.DataFrame(
    {
        "whole": [1, 2**53 + 1],
        "number": [1.5, np.nan],
        "word": ["вино", ""],
        "flag": [True, False],
        "mixed": [{"a": [1]}, "text"],
    }
)


def send(path: str, request: Any = None) -> bytes:
    """Send a request, POST if it is one of MLServer's."""
    data = None if request is None else request if isinstance(request, bytes) else _json(request)
    prepared = urllib.request.Request(f"{sys.argv[1]}/v2/{path}", data)
    with urllib.request.urlopen(prepared, timeout=60) as response:
        body: bytes = response.read()
    return body


def infer(model: str, request: InferenceRequest, version: str = "") -> InferenceResponse:
    """Call a model, or one version of it."""
    place = f"models/{model}/versions/{version}" if version else f"models/{model}"
    return InferenceResponse.model_validate_json(send(f"{place}/infer", request))


def _json(request: InferenceRequest) -> bytes:
    return request.model_dump_json(exclude_none=True).encode()


def columns() -> dict[str, Any]:
    """Send a table by the pandas codec, and read the response by it."""
    response = infer("table", PandasCodec.encode_request(TABLE, use_bytes=False))
    table = PandasCodec.decode_response(response)
    outputs = PandasCodec.decode_response(
        infer(
            "table",
            PandasCodec.encode_request(TABLE, use_bytes=False).model_copy(
                update={"outputs": [RequestOutput(name="word"), RequestOutput(name="whole")]}
            ),
        )
    )
    return {
        "types": [str(dtype) for dtype in table.dtypes],
        "cells": json.loads(table.to_json(orient="values")),
        "whole": [int(number) for number in table["whole"]],
        "chosen": list(outputs),
    }


def values() -> dict[str, Any]:
    """Send values by the codecs of one input."""
    number = NumpyRequestCodec.encode_request(np.array([[1.5, 2.0], [3.0, 4.0]]))
    named = InferenceRequest(
        id="7", inputs=[NumpyCodec.encode_input("x", np.array([1, 2], np.int32))]
    )
    word = InferenceRequest(inputs=[StringCodec.encode_input("text", ["вино"], use_bytes=False)])
    whole = StringRequestCodec.encode_request(["вино"], use_bytes=False)
    moment = datetime(2026, 1, 31, 12)
    when = InferenceRequest(inputs=[DatetimeCodec.encode_input("when", [moment], use_bytes=False)])
    file = InferenceRequest(inputs=[Base64Codec.encode_input("file", [b"\0\xff"], use_bytes=False)])
    twice = infer("twice", named)
    return {
        "matrix": NumpyRequestCodec.decode_response(infer("twice", number)).tolist(),
        "vector": NumpyCodec.decode_output(twice.outputs[0]).tolist(),
        "dtype": str(NumpyCodec.decode_output(twice.outputs[0]).dtype),
        "id": twice.id,
        "word": StringCodec.decode_output(infer("shout", word).outputs[0]),
        "whole word": StringRequestCodec.decode_response(infer("shout", whole)),
        "moment": infer("later", when).outputs[0].data.root,
        "file": list(Base64Codec.decode_output(infer("copied", file).outputs[0])[0]),
    }


def main() -> None:
    """Get metadata, tables, values and what is not there."""
    server = MetadataServerResponse.model_validate_json(send(""))
    about = MetadataModelResponse.model_validate_json(send("models/twice"))
    index = RepositoryIndexResponse.model_validate_json(send("repository/index", b"{}"))
    (version,) = about.versions or [""]
    request = InferenceRequest(inputs=[NumpyCodec.encode_input("x", np.array([1.5]))])
    report: dict[str, Any] = {
        "extensions": server.extensions,
        "versions": about.versions,
        "index": sorted({(model.version or "", model.state) for model in index.root}),
        "served by": infer("twice", request, version).model_version,
        "columns": columns(),
        "values": values(),
    }
    try:
        infer("twice", request, "another")
    except urllib.error.HTTPError as error:
        error_body = InferenceErrorResponse.model_validate_json(error.read())
        report["refused"] = [error.code, error_body.error]
    json.dump(report, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()

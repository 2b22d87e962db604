"""Calls a service with MLServer's own stub and codecs, as `python mlserver_grpc.py HOST:PORT`.

Prints what they understand of the responses.
"""

import json
import sys
from typing import Any

import grpc
import numpy as np
import pandas as pd
from mlserver.codecs import NumpyCodec, NumpyRequestCodec, PandasCodec, StringCodec
from mlserver.grpc import dataplane_pb2 as messages
from mlserver.grpc.converters import ModelInferRequestConverter, ModelInferResponseConverter
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from mlserver.types import InferenceRequest

TABLE = pd.DataFrame(
    {
        "whole": [1, 2**53 + 1],
        "number": [1.5, 2.5],  # its own converter has no place for NaN
        "word": ["вино", ""],
        "flag": [True, False],
    }
)


def main() -> None:
    """Get metadata, a table, an array and texts, raw and typed."""
    with grpc.insecure_channel(sys.argv[1]) as channel:
        stub = GRPCInferenceServiceStub(channel)

        def infer(model: str, request: InferenceRequest, *, raw: bool = False) -> Any:
            message = ModelInferRequestConverter.from_types(request, model_name=model, use_raw=raw)
            return ModelInferResponseConverter.to_types(stub.ModelInfer(message, timeout=30))

        about = stub.ModelMetadata(messages.ModelMetadataRequest(name="twice"))
        table = PandasCodec.decode_response(infer("table", PandasCodec.encode_request(TABLE)))
        array = np.array([[1.5, 2.0], [3.0, 4.0]])
        report: dict[str, Any] = {
            "live": stub.ServerLive(messages.ServerLiveRequest()).live,
            "versions": list(about.versions),
            "cells": json.loads(table.to_json(orient="values")),
            "whole": [int(number) for number in table["whole"]],
        }
        for raw in (False, True):
            response = infer("twice", NumpyRequestCodec.encode_request(array), raw=raw)
            report[f"array {raw}"] = NumpyCodec.decode_output(response.outputs[0]).tolist()
        word = InferenceRequest(inputs=[StringCodec.encode_input("text", ["вино"])])
        report["word"] = StringCodec.decode_output(infer("shout", word).outputs[0])
        try:
            infer("none", word)
        except grpc.RpcError as error:
            report["error"] = [error.code().name, error.details()]
    json.dump(report, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()

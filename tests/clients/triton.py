"""Calls a service with Triton's client, as `python triton.py HOST:PORT`; prints its report."""

import json
import sys
from typing import Any

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException


def tensor(name: str, values: Any, datatype: str, *, binary: bool) -> Any:
    """Write an input."""
    array = np.asarray(values)
    made = InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def main() -> None:
    """Call every method, then infer with JSON, binary and compressed bodies."""
    client = InferenceServerClient(sys.argv[1])
    report: dict[str, Any] = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": client.is_model_ready("score"),
        "extensions": client.get_server_metadata()["extensions"],
        "inputs": client.get_model_metadata("score")["inputs"],
        "index": [model["name"] for model in client.get_model_repository_index()],
    }
    rows = np.array([1.5, 2.5])
    words = np.array(["вино".encode(), b""], dtype=object)
    for binary in (True, False):
        for compression in (None, "gzip", "deflate"):
            if not binary:
                words = np.array(["вино", ""], dtype=object)
            inputs = [
                tensor("a", rows, "FP64", binary=binary),
                tensor("word", words, "BYTES", binary=binary),
            ]
            outputs = [
                InferRequestedOutput("double", binary_data=binary),
                InferRequestedOutput("word", binary_data=binary),
            ]
            result = client.infer(
                "score",
                inputs,
                outputs=outputs,
                request_id="7",
                request_compression_algorithm=compression,
                response_compression_algorithm=compression,
            )
            report[f"infer {binary} {compression}"] = [
                result.get_response()["id"],
                result.as_numpy("double").tolist(),
                [
                    word.decode() if isinstance(word, bytes) else word
                    for word in result.as_numpy("word")
                ],
            ]
    half = tensor("x", np.array([[1, 2]], np.float16), "FP16", binary=True)
    result = client.infer("twice", [half])
    report["half"] = [str(result.as_numpy("result").dtype), result.as_numpy("result").tolist()]
    try:
        client.infer("none", [half])
    except InferenceServerException as error:
        report["error"] = [error.status(), error.message()]
    json.dump(report, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()

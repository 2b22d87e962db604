"""Calls a service with Triton's own client of gRPC, as `python triton_grpc.py HOST:PORT`.

Prints what it says.
"""

import json
import queue
import sys
from typing import Any

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException


def tensor(name: str, values: Any, datatype: str) -> Any:
    """Write an input."""
    array = np.asarray(values)
    made = InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array)
    return made


def streamed(client: InferenceServerClient) -> list[Any]:
    """Send three messages in a stream, one of them wrong; return what comes back."""
    responses: queue.Queue[tuple[Any, Any]] = queue.Queue()
    client.start_stream(callback=lambda result, error: responses.put((result, error)))
    for model in ("twice", "none", "twice"):
        client.async_stream_infer(model, [tensor("x", [[1.5]], "FP64")])
    got = [responses.get(timeout=30) for _ in range(3)]
    client.stop_stream()
    return [
        result.as_numpy("result").tolist() if error is None else error.message()
        for result, error in got
    ]


def main() -> None:
    """Call every method, then infer in every way that the client has."""
    client = InferenceServerClient(sys.argv[1])
    report: dict[str, Any] = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": client.is_model_ready("score"),
        "extensions": client.get_server_metadata(as_json=True)["extensions"],
        "inputs": client.get_model_metadata("score", as_json=True)["inputs"],
        "index": [model.name for model in client.get_model_repository_index().models],
    }
    words = np.array(["вино".encode(), b""], dtype=object)
    inputs = [tensor("a", np.array([1.5, 2.5]), "FP64"), tensor("word", words, "BYTES")]
    outputs = [InferRequestedOutput("double"), InferRequestedOutput("word")]
    for compression in (None, "gzip", "deflate"):
        result = client.infer(
            "score",
            inputs,
            outputs=outputs,
            request_id="7",
            compression_algorithm=compression,
            headers={"x-request-id": "triton"},
            client_timeout=30,
        )
        report[f"infer {compression}"] = [
            result.get_response().id,
            result.as_numpy("double").tolist(),
            [word.decode() for word in result.as_numpy("word")],
        ]
    result = client.infer("twice", [tensor("x", np.array([[1, 2]], np.float16), "FP16")])
    report["half"] = [str(result.as_numpy("result").dtype), result.as_numpy("result").tolist()]
    result = client.infer("twice", [tensor("x", np.zeros((0, 3)), "FP64")])
    report["empty"] = list(result.as_numpy("result").shape)
    try:
        client.infer("none", inputs)
    except InferenceServerException as error:
        report["error"] = [error.status(), error.message()]
    report["stream"] = streamed(client)
    json.dump(report, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()

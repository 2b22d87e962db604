"""Calls a service with Triton's two clients: `python triton_tokens.py HTTP GRPC TOKEN`.

HTTP and GRPC are HOST:PORT. Prints what each gets with the token, and without it.
"""

import json
import sys
from typing import Any

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException


def report(library: Any, address: str, token: str) -> dict[str, Any]:
    """Call a service with one of the clients."""
    client = library.InferenceServerClient(address)
    tensor = library.InferInput("x", [1, 2], "FP64")
    tensor.set_data_from_numpy(np.array([[1.5, 2.5]]))
    headers = {"authorization": f"Bearer {token}"}  # gRPC: in small letters
    result = client.infer("twice", [tensor], headers=headers).as_numpy("result")
    described = client.get_model_metadata("twice", headers=headers)
    try:
        client.infer("twice", [tensor])
    except InferenceServerException as error:
        refusal = [error.status(), error.message()]
    return {
        "live": client.is_server_live(),
        "name": described["name"] if isinstance(described, dict) else described.name,
        "result": result.tolist(),
        "refusal": refusal,
    }


if __name__ == "__main__":
    http, grpc, token = sys.argv[1:]
    reports = {
        "http": report(tritonclient.http, http, token),
        "grpc": report(tritonclient.grpc, grpc, token),
    }
    json.dump(reports, sys.stdout)

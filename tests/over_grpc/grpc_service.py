"""A service with gRPC, and a client that is built from its reflection alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from grpc_status import rpc_status

import tensor_targets
from commands import free_port
from services import Service, serve
from tensor_targets import MODEL

SERVICE = "inference.GRPCInferenceService"
TIMEOUT = 30.0
MODELS = ["score", "twice", "table", "shout", "add", "worker", "wait", "hasty", "broken", "down"]
APP = (
    tensor_targets.APP
    + """
import os
import time


@registry.target(returns=mmf.Integer())
def add(left=mmf.Integer(), right=mmf.Integer(default=1)):
    return left + right


@registry.target(returns=mmf.Integer())
def worker():
    return os.getpid()


@registry.target(returns=mmf.Integer(), max_concurrency=1)
def wait(file=mmf.String()):
    with open(file + ".started", "a") as started:
        started.write("x")
    while not os.path.exists(file):
        time.sleep(0.01)
    return 1


@registry.target(returns=mmf.Integer(), timeout=0.2)
def hasty():
    time.sleep(0.5)
    return 1


@registry.target(returns=mmf.Integer())
def broken():
    raise RuntimeError("a secret of the author")


@registry.target(returns=mmf.Integer())
def down():
    raise mmf.Unavailable("the feature store does not respond", retry_after=7)


@registry.target(returns=mmf.Stream(mmf.String()))
def words():
    yield "one"


app = create_app(registry)
"""
)


class Stub:
    """Calls the methods of a service with the descriptors of its reflection."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel
        self.services = ProtoReflectionDescriptorDatabase(channel)
        self.pool = DescriptorPool(self.services)

    def message(self, name: str) -> Any:
        """Return the class of a message."""
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))

    def method(self, name: str, service: str = SERVICE) -> Any:
        """Return a callable for a method, and the class of its request."""
        descriptor = self.pool.FindServiceByName(service).methods_by_name[name]
        kind = {
            (False, False): "unary_unary",
            (False, True): "unary_stream",
            (True, True): "stream_stream",
        }[descriptor.client_streaming, descriptor.server_streaming]
        request, response = descriptor.input_type, descriptor.output_type
        return getattr(self.channel, kind)(
            f"/{service}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(response).FromString,
        ), message_factory.GetMessageClass(request)

    def call(self, method: str, /, *, metadata: Any = (), **fields: Any) -> Any:
        """Call a method with the fields of its message."""
        call, request = self.method(method)
        return call(request(**fields), timeout=TIMEOUT, metadata=metadata)

    def request(self, model: str, **more: Any) -> Any:
        """Return a ModelInferRequest without inputs."""
        return self.message("inference.ModelInferRequest")(model_name=model, **more)

    def infer(self, request: Any, **options: Any) -> Any:
        """Call ModelInfer."""
        call, _ = self.method("ModelInfer")
        return call(request, **{"timeout": TIMEOUT, **options})

    def raw(self, model: str, *tensors: tuple[str, str, Any], **more: Any) -> Any:
        """Return a request with raw contents."""
        request = self.request(model, **more)
        for name, datatype, values in tensors:
            array = np.asarray(values)
            request.inputs.add(name=name, datatype=datatype, shape=array.shape)
            request.raw_input_contents.append(array.tobytes())
        return request

    def typed(self, model: str, name: str, datatype: str, shape: Any, **contents: Any) -> Any:
        """Return a request with the typed contents of one input."""
        request = self.request(model)
        request.inputs.add(name=name, datatype=datatype, shape=shape, contents=contents)
        return request

    def assert_refused(self, request: Any, code: grpc.StatusCode, *words: str) -> Any:
        """Check that a request is refused with this code and these words; return the error."""
        with pytest.raises(grpc.RpcError) as refused:
            self.infer(request)
        error = refused.value
        assert error.code() is code, error
        for word in words:
            assert word in error.details(), error.details()
        return error


def violations(error: Any) -> list[tuple[str, str]]:
    """Return the field and description of each violation in an error's google.rpc.BadRequest."""
    from google.rpc import error_details_pb2

    status = rpc_status.from_call(error)
    assert status is not None
    (detail,) = status.details
    request = error_details_pb2.BadRequest()
    assert detail.Unpack(request)
    return [(violation.field, violation.description) for violation in request.field_violations]


def values(response: Any, index: int = 0) -> np.ndarray:
    """Return an output whose contents are raw."""
    types = {"FP64": "<f8", "FP32": "<f4", "FP16": "<f2", "INT64": "<i8", "INT32": "<i4"}
    output = response.outputs[index]
    array = np.frombuffer(response.raw_output_contents[index], types[output.datatype])
    return array.reshape(list(output.shape))


@contextmanager
def running(folder: Path, app: str = APP, **settings: str) -> Iterator[tuple[Service, int]]:
    """Serve an application; yield the service and its gRPC port, and print its log."""
    (folder / "model.bin").write_bytes(MODEL)
    port = free_port()
    try:
        with (
            Path(folder, "log").open("wb") as log,
            serve(
                "gunicorn", folder, log, app, **{"MMF_GRPC_PORT": str(port)} | settings
            ) as service,
        ):
            yield service, port
    finally:
        print(Path(folder, "log").read_text(encoding="utf-8"))


@contextmanager
def connected(port: int, **options: Any) -> Iterator[Stub]:
    """Yield a client with a connection of its own."""
    options = {
        "grpc.use_local_subchannel_pool": 1,
        "grpc.max_receive_message_length": -1,
        **options,
    }
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[*options.items()]) as channel:
        yield Stub(channel)

"""Calls over gRPC by a client that is built from the service's reflection."""

import json
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_service import MODELS, SERVICE, Stub, values, violations

from commands import wait_until
from mmf_core import __version__
from services import Service
from tensor_targets import VERSION

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
Served = tuple[Service, int, Path]


def log_lines(log: Path, request_id: str) -> list[dict[str, Any]]:
    """Return the log lines of a request."""
    entries = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in entries if line["request_id"] == request_id]


# Server and models


def test_reflection_lists_the_services(stub: Stub) -> None:
    assert set(stub.services.get_services()) == {
        SERVICE,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


def test_server_is_live_and_has_metadata(stub: Stub) -> None:
    assert stub.call("ServerLive").live
    assert stub.call("ServerReady").ready
    metadata = stub.call("ServerMetadata")
    assert (metadata.name, metadata.version) == ("mmf-flask", __version__)


def test_every_target_with_one_result_is_a_model(stub: Stub) -> None:
    index = stub.call("RepositoryIndex").models
    assert [model.name for model in index] == MODELS
    assert {(model.version, model.state) for model in index} == {(VERSION, "READY")}
    metadata = stub.call("ModelMetadata", name="score")
    assert (metadata.name, list(metadata.versions), metadata.platform) == (
        "score",
        [VERSION],
        "mmf-flask",
    )
    assert [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in metadata.inputs] == [
        ("a", "FP64", [-1]),
        ("word", "BYTES", [-1]),
    ]


def test_model_is_ready_in_its_version_only(stub: Stub) -> None:
    assert stub.call("ModelReady", name="score").ready
    assert stub.call("ModelReady", name="score", version=VERSION).ready
    for name, version in (("none", ""), ("score", "another")):
        with pytest.raises(grpc.RpcError) as refused:
            stub.call("ModelReady", name=name, version=version)
        assert refused.value.code() is NOT_FOUND


def test_standard_health_service_reports_each_model(stub: Stub) -> None:
    health = health_pb2_grpc.HealthStub(stub.channel)
    for service in ("", SERVICE, "score"):
        response = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
        assert response.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as refused:
        health.Check(health_pb2.HealthCheckRequest(service="none"), timeout=10)
    assert refused.value.code() is NOT_FOUND
    statuses = health.List(health_pb2.HealthListRequest(), timeout=10).statuses
    assert {"", SERVICE, *MODELS} <= {*statuses}
    watch = health.Watch(health_pb2.HealthCheckRequest(service="none"), timeout=10)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()


# Tensors


def test_raw_inputs_get_raw_outputs(stub: Stub) -> None:
    x = np.arange(6.0).reshape(2, 3)
    response = stub.infer(stub.raw("twice", ("x", "FP64", x), id="7"))
    assert (response.model_name, response.model_version, response.id) == ("twice", VERSION, "7")
    (output,) = response.outputs
    assert (output.name, output.datatype, list(output.shape)) == ("result", "FP64", [2, 3])
    assert values(response).tolist() == (2 * x).tolist()


def test_typed_inputs_get_typed_outputs(stub: Stub) -> None:
    response = stub.infer(stub.typed("twice", "x", "INT32", [2, 1], int_contents=[1, -2]))
    (output,) = response.outputs
    assert (output.datatype, list(output.contents.int_contents)) == ("INT32", [2, -4])
    assert not response.raw_output_contents


@pytest.mark.parametrize(
    ("datatype", "field", "sent"),
    [
        ("BOOL", "bool_contents", [True, False]),
        ("INT8", "int_contents", [-128, 127]),
        ("INT64", "int64_contents", [-(2**63), 2**63 - 1]),
        ("UINT16", "uint_contents", [0, 65535]),
        ("UINT64", "uint64_contents", [0, 2**64 - 1]),
        ("FP32", "fp32_contents", [0.5, float("inf")]),
        ("FP64", "fp64_contents", [0.1, -0.0]),
        ("BYTES", "bytes_contents", ["вино".encode(), b""]),
    ],
)
def test_every_datatype_round_trips(stub: Stub, datatype: str, field: str, sent: list[Any]) -> None:
    request = stub.typed("table", "column", datatype, [2], **{field: sent})
    (output,) = stub.infer(request).outputs
    assert (output.name, list(output.shape)) == ("column", [2])
    assert list(getattr(output.contents, field)) == sent


def test_empty_contents_are_ignored_beside_raw_contents(stub: Stub) -> None:
    request = stub.raw("twice", ("x", "FP64", [[1.0]]))
    request.inputs[0].contents.SetInParent()
    assert values(stub.infer(request)).tolist() == [[2.0]]


def test_half_precision_needs_raw_contents(stub: Stub) -> None:
    response = stub.infer(stub.raw("twice", ("x", "FP16", np.array([[1, 2]], "<f2"))))
    assert response.outputs[0].datatype == "FP16"
    assert values(response).tolist() == [[2.0, 4.0]]
    typed = stub.typed("twice", "x", "FP16", [1], fp32_contents=[1.0])
    stub.assert_refused(typed, INVALID, "input x", "FP16", "raw_input_contents")


def test_raw_bytes_have_their_lengths(stub: Stub) -> None:
    request = stub.request("score")
    request.inputs.add(name="a", datatype="FP64", shape=[2])
    request.inputs.add(name="word", datatype="BYTES", shape=[2])
    request.raw_input_contents.append(np.array([1.5, 2.5]).tobytes())
    request.raw_input_contents.append(b"\x02\0\0\0ab\0\0\0\0")
    response = stub.infer(request)
    assert values(response).tolist() == [3.0, 5.0]
    assert response.outputs[1].parameters["content_type"].string_param == "str"
    assert response.raw_output_contents[1] == b"\x02\0\0\0ab\0\0\0\0"


def test_empty_batch_is_accepted(stub: Stub) -> None:
    response = stub.infer(stub.raw("twice", ("x", "FP64", np.zeros((0, 3)))))
    assert values(response).shape == (0, 3)
    (output,) = stub.infer(stub.typed("twice", "x", "FP64", [0, 3])).outputs
    assert (list(output.shape), list(output.contents.fp64_contents)) == ([0, 3], [])


def test_only_requested_outputs_are_returned(stub: Stub) -> None:
    request = stub.request("score", outputs=[{"name": "word"}, {"name": "double"}])
    request.inputs.add(name="a", datatype="FP64", shape=[1], contents={"fp64_contents": [1]})
    request.inputs.add(
        name="word", datatype="BYTES", shape=[1], contents={"bytes_contents": [b"x"]}
    )
    assert [output.name for output in stub.infer(request).outputs] == ["word", "double"]
    request.outputs.add(name="none")
    stub.assert_refused(request, INVALID, "unknown output none; available: double, word")


def test_scalars_are_inputs_or_parameters(stub: Stub) -> None:
    request = stub.typed("add", "left", "INT64", [1], int64_contents=[2])
    request.parameters["right"].int64_param = 40
    assert list(stub.infer(request).outputs[0].contents.int64_contents) == [42]


def test_call_without_inputs_gets_raw_outputs_for_triton_clients(stub: Stub) -> None:
    assert values(stub.infer(stub.request("worker"))).size == 1


# Errors


def test_inputs_of_different_lengths_are_refused(stub: Stub) -> None:
    request = stub.raw("table", ("a", "FP64", [1.0]), ("b", "FP64", [1.0, 2.0]))
    stub.assert_refused(request, INVALID, "expected columns of equal length, got 1 for a, 2 for b")


def test_invalid_values_are_located(stub: Stub) -> None:
    request = stub.request("score")
    request.inputs.add(
        name="a", datatype="BYTES", shape=[2], contents={"bytes_contents": [b"1", b"x"]}
    )
    request.inputs.add(
        name="word", datatype="BYTES", shape=[2], contents={"bytes_contents": [b"", b""]}
    )
    error = stub.assert_refused(request, INVALID, "row 1, column a")
    ((field, text),) = violations(error)
    assert field == "data[1].a"
    assert "number" in text


def test_thousand_errors_fit_into_the_metadata(stub: Stub) -> None:
    words = ["ошибка".encode() * 20] * 1000
    request = stub.request("score")
    request.inputs.add(name="a", datatype="BYTES", shape=[1000], contents={"bytes_contents": words})
    request.inputs.add(
        name="word", datatype="BYTES", shape=[1000], contents={"bytes_contents": words}
    )
    assert violations(stub.assert_refused(request, INVALID))


@pytest.mark.parametrize(
    ("model", "version", "words"),
    [
        ("none", "", "unknown model none; available: score, twice"),
        ("twice", "another", f"unknown version another of twice; available: {VERSION}"),
    ],
)
def test_unknown_model_or_version_is_not_found(
    stub: Stub, model: str, version: str, words: str
) -> None:
    request = stub.raw(model, ("x", "FP64", [[1.0]]), model_version=version)
    stub.assert_refused(request, NOT_FOUND, words)


def test_invalid_contents_are_refused(stub: Stub) -> None:
    both = stub.typed("twice", "x", "FP64", [1], fp64_contents=[1.0])
    both.raw_input_contents.append(np.array([1.0]).tobytes())
    stub.assert_refused(both, INVALID, "contents or raw_input_contents, got both")
    fewer = stub.raw("table", ("a", "FP64", [1.0]), ("b", "FP64", [1.0]))
    del fewer.raw_input_contents[1]
    stub.assert_refused(fewer, INVALID, "each of the 2 inputs, or of none, got 1")
    other = stub.typed("twice", "x", "FP64", [1], fp32_contents=[1.0])
    stub.assert_refused(other, INVALID, "expected FP64 in fp64_contents, got fp32_contents")
    large = stub.typed("twice", "x", "INT8", [1], int_contents=[128])
    stub.assert_refused(large, INVALID, "a value does not fit INT8")
    short = stub.typed("twice", "x", "FP64", [2], fp64_contents=[1.0])
    stub.assert_refused(short, INVALID, "expected 2 values for shape [2], got 1")
    stub.assert_refused(
        stub.typed("twice", "x", "FLOAT", [1]), INVALID, "expected a datatype among"
    )
    stub.assert_refused(stub.typed("twice", "x", "FP64", [-1]), INVALID, "0 or more")


def test_missing_or_malformed_message_is_refused(stub: Stub) -> None:
    call = stub.channel.unary_unary(f"/{SERVICE}/ModelInfer")
    with pytest.raises(grpc.RpcError) as refused:
        call(b"\xff\xff", timeout=10)
    assert refused.value.code() is INVALID
    assert "inference.ModelInferRequest" in refused.value.details()
    no_message = stub.channel.stream_unary(f"/{SERVICE}/ModelInfer")
    with pytest.raises(grpc.RpcError) as refused:
        no_message(iter(()), timeout=10)
    assert refused.value.code() is INVALID


def test_streaming_target_refers_to_rest(stub: Stub) -> None:
    stub.assert_refused(stub.request("words"), INVALID, "use POST /words")


def test_null_output_is_refused(stub: Stub) -> None:
    cells = [b"null", b'"text"']
    request = stub.typed("table", "a", "BYTES", [2], bytes_contents=cells)
    request.inputs[0].parameters["content_type"].string_param = "pd_json"
    stub.assert_refused(request, INVALID, "output a", "null", "over HTTP")


def test_crash_reveals_no_details(stub: Stub, served: Served) -> None:
    request = stub.request("broken")
    error = stub.assert_refused(request, grpc.StatusCode.INTERNAL, "its log has the reason")
    assert "secret" not in str(error.details())
    request_id = dict(error.trailing_metadata())["x-request-id"]
    wait_until(lambda: any("secret" in str(line) for line in log_lines(served[2], request_id)))


def test_unavailable_upstream_is_unavailable_with_retry_after(stub: Stub) -> None:
    request = stub.request("down")
    error = stub.assert_refused(
        request, grpc.StatusCode.UNAVAILABLE, "the feature store does not respond"
    )
    assert dict(error.trailing_metadata())["retry-after"] == "7"


def test_timeout_of_a_target_is_deadline_exceeded(stub: Stub) -> None:
    stub.assert_refused(
        stub.request("hasty"), grpc.StatusCode.DEADLINE_EXCEEDED, "longer than 0.2 sec"
    )


@pytest.mark.parametrize("method", ["ModelInfer", "ServerLive"])
def test_message_over_the_size_limit_is_refused(stub: Stub, method: str) -> None:
    call = stub.channel.unary_unary(f"/{SERVICE}/{method}")
    with pytest.raises(grpc.RpcError) as refused:
        call(bytes(51 * 1024 * 1024), timeout=30)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_methods_are_not_served_over_http(served: Served) -> None:
    response = requests.post(f"{served[0].url}/{SERVICE}/ServerLive", timeout=10)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert SERVICE not in requests.get(f"{served[0].url}/openapi.json", timeout=10).text


# Metadata, log and metrics


def test_call_has_a_request_id_a_trace_and_a_log_line(stub: Stub, served: Served) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    metadata = [
        ("x-request-id", "my-own-id"),
        ("traceparent", f"00-{trace}-00f067aa0ba902b7-01"),
        ("content-encoding", "gzip"),  # ignored over gRPC
    ]
    call, _ = stub.method("ModelInfer")
    request = stub.raw("twice", ("x", "FP64", np.ones((5, 2))))
    _, completed = call.with_call(request, metadata=metadata, timeout=10)
    returned = dict(completed.trailing_metadata())
    assert returned["x-request-id"] == "my-own-id"
    assert returned["x-model-version"] == VERSION
    wait_until(lambda: log_lines(served[2], "my-own-id"))
    (line,) = log_lines(served[2], "my-own-id")
    assert (line["target"], line["status"], line["rows_in"]) == ("twice", 200, 5)
    assert (line["path"], line["trace_id"]) == (f"/{SERVICE}/ModelInfer", trace)
    assert (line["bytes_in"], line["model_version"]) == (request.ByteSize(), VERSION)


def test_calls_are_counted_by_their_protocol(stub: Stub, served: Served) -> None:
    stub.infer(stub.raw("twice", ("x", "FP64", [[1.0]])))
    metrics = requests.get(f"{served[0].url}/metrics", timeout=10).text
    assert 'mmf_requests_total{protocol="grpc",status="200",target="twice"}' in metrics


def test_cross_origin_call_is_refused(stub: Stub) -> None:
    call, _ = stub.method("ModelInfer")
    with pytest.raises(grpc.RpcError) as refused:
        call(stub.request("worker"), metadata=[("origin", "https://evil.example")], timeout=10)
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


# Streams


def test_stream_continues_after_an_error(stub: Stub) -> None:
    call, _ = stub.method("ModelStreamInfer")
    messages = [
        stub.raw("twice", ("x", "FP64", [[1.0]]), id="first"),
        stub.raw("none", ("x", "FP64", [[1.0]]), id="second"),
        stub.raw("twice", ("x", "FP64", [[3.0]]), id="third"),
    ]
    first, second, third = call(iter(messages), timeout=10)
    assert (first.infer_response.id, values(first.infer_response).tolist()) == ("first", [[2.0]])
    assert second.error_message.startswith("unknown model none")
    assert (third.infer_response.id, values(third.infer_response).tolist()) == ("third", [[6.0]])

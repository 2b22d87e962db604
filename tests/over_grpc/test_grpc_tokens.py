"""gRPC callers need the same tokens as HTTP callers, for the same targets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_service import SERVICE, Stub, connected, running
from grpc_status import rpc_status

from mmf_core.access.api_keys import hash_of, new_api_key
from mmf_core.grpc.messages import pool

KEY, LIMITED, EVERYTHING = new_api_key(), new_api_key(), new_api_key()
HEALTH = "grpc.health.v1.Health"
REFLECTION = "grpc.reflection.v1alpha.ServerReflection"
OPEN = {
    *((SERVICE, name) for name in ("ServerLive", "ServerReady")),
    *((HEALTH, name) for name in ("Check", "Watch")),  # of the whole server
    (REFLECTION, "ServerReflectionInfo"),
}
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stub, Path]]:
    """Yield a client of a service whose callers need tokens, and the log of the service."""
    folder = tmp_path_factory.mktemp("protected")
    keys = (
        f"ci {hash_of(KEY)} targets=twice groups=predict;"
        f"rare {hash_of(LIMITED)} targets=twice groups=predict rate=2/day;"
        f"all {hash_of(EVERYTHING)} targets=* groups=predict"
    )
    with running(folder, MMF_API_KEYS=keys) as (_, port), connected(port) as stub:
        yield stub, folder / "log"


def bearer(*keys: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {key}") for key in keys]


def error_of(stub: Stub, method: str, *keys: str, **fields: Any) -> grpc.RpcError | None:
    """Call a method; return its error, if any."""
    try:
        stub.call(method, metadata=bearer(*keys), **fields)
    except grpc.RpcError as error:
        return error
    return None


def code_of(stub: Stub, method: str, *keys: str, **fields: Any) -> grpc.StatusCode:
    error = error_of(stub, method, *keys, **fields)
    return error.code() if error else grpc.StatusCode.OK


def test_call_needs_a_token_for_its_target(protected: tuple[Stub, Path]) -> None:
    stub, log = protected
    for keys, code in (
        ([KEY], grpc.StatusCode.OK),
        ([], UNAUTHENTICATED),
        ([f"{KEY}x"], UNAUTHENTICATED),
        ([KEY, KEY], grpc.StatusCode.INVALID_ARGUMENT),
    ):
        assert code_of(stub, "ModelMetadata", *keys, name="twice") is code, keys
    for method in ("ModelMetadata", "ModelReady"):
        code = code_of(stub, method, KEY, name="score")
        assert code is grpc.StatusCode.PERMISSION_DENIED, method
        code = code_of(stub, method, KEY, name="a target that is not there")
        assert code is grpc.StatusCode.PERMISSION_DENIED, method
    assert stub.infer(stub.raw("twice", ("x", "FP64", [1.0, 2.0])), metadata=bearer(KEY)).outputs
    with pytest.raises(grpc.RpcError) as refused:
        stub.infer(stub.raw("score", ("x", "FP64", [1.0, 2.0])), metadata=bearer(KEY))
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert KEY not in log.read_text()
    assert "refused ci" in log.read_text()


def test_caller_sees_its_targets_only(protected: tuple[Stub, Path]) -> None:
    stub, _ = protected
    index = stub.call("RepositoryIndex", metadata=bearer(KEY)).models
    assert [model.name for model in index] == ["twice"]
    health = health_pb2_grpc.HealthStub(stub.channel)
    statuses = health.List(health_pb2.HealthListRequest(), metadata=bearer(KEY), timeout=10)
    assert {*statuses.statuses} == {"", SERVICE, "twice"}


def methods() -> list[tuple[str, str]]:
    """Return every method that the descriptors of the service and of reflection describe."""
    described = [
        (service, method.name)
        for service in (SERVICE, HEALTH)
        for method in pool().FindServiceByName(service).methods
    ]
    return [*described, (REFLECTION, "ServerReflectionInfo")]


def test_every_service_is_described(protected: tuple[Stub, Path]) -> None:
    stub, _ = protected
    assert {*stub.services.get_services()} == {service for service, _ in methods()}
    assert {*methods()} > OPEN


@pytest.mark.parametrize(("service", "method"), methods())
@pytest.mark.parametrize("keys", [[], ["a.b.c"], [f"{KEY}x"]], ids=["none", "forged", "wrong"])
def test_every_method_needs_a_token_or_is_open(
    protected: tuple[Stub, Path], service: str, method: str, keys: list[str]
) -> None:
    stub, _ = protected
    call = stub.channel.stream_stream(f"/{service}/{method}")
    responses = call(iter([b""]), metadata=bearer(*keys), timeout=10)
    if (service, method) in OPEN:
        assert next(responses) is not None
        responses.cancel()
    else:
        with pytest.raises(grpc.RpcError) as refused:
            next(responses)
        assert refused.value.code() is UNAUTHENTICATED


# Health by a target's name


def health_of(stub: Stub, name: str, keys: list[str], method: str) -> tuple[Any, str]:
    """Return the health of a service and no text, or the error's code and text."""
    call = getattr(health_pb2_grpc.HealthStub(stub.channel), method)
    request = health_pb2.HealthCheckRequest(service=name)
    try:
        response = call(request, metadata=bearer(*keys), timeout=10)
        if method == "Watch":
            response, watch = next(response), response
            watch.cancel()
    except grpc.RpcError as error:
        return error.code(), str(error.details()).replace(name, "NAME")
    return response.status, ""


@pytest.mark.parametrize("method", ["Check", "Watch"])
def test_health_reveals_targets_only_to_callers_allowed_to_use_them(
    protected: tuple[Stub, Path], method: str
) -> None:
    stub, _ = protected
    for name in ("", SERVICE):
        assert health_of(stub, name, [], method) == (1, "")
    for keys, code in (([], UNAUTHENTICATED), ([KEY], grpc.StatusCode.PERMISSION_DENIED)):
        hidden = health_of(stub, "score", keys, method)
        assert hidden[0] is code
        assert hidden == health_of(stub, "nothing", keys, method)
    assert health_of(stub, "twice", [], method)[0] is UNAUTHENTICATED
    assert health_of(stub, "twice", [KEY], method) == (1, "")
    assert health_of(stub, "score", [EVERYTHING], method) == (1, "")
    unknown = 3 if method == "Watch" else grpc.StatusCode.NOT_FOUND
    assert health_of(stub, "nothing", [EVERYTHING], method)[0] == unknown


# Rates


def test_rate_covers_all_methods_and_has_a_retry_delay(
    protected: tuple[Stub, Path],
) -> None:
    stub, _ = protected
    request = stub.raw("twice", ("x", "FP64", [1.0]))
    call, _ = stub.method("ModelInfer")
    _, first = call.with_call(request, metadata=bearer(LIMITED), timeout=10)
    limits = {key: text for key, text in first.trailing_metadata() if key.startswith("ratelimit")}
    assert (limits["ratelimit-limit"], limits["ratelimit-remaining"]) == ("2", "1")
    assert limits["ratelimit-policy"] == "2;w=86400"
    assert stub.call("ModelReady", metadata=bearer(LIMITED), name="twice").ready
    for method, fields in (("ModelReady", {"name": "twice"}), ("RepositoryIndex", {})):
        error: Any = error_of(stub, method, LIMITED, **fields)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "more than 2 requests in 86400 seconds; try again in" in error.details()
        returned = dict(error.trailing_metadata())
        assert 80_000 < int(returned["retry-after"]) <= 86_400
        assert returned["ratelimit-remaining"] == "0"
        assert retry_delay(error) == int(returned["retry-after"])
    stream = stub.method("ModelStreamInfer")[0](
        iter([request]), metadata=bearer(LIMITED), timeout=10
    )
    assert "more than 2 requests" in next(stream).error_message


def retry_delay(error: Any) -> int:
    """Return the seconds in the google.rpc.RetryInfo of an error."""
    status = rpc_status.from_call(error)
    assert status is not None
    (detail,) = status.details
    retry = error_details_pb2.RetryInfo()
    assert detail.Unpack(retry)
    return int(retry.retry_delay.seconds)

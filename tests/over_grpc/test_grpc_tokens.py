"""Callers of gRPC need the same tokens as those of HTTP, for the same targets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_service import Stub, connected, running

from mmf_core.access.api_keys import hash_of, new_api_key

KEY = new_api_key()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stub, Path]]:
    """Give a client of a service whose callers need tokens, and its log."""
    folder = tmp_path_factory.mktemp("guarded")
    keys = f"ci {hash_of(KEY)} targets=twice groups=predict"
    with running(folder, MMF_API_KEYS=keys) as (_, port), connected(port) as stub:
        yield stub, folder / "log"


def code_of(stub: Stub, method: str, *keys: str, **fields: Any) -> grpc.StatusCode:
    call, request = stub.method(method)
    metadata = [("authorization", f"Bearer {key}") for key in keys]
    try:
        call(request(**fields), metadata=metadata, timeout=30)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_a_call_needs_a_token_for_its_target(guarded: tuple[Stub, Path]) -> None:
    stub, log = guarded
    asked = {"name": "twice"}
    assert code_of(stub, "ModelMetadata", KEY, **asked) is grpc.StatusCode.OK
    assert code_of(stub, "ModelMetadata", **asked) is grpc.StatusCode.UNAUTHENTICATED
    assert code_of(stub, "ModelMetadata", f"{KEY}x", **asked) is grpc.StatusCode.UNAUTHENTICATED
    assert code_of(stub, "ModelMetadata", KEY, KEY, **asked) is not grpc.StatusCode.OK
    for method in ("ModelMetadata", "ModelReady"):
        code = code_of(stub, method, KEY, name="score")
        assert code is grpc.StatusCode.PERMISSION_DENIED, method
        code = code_of(stub, method, KEY, name="a target that is not there")
        assert code is grpc.StatusCode.PERMISSION_DENIED, method
    call, _ = stub.method("ModelInfer")
    for model, code in (("twice", None), ("score", grpc.StatusCode.PERMISSION_DENIED)):
        request = stub.raw(model, ("x", "FP64", [1.0, 2.0]))
        bearer = [("authorization", f"Bearer {KEY}")]
        if code is None:
            assert call(request, metadata=bearer, timeout=30).outputs
        else:
            with pytest.raises(grpc.RpcError) as refused:
                call(request, metadata=bearer, timeout=30)
            assert refused.value.code() is code
    assert KEY not in log.read_text()
    assert "refused ci" in log.read_text()


def test_a_caller_sees_its_targets_only(guarded: tuple[Stub, Path]) -> None:
    stub, _ = guarded
    call, request = stub.method("RepositoryIndex")
    bearer = [("authorization", f"Bearer {KEY}")]
    assert [model.name for model in call(request(), metadata=bearer, timeout=30).models] == [
        "twice"
    ]


def test_whether_it_lives_is_open(guarded: tuple[Stub, Path]) -> None:
    stub, _ = guarded
    assert stub.ask("ServerLive").live
    assert stub.ask("ServerReady").ready

"""Memory for parsing a message: its measured growth, and messages that are refused."""

import subprocess
import sys
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_service import SERVICE, Stub, connected, running

from baking import PAYLOAD
from cpu_time import at_most
from mmf_core.codecs import MemoryBudget, max_memory
from mmf_core.errors import BodyTooLarge
from mmf_core.grpc.message_size import LARGEST_GROWTH, MAX_FIELDS, check_message_size
from mmf_core.settings import MIB

SIZE = 8 * MIB
LIMITS = {"max_body": 1 * MIB}  # an eighth of the size of a message here
RAW, INPUTS, OUTPUTS, PARAMETERS = 7, 5, 6, 4
MEASURE = """
import sys
from mmf_core.grpc.messages import message_class
from mmf_core.processes import resident

request = message_class("inference.ModelInferRequest")
data = sys.stdin.buffer.read()
before = resident()
message = request.FromString(data)
print((resident() - before) / len(data))
"""


def field(number: int, content: bytes) -> bytes:
    """Write a field with a length."""
    length, size = b"", len(content)
    while size > 0x7F:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def map_entries(number: int, size: int) -> bytes:
    """Write map entries of `size` bytes in all, with different names."""
    return b"".join(field(number, field(1, b"%07x" % key)) for key in range(size // 11))


GROWING = {
    "empty inputs": field(INPUTS, b"") * (SIZE // 2),
    "empty outputs": field(OUTPUTS, b"") * (SIZE // 2),
    "empty raw contents": field(RAW, b"") * (SIZE // 2),
    "parameters": map_entries(PARAMETERS, SIZE),
    "parameters of an input": field(INPUTS, map_entries(4, SIZE)),
    "a long shape": field(INPUTS, field(3, b"\1" * SIZE)),
    "INT64": field(INPUTS, field(5, field(3, b"\1" * SIZE))),
    "BYTES": field(INPUTS, field(5, field(8, b"") * (SIZE // 2))),
}
"""Messages that are many times larger when parsed."""
LEGITIMATE = {
    "raw contents": field(INPUTS, field(1, b"x")) + field(RAW, bytes(SIZE)),
    "FP64": field(INPUTS, field(5, field(7, bytes(SIZE)))),
    "FP32": field(INPUTS, field(1, b"x") + field(5, field(6, bytes(SIZE)))),
    "BOOL": field(INPUTS, field(5, field(1, bytes(SIZE)))),
    "the widest table": field(INPUTS, field(1, b"name") + field(2, b"FP64") + field(3, b"\1"))
    * 16_384
    + field(RAW, bytes(8)) * 16_384,
}


@pytest.mark.parametrize("name", GROWING)
@pytest.mark.long
def test_measured_growth_is_bounded(name: str) -> None:
    command = [sys.executable, "-c", MEASURE]
    done = subprocess.run(
        command,
        input=GROWING[name],
        env={"PYTHONPATH": str(PAYLOAD), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=True,
    )
    growth = float(done.stdout)
    assert growth <= LARGEST_GROWTH
    budget = MemoryBudget("message", {"max_body": int(growth * SIZE / 12)})
    with pytest.raises(BodyTooLarge):  # its estimate is at least the measured growth
        check_message_size(GROWING[name], budget, LIMITS)


@pytest.mark.parametrize("name", GROWING)
def test_growing_message_is_refused(name: str) -> None:
    with at_most(seconds=2), pytest.raises(BodyTooLarge):
        check_message_size(GROWING[name], MemoryBudget("message", LIMITS), LIMITS)


@pytest.mark.parametrize("name", LEGITIMATE)
def test_legitimate_message_is_accepted(name: str) -> None:
    with at_most(seconds=2):
        check_message_size(LEGITIMATE[name], MemoryBudget("message", LIMITS), LIMITS)


@pytest.mark.parametrize("tail", [b"", b"\x2a", b"\x2a\xff\xff\xff\xff\x0f", b"\xff" * 20, b"\x2b"])
def test_malformed_messages_are_left_to_the_parser(tail: bytes) -> None:
    check_message_size(field(RAW, bytes(SIZE)) + tail, MemoryBudget("message", LIMITS), LIMITS)


def test_small_messages_are_not_inspected() -> None:
    size = max_memory(LIMITS) // LARGEST_GROWTH
    check_message_size(b"\x2a\0" * (size // 2), MemoryBudget("message", LIMITS), LIMITS)
    assert size // 2 > MAX_FIELDS / 2


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Yield a client of a service whose bodies may have 1 MiB."""
    folder = tmp_path_factory.mktemp("small")
    with running(folder, MMF_MAX_BODY_MIB="1") as (_, port), connected(port) as stub:
        yield stub


def test_service_refuses_growing_messages(small: Stub) -> None:
    call = small.channel.unary_unary(f"/{SERVICE}/ModelInfer")
    with pytest.raises(grpc.RpcError) as refused:
        call(field(INPUTS, b"") * 400_000, timeout=30)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "send it in smaller pieces" in refused.value.details()
    many = small.typed("table", "a", "BYTES", [120_000], bytes_contents=[b""] * 120_000)
    small.assert_refused(many, grpc.StatusCode.RESOURCE_EXHAUSTED, "could take more than 12 MiB")


def test_compressed_message_is_limited_by_its_decompressed_size(small: Stub) -> None:
    request = small.raw("twice", ("x", "FP64", np.zeros((1000, 13))))
    assert small.infer(request, compression=grpc.Compression.Gzip).outputs
    bomb = small.raw("twice", ("x", "FP64", np.zeros((100_000, 13))))
    with pytest.raises(grpc.RpcError) as refused:
        small.infer(bomb, compression=grpc.Compression.Gzip)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED

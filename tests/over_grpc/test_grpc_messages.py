"""Messages: compiled from their sources, in a separate descriptor pool."""

import subprocess
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool

import mmf_core
from baking import PAYLOAD, ROOT
from commands import make_environment
from grpc_descriptors import DESCRIPTORS, compile_to
from mmf_core.errors import LONGEST_MESSAGE, ErrorDetail
from mmf_core.grpc.messages import message_class, pool
from mmf_core.grpc.statuses import MAX_DETAILS, MAX_MESSAGE, code_of, error_status
from mmf_core.web.protocols import ErrorReport

CLIENTS = ROOT / "tests" / "clients" / "requirements.txt"
BESIDE_TRITON = """
import numpy
from google import protobuf
from tritonclient.grpc import InferInput, service_pb2

from mmf_core.grpc.messages import message_class

theirs = service_pb2.ModelInferRequest(model_name="score", id="7")
theirs.inputs.add(name="x", datatype="FP64", shape=[2]).parameters["a"].double_param = 0.5
theirs.raw_input_contents.append(numpy.array([1.0, 2.0]).tobytes())
data = theirs.SerializeToString(deterministic=True)
ours = message_class("inference.ModelInferRequest").FromString(data)
assert ours.SerializeToString(deterministic=True) == data
assert ours.DESCRIPTOR.file.pool is not theirs.DESCRIPTOR.file.pool
response = message_class("inference.ModelStreamInferResponse")(infer_response={"id": "7"})
read = service_pb2.ModelStreamInferResponse.FromString(response.SerializeToString())
assert read.infer_response.id == "7"
print(protobuf.__version__.partition(".")[0])
"""


def test_descriptors_match_their_sources(tmp_path: Path) -> None:
    compiled = tmp_path / "descriptors.binpb"
    compile_to(compiled)
    assert compiled.read_bytes() == DESCRIPTORS.read_bytes(), "run make grpc"


def test_messages_are_not_in_the_default_pool() -> None:
    assert list(Path(mmf_core.__file__).parent.rglob("*_pb2*")) == []
    assert message_class("inference.ModelInferRequest").DESCRIPTOR.file.pool is pool()
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("inference.ModelInferRequest")


@pytest.mark.long
def test_triton_messages_coexist_with_ours_in_an_older_protobuf() -> None:
    python = make_environment("clients", CLIENTS) / "python"
    done = subprocess.run(
        [python, "-c", BESIDE_TRITON],
        env={"PYTHONPATH": str(PAYLOAD), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("6\n", 0), done.stderr


# Errors


def test_unknown_statuses_have_the_code_of_their_class() -> None:
    assert [code_of(status) for status in (418, 451, 507, 599)] == [3, 3, 13, 13]


@pytest.mark.parametrize("letter", ["a", "я", "\N{GRINNING FACE}"])
def test_error_fits_into_a_header(letter: str) -> None:
    detail = ErrorDetail(letter * LONGEST_MESSAGE, where="data", row=3, column=letter * 200)
    report = ErrorReport(422, letter * LONGEST_MESSAGE, [detail.as_dict()] * 20)
    data = error_status(report)
    status = message_class("google.rpc.Status").FromString(data)
    assert status.code == 3
    assert status.message.startswith(letter)
    assert len(status.message.encode()) <= MAX_MESSAGE + 3
    assert len(data) <= MAX_MESSAGE + MAX_DETAILS + 100


def test_field_violations_locate_errors() -> None:
    places = [
        ErrorDetail("wrong"),
        ErrorDetail("wrong", where="data"),
        ErrorDetail("wrong", where="data", row=0),
        ErrorDetail("wrong", where="data", row=2, column="a"),
        ErrorDetail("wrong", column="a"),
    ]
    report = ErrorReport(422, "wrong", [place.as_dict() for place in places])
    status = message_class("google.rpc.Status").FromString(error_status(report))
    request = message_class("google.rpc.BadRequest").FromString(status.details[0].value)
    fields = [violation.field for violation in request.field_violations]
    assert fields == ["", "data", "data[0]", "data[2].a", "a"]

"""The programs of docs/grpc.md run as printed, against the service on the page."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from grpc_service import running

from baking import ROOT
from commands import make_environment
from mmf_core.grpc.statuses import CODES
from test_docs_formats import APP, fences

PAGE = ROOT / "docs" / "grpc.md"
CLIENTS = ROOT / "tests" / "clients" / "requirements.txt"
CODE_NAMES = {
    1: "CANCELLED",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    16: "UNAUTHENTICATED",
}


def run_clients(folder: Path, subtests: pytest.Subtests, *, with_triton: bool) -> int:
    """Run the page's programs that use Triton's client, or the others; return their number."""
    _, main, weights, *blocks = fences(PAGE)
    (folder / "main.py").write_text(main.text, encoding="utf-8")
    (folder / "weights.json").write_text(weights.text, encoding="utf-8")
    programs = [
        (program, output)
        for program, output in zip(blocks[::2], blocks[1::2], strict=True)
        if ("tritonclient" in program.text) == with_triton
    ]
    python = make_environment("clients", CLIENTS) / "python" if with_triton else sys.executable
    with running(folder, APP, WEB_CONCURRENCY="1") as (_, port):
        for program, output in programs:
            with subtests.test(program.text.splitlines()[0]):
                assert (program.language, output.language) == ("python", "text")
                code = re.sub(r"\b8001\b", str(port), program.text)
                command = [str(python), "-W", "ignore", "-c", code]
                done = subprocess.run(
                    command, capture_output=True, text=True, timeout=120, check=False
                )
                assert done.stdout == output.text, done.stderr
    return len(programs)


def test_grpc_clients_print_the_output_on_the_page(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    assert run_clients(tmp_path, subtests, with_triton=False) == 2


@pytest.mark.long
def test_triton_client_prints_the_output_on_the_page(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    assert run_clients(tmp_path, subtests, with_triton=True) == 1


def test_page_lists_the_status_codes() -> None:
    rows = re.findall(r"(?m)^\| ([\d, ]+) \| ([A-Z_]+) \|", PAGE.read_text(encoding="utf-8"))
    shown = {int(status): code for statuses, code in rows for status in statuses.split(", ")}
    unlisted = {405, 409, 501}  # no gRPC method returns these
    assert shown == {
        status: CODE_NAMES[code] for status, code in CODES.items() if status not in unlisted
    }

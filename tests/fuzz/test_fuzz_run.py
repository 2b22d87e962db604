"""`make fuzz` on a small scale: it keeps a corpus, and exits with 1 for each kind of failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from baking import PAYLOAD

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="atheris is for Linux only"),
]
HERE = Path(__file__).parent
FAULTS = """
import sys
import time
import decoders
def check(body):
    if b"slow" in body:
        began = time.process_time()
        while time.process_time() < began + 6:
            pass
    if b"large" in body:
        bytearray(1 << 30)
        bytearray(b"1") * (1 << 30)
    if b"raise" in body:
        raise LookupError
    return True
decoders.DECODERS["broken"] = decoders.Decoder("broken", (WORD.encode(),), check)
import guided, fuzz_run
from pathlib import Path
fuzz_run.FOLDER = Path("fuzz")
sys.exit(fuzz_run.main(0.03, ["broken"]))
"""


def fuzz(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the folder of the fuzzer."""
    path = os.pathsep.join(map(str, (PAYLOAD, HERE.parent, HERE)))
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "MINUTES": "0.03"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("word", ["slow", "large", "raise"])
def test_failure_is_saved_with_its_body(word: str, tmp_path: Path) -> None:
    ended = fuzz(tmp_path, "-c", f"WORD = {word!r}\n{FAULTS}")
    assert ended.returncode == 1, ended.stderr
    (about,) = tmp_path.glob("fuzz/broken/failures/*.txt")
    assert word.encode() in about.with_suffix("").read_bytes()


def test_valid_decoder_leaves_a_corpus(tmp_path: Path) -> None:
    ended = fuzz(tmp_path, "-c", f"WORD = 'fine'\n{FAULTS}")
    assert (ended.returncode, "no faults" in ended.stdout) == (0, True), ended.stderr
    assert any(tmp_path.glob("fuzz/broken/corpus/*"))


def test_unknown_decoder_is_named() -> None:
    ended = fuzz(HERE, str(HERE / "fuzz_run.py"), "nonsense")
    assert ended.returncode == 1
    assert "expected ONLY to be among table-csv" in ended.stderr

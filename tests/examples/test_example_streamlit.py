"""examples/streamlit: the page, run by Streamlit's own AppTest before a real service."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from baking import PAYLOAD, ROOT
from commands import LONGEST_COMMAND
from services import Service

EXAMPLE = ROOT / "examples" / "streamlit"


@pytest.mark.long
def test_the_page_has_files_predicted(
    tmp_path: Path,
    sample_service: Service,
    example_environment: Callable[[str], Path],
    figure: Callable[[str, float, str], None],
) -> None:
    programs = example_environment("streamlit")
    folder = shutil.copytree(EXAMPLE, tmp_path / "page")
    shutil.copy(PAYLOAD / "mmf_core" / "client.py", folder)
    began = time.monotonic()
    done = subprocess.run(
        [programs / "python", "-m", "unittest"],
        cwd=folder,
        env={"MODEL_SERVICE": sample_service.url, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=LONGEST_COMMAND,
        check=False,
    )
    figure("two files uploaded to the page", time.monotonic() - began, "s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ran 2 tests" in done.stderr

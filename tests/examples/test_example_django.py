"""examples/django: its own tests on Django's live server, before a real service."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from baking import PAYLOAD, ROOT
from commands import LONGEST_COMMAND
from services import Service

EXAMPLE = ROOT / "examples" / "django"


@pytest.mark.long
def test_the_page_has_workbooks_predicted(
    tmp_path: Path,
    sample_service: Service,
    example_environment: Callable[[str], Path],
    figure: Callable[[str, float, str], None],
) -> None:
    programs = example_environment("django")
    site = shutil.copytree(EXAMPLE, tmp_path / "site")
    shutil.copy(PAYLOAD / "mmf_core" / "client.py", site / "front")
    began = time.monotonic()
    done = subprocess.run(
        [programs / "python", "-W", "error", "manage.py", "test"],
        cwd=site,
        env={"MODEL_SERVICE": sample_service.url},
        capture_output=True,
        text=True,
        timeout=LONGEST_COMMAND,
        check=False,
    )
    figure("five uploads on Django's live server", time.monotonic() - began, "s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ran 5 tests" in done.stderr

"""A scrape while processes start and exit."""

import os
import subprocess
import sys
from pathlib import Path

from baking import PAYLOAD

SCRAPE = """
from pathlib import Path

from mmf_core.metrics import multiproc_dir

multiproc_dir.setup()
import mmf_core as mmf
from mmf_core.web import create_app

client = create_app(mmf.Registry()).test_client()
client.get("/health/live")
(multiproc_dir.slots().directory / "counter_7.db").touch()
response = client.get("/metrics")
print(response.status_code, "mmf_requests_total" in response.text)
"""


def test_scrape_skips_a_file_without_content(tmp_path: Path) -> None:
    variables = {"PYTHONPATH": str(PAYLOAD), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRAPE],
        env=os.environ | variables | {"MMF_LOG_LEVEL": "error"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["200", "True"], done.stdout + done.stderr

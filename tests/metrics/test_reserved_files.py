"""Metrics on a full file system: requests continue, and values with reserved space count."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from baking import PAYLOAD

FILL = """
import os, pathlib
filler = pathlib.Path(FOLDER, "filler")
def fill():
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
"""
COUNT = (
    FILL
    + """
import json, warnings
from mmf_core.metrics import multiproc_dir
multiproc_dir.setup()
if FULL_FROM_THE_START:
    fill()
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from mmf_core.metrics.routes import _CountsOfAll

def scrape():
    registry = CollectorRegistry()
    registry.register(_CountsOfAll(pathlib.Path(FOLDER)))
    lines = generate_latest(registry).decode().splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if line[0] != "#"}

counter = Counter("seen", "Seen.", ["label"])
gauge = Gauge("now", "Now.", multiprocess_mode="livesum")
pid = os.fork()
if not pid:
    counter.labels("early").inc()
    fill()
    counter.labels("early").inc()
    for number in range(2000):
        counter.labels(f"{number}" * 10).inc()
    gauge.inc(2)
    full = scrape()
    filler.unlink()
    for _ in range(2):
        for number in range(2000):
            counter.labels(f"{number}" * 10).inc()
    counter.labels("early").inc()
    print(json.dumps([full, scrape()]))
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
counter.labels("parent").inc()
"""
)


def run_on_small_file_system(folder: Path, code: str) -> Any:
    """Run code with a file system of a MiB at `folder`; return the JSON that it prints."""
    folder.mkdir()
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=1m none {folder}"
    if not shutil.which("unshare") or subprocess.run([*command, mount], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    done = subprocess.run(
        [*command, f'{mount} && exec "$@"', "sh", sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(PAYLOAD), "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    return json.loads(done.stdout)


@pytest.mark.parametrize("full_from_the_start", [False, True])
def test_counting_continues_on_a_full_file_system(
    tmp_path: Path, *, full_from_the_start: bool
) -> None:
    folder = tmp_path / "counts"
    variables = f"FOLDER, FULL_FROM_THE_START = {str(folder)!r}, {full_from_the_start}\n"
    full, after = run_on_small_file_system(folder, variables + COUNT)
    if not full_from_the_start:
        assert full['seen_total{label="early"}'] == 2
    assert len(full) < 2000
    assert after['seen_total{label="early"}'] == 3
    assert {after[f'seen_total{{label="{f"{number}" * 10}"}}'] for number in range(2000)} == {3}

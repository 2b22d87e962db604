"""Four workers hold one copy of each version of a model of 300 MB."""

from pathlib import Path

import numpy as np
import pytest
from rollout_services import APP, Rollout, write_plan

from mmf_core.processes import process_tree, pss
from services import serve

SIZE = 300_000_000
WORKERS = 4
MAIN = """
import numpy as np

import mmf_core as mmf


@mmf.artifact("model.npy")
def model():
    return np.load("model.npy")


@mmf.target(returns=mmf.Float())
def score(x=mmf.Float(example=1.0)):
    return float(model[::4096].sum()) + x
"""


def megabytes(rollout: Rollout) -> float:
    """Return the memory of all processes of the service; a page shared by n counts as 1/n."""
    return sum(map(pss, process_tree(rollout.service.process.pid))) / 1e6


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="only Linux has PSS")
def test_two_versions_in_four_workers(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "main.py").write_text(MAIN)
    for name, value in (("model.npy", 1.0), ("new.npy", 2.0)):
        np.save(folder / name, np.full(SIZE // 8, value))
    settings = {"MMF_ADMIN_HTTP": "1", "WEB_CONCURRENCY": str(WORKERS), "MMF_TASK_WORKERS": "0"}
    with (
        (tmp_path / "log").open("ab") as log,
        serve("gunicorn", folder, log, APP, new_interpreter=True, **settings) as service,
    ):
        rollout = Rollout(folder, service)
        single = megabytes(rollout)
        write_plan(folder, candidate={"traffic": 50, "artifacts": {"model.npy": "new.npy"}})
        rollout.until(candidate="v2", traffic=50)
        versions = {rollout.call(float(x)).headers["X-Model-Version"] for x in range(60)}
        assert "v2" in versions
        assert len(versions) == 2
        both = megabytes(rollout)
    print(f"one: {single:.0f} MB, both: {both:.0f} MB, {both / (2 * SIZE / 1e6):.2f} times both")
    assert both < 1.25 * 2 * SIZE / 1e6

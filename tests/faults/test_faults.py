"""Each fault in its short form: no response is wrong or unexpectedly lost.

`make soak` has the long form, for docs/reliability.md.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from all_faults import FAULTS
from fault_env import Fault, FaultEnv
from faults_page import PAGE
from task_faults import TASK_FAULTS, TaskEnv, TaskFault

from live_load import Live

RATE = 50.0
SHORT = [fault for fault in FAULTS if fault.short]
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="only Linux lists child processes"
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with FaultEnv(tmp_path_factory.mktemp("faults"), RATE, 1).service() as live:
        yield live


@pytest.mark.long
@pytest.mark.parametrize("fault", SHORT, ids=[fault.name for fault in SHORT])
def test_no_response_is_wrong_or_lost(fault: Fault, shared: Live, tmp_path: Path) -> None:
    if reason := fault.lacks():
        pytest.skip(reason)
    env = FaultEnv(tmp_path, RATE, fault.short, pause=0.3, shared=shared)
    fault.happen(env)
    assert env.tally.right > 0
    assert env.faults() == []
    print(env.note, env.tally.again, "sent again")


@pytest.mark.long
@pytest.mark.parametrize("fault", TASK_FAULTS, ids=[fault.happen.__name__ for fault in TASK_FAULTS])
def test_no_task_is_lost_or_run_too_often(fault: TaskFault, tmp_path: Path) -> None:
    if reason := fault.lacks():
        pytest.skip(reason)
    env = TaskEnv(tmp_path, 1.0)
    fault.happen(env)
    assert env.tally.count("succeeded") > 0
    assert [line for lines in env.tally.problems.values() for line in lines] == []


def test_page_lists_every_fault() -> None:
    page = PAGE.read_text(encoding="utf-8")
    titles = [fault.title for fault in (*FAULTS, *TASK_FAULTS)]
    assert [title for title in titles if f"\n| {title} |" not in page] == []

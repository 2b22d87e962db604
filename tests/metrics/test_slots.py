"""The slots that name the files of each process, and their use by prometheus_client."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from baking import PAYLOAD
from mmf_core.metrics.slots import Slots

if sys.platform == "win32":
    pytest.skip("slots are for servers that fork", allow_module_level=True)


@pytest.fixture
def slots(tmp_path: Path) -> Slots:
    return Slots(tmp_path / "counts")


def in_a_fork(work: Callable[[], int]) -> int:
    """Run `work` in a forked process; return its result, which is the exit code."""
    pid = os.fork()
    if not pid:
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_process_keeps_its_slot(slots: Slots) -> None:
    assert [slots.current(), slots.current()] == [0, 0]


def test_fork_takes_the_next_slot_and_its_successor_reuses_it(slots: Slots) -> None:
    slots.current()
    assert [in_a_fork(slots.current), in_a_fork(slots.current)] == [1, 1]
    assert in_a_fork(lambda: in_a_fork(slots.current) * 10 + slots.current()) == 11


def test_fork_leaves_its_parents_slot_locked(slots: Slots) -> None:
    slots.current()
    in_a_fork(lambda: 0)
    assert Slots(slots.directory).current() == 1


def test_killed_process_loses_its_gauges_and_is_not_a_worker(slots: Slots) -> None:
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        slots.publish_pid()
        for kind in ("gauge_livesum", "counter"):
            (slots.directory / f"{kind}_{slots.current()}.db").touch()
        os.write(writer, b"x")
        signal.pause()
    os.read(reader, 1)
    slots.clear_dead()
    assert list(slots.worker_pids()) == [pid]
    assert {file.name for file in slots.directory.glob("*.db")} == {
        "gauge_livesum_0.db",
        "counter_0.db",
    }
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    slots.clear_dead()
    assert list(slots.worker_pids()) == []
    assert [file.name for file in slots.directory.glob("*.db")] == ["counter_0.db"]


def test_fork_never_takes_the_slot_it_inherits(slots: Slots) -> None:
    """Its inherited values date from the fork, and would undo later counts."""
    parent_has_ended, parent_ends = os.pipe()
    result, report = os.pipe()

    def fork_and_end() -> int:
        slots.current()
        if os.fork():
            return 0
        os.close(parent_ends)
        os.read(parent_has_ended, 1)  # returns when all others have closed their end
        os.write(report, str(slots.current()).encode())
        os._exit(0)

    in_a_fork(fork_and_end)
    os.close(parent_ends)
    assert os.read(result, 8) == b"1"


def test_missing_directory_is_created(slots: Slots) -> None:
    assert not slots.directory.exists()
    assert slots.current() == 0
    assert slots.directory.stat().st_mode & 0o777 == 0o700


COUNTS = """
import os

from mmf_core.metrics import multiproc_dir

multiproc_dir.setup()
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

counter = Counter("seen", "Seen.")
counter.inc()
for _ in range(20):
    pid = os.fork()
    if not pid:
        counter.inc()
        os._exit(0)
    os.waitpid(pid, 0)
registry = CollectorRegistry()
MultiProcessCollector(registry)
print(sorted(file.name for file in multiproc_dir.slots().directory.glob("*.db")))
print(generate_latest(registry).decode())
"""


def test_prometheus_client_counts_by_slot(tmp_path: Path) -> None:
    variables = {"PYTHONPATH": str(PAYLOAD), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COUNTS],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines()[0] == "['counter_0.db', 'counter_1.db']"
    assert "seen_total 21.0" in done.stdout

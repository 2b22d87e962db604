"""Machine faults: a full disk, a clock that jumps, exhausted memory."""

import os
import resource
import struct
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
from fault_env import FaultEnv, fault, missing, processes, replace_model, save_model

from live_load import LONGEST, Live
from services import serve
from steady_load import MAIN

DAY = 24 * 60 * 60
MEGABYTE = 1024 * 1024
ROOM = 48 * MEGABYTE
CLOCK = Path(__file__).with_name("clock.c")
APP = """
from mmf_core.web import create_app

app = create_app("main")
"""


@fault("no room for logs from the start (`/dev/full`), in seconds", short=0, long=20)
def full_from_the_start(env: FaultEnv) -> None:
    """Start with standard output and standard error on a device that is always full."""
    (env.folder / "main.py").write_text(MAIN)
    save_model(env.folder)
    with (
        Path("/dev/full").open("wb") as full,
        serve("gunicorn", env.folder, full, APP) as service,
        env.load(service.port),
    ):
        time.sleep(env.times)


@fault("the log's disk is full for some seconds", short=2, long=20)
def full_for_a_while(env: FaultEnv) -> None:
    """Let no file grow for some seconds; after that lines are written again."""
    with env.service() as live, env.load(live.service.port):
        with limited(processes(live), resource.RLIMIT_FSIZE, lambda _: 0):
            size = len(live.log)
            time.sleep(env.times)
            assert len(live.log) == size
        time.sleep(env.pause)
        assert len(live.log) > size, "logging continues"


@fault("the log is truncated (`copytruncate`), then renamed", short=1, long=10)
def rotated_logs(env: FaultEnv) -> None:
    """Truncate the file behind standard output, as logrotate does."""
    with env.service(MMF_LOG_LEVEL="info") as live, env.load(live.service.port):
        log, old = live.folder / "log", live.folder / "log.1"
        for _ in range(env.times):
            os.truncate(log, 0)
            time.sleep(env.pause)
            assert 0 < log.stat().st_size < MEGABYTE, "logging continues at the end of the file"
            assert b"\0" not in log.read_bytes(), "without a hole before it"
        log.rename(old)
        size = old.stat().st_size
        time.sleep(env.pause)
        assert old.stat().st_size > size, "the log follows its file"
        old.rename(log)


@fault(
    "the system's clock jumps forward by a day, and back",
    short=1,
    long=5,
    lacks=missing("cc", "gcc"),
)
def clock_jumps(env: FaultEnv) -> None:
    """Set the clock of all processes of the service, repeatedly."""
    library, clock = env.folder / "clock.so", env.folder / "clock"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, CLOCK], check=True)
    clock.write_bytes(struct.pack("l", 0))
    extra = {"LD_PRELOAD": str(library), "CLOCK": str(clock), "MMF_RELOAD_SECONDS": "0.2"}
    service = env.service(new_interpreter=True, **extra)  # the library is preloaded
    with service as live, env.load(live.service.port):
        workers = live.workers
        for seconds in [DAY, -DAY, 0] * env.times:
            with clock.open("r+b") as file:  # in place: it is mapped by the processes
                file.write(struct.pack("l", seconds))
            assert abs(_ahead(live) - seconds) < 60
            time.sleep(env.pause)
        assert live.workers == workers, "no worker counted as dead and no file as changed"
        replace_model(live)


def _ahead(live: Live) -> float:
    """Return by how many seconds the service's clock differs from ours."""
    response = requests.get(f"{live.service.url}/health/live", timeout=LONGEST)
    return parsedate_to_datetime(response.headers["Date"]).timestamp() - time.time()


@fault("large requests to workers that may use 48 MiB more", short=4, long=40)
def no_memory(env: FaultEnv) -> None:
    """Limit the address space of workers, and send requests that need more."""
    large = b"a,b\n" + b"1.5,2.5\n" * 500_000
    with env.service() as live, env.load(live.service.port):
        with limited(live.workers, resource.RLIMIT_AS, lambda pid: _address_space(pid) + ROOM):
            statuses = Counter(_status(live, large) for _ in range(env.times))
        assert _status(live, large) == 200, "memory is available again"
    env.note = ", ".join(f"{count} with {status}" for status, count in sorted(statuses.items()))


def _status(live: Live, table: bytes) -> int:
    headers = {"Content-Type": "text/csv"}
    with suppress(requests.ConnectionError):
        return requests.post(
            f"{live.service.url}/score", table, headers=headers, timeout=LONGEST
        ).status_code
    return 0


def _address_space(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def limited(pids: set[int], kind: int, limit: Callable[[int], int]) -> Iterator[None]:
    """Set a soft limit of processes until the block ends."""
    before = {pid: resource.prlimit(pid, kind) for pid in pids}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, kind, (limit(pid), hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            with suppress(ProcessLookupError):  # it has been replaced
                resource.prlimit(pid, kind, limits)

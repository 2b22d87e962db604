"""A server's processes: their ids, cost and end. Reads Linux's /proc."""

from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
STOP_TIMEOUT = 15.0
# Seconds of CPU in a tenth of a second, and tenths.
QUIET, SETTLING = 0.02, 10
GONE = (FileNotFoundError, ProcessLookupError)


@dataclass(frozen=True)
class Process:
    """One process, as the kernel counts it."""

    pid: int
    parent: int
    session: int
    seconds: float
    born: int

    @classmethod
    def read(cls, pid: int) -> Process:
        """Read /proc/PID/stat; after the name in brackets, fields are separated by spaces."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        return cls(pid, int(fields[1]), int(fields[3]), ticks / TICKS, int(fields[19]))


def processes() -> Iterator[Process]:
    """Go through all that run now."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(*GONE):
                yield Process.read(int(folder.name))


def tree(root: int) -> list[Process]:
    """Return a process with all that came of it: its session and its descendants."""
    everything = list(processes())
    ours = {process.pid for process in everything if root in (process.pid, process.session)}
    size = -1
    while size != len(ours):
        size = len(ours)
        ours |= {process.pid for process in everything if process.parent in ours}
    return [process for process in everything if process.pid in ours]


def cpu_seconds(root: int) -> float:
    """Return the user and system time of the whole tree so far."""
    return sum(process.seconds for process in tree(root))


def cores() -> tuple[int, int]:
    """Return the cores of a server of one worker and of the load generator, far apart."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) == 1:
        raise SystemExit(
            "two cores are needed, one for the server and one for the load; here is one"
        )
    return usable[0], usable[-1]


def pinned(workers: int, core: int) -> list[str]:
    """Return the prefix of a command that runs on a core: empty for several workers."""
    return ["taskset", "--cpu-list", str(core)] if workers == 1 else []


def processor() -> str:
    """Return the processor's name."""
    names = re.findall(r"(?m)^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text())
    return (names or [platform.machine()])[0]


def busy_share(seconds: float) -> float:
    """Return the CPU that the whole machine uses during some seconds, as a share of one core."""
    before = _busy_seconds()
    time.sleep(seconds)
    return (_busy_seconds() - before) / seconds


def _busy_seconds() -> float:
    """Return user, nice, system, irq, softirq and steal of /proc/stat: neither idle nor waiting."""
    ticks = [int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks[:3] + ticks[5:]) / TICKS


def memory(root: int) -> int:
    """Return the tree's proportional set size in bytes: shared pages are counted once."""
    return sum(_pss(process.pid) for process in tree(root))


def _pss(pid: int) -> int:
    with suppress(*GONE):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


@contextmanager
def paused(root: int) -> Iterator[None]:
    """Stop the clocks of a whole tree for as long as the block lasts: some servers are never idle.

    Seconds only: longer, and supervisors take their workers for dead.
    """
    members = tree(root)
    _signal(members, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(reversed(members), signal.SIGCONT)


def settle(root: int) -> None:
    """Wait, not for long, until a tree has ended what it still had to do."""
    before = cpu_seconds(root)
    for _ in range(SETTLING):
        time.sleep(0.1)
        now = cpu_seconds(root)
        if now - before < QUIET:
            return
        before = now


def end(server: subprocess.Popen[bytes]) -> None:
    """End a server in order, and what is left of its tree without asking."""
    members = tree(server.pid)
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(STOP_TIMEOUT)
    _signal(members, signal.SIGKILL)
    server.wait(STOP_TIMEOUT)


def _signal(members: Iterable[Process], number: signal.Signals) -> None:
    """Send a signal to each process, unless it has gone and its number is another's."""
    for process in members:
        with suppress(*GONE):
            if Process.read(process.pid).born == process.born:
                os.kill(process.pid, number)

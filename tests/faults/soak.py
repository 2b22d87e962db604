"""Minutes of steady load with other requests in between: no resource may grow."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression, mean
from threading import Event, Thread

import requests
from fault_env import FaultEnv, processes

from live_load import LONGEST, Live
from steady_load import LoadRequest, Tally

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
WARM_UP = 0.3  # share of the time: caches and allocator pools fill first
EVERY = 2.0  # seconds between two measurements
MOST = 0.02  # allowed growth: less cannot be distinguished from noise
TABLE = b"a,b\n" + b"1.5,2.5\n" * 20_000


@dataclass
class Soak:
    """Outcomes of the requests; MiB and open files of all processes after the warm-up."""

    tally: Tally
    minutes: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """Return the MiB by which memory grows in a minute, by least squares."""
        return linear_regression(self.minutes, self.memory).slope

    def faults(self) -> list[str]:
        """List violations."""
        problems = self.tally.wrong + self.tally.lost
        for name, values in (("MiB", self.memory), ("open files", self.files)):
            slope = linear_regression(self.minutes, values).slope
            grown = slope * (self.minutes[-1] - self.minutes[0])
            if grown > MOST * mean(values):
                problems.append(f"{grown:.1f} {name} more at the end")
        return problems


def soak(folder: Path, rate: float) -> Soak:
    """Serve and measure for some minutes."""
    env = FaultEnv(folder, rate, 1)
    begin = time.monotonic()
    end = begin + 60 * MINUTES
    with (
        (folder / "output").open("w") as output,
        redirect_stdout(output),
        env.service() as live,
        env.load(live.service.port),
        others(live),
    ):
        result = Soak(env.tally)
        time.sleep(60 * MINUTES * WARM_UP)
        while (now := time.monotonic()) < end:
            result.minutes.append((now - begin) / 60)
            result.memory.append(sum(_proportional(pid) for pid in processes(live)))
            result.files.append(sum(_files(pid) for pid in processes(live)))
            time.sleep(EVERY)
    return result


@contextmanager
def others(live: Live) -> Iterator[None]:
    """Send large, compressed, invalid and aborted requests until the block ends."""
    over = Event()

    def send_odd_requests() -> None:
        while not over.wait(0.5):
            url = f"{live.service.url}/score"
            csv = {"Content-Type": "text/csv"}
            for body, headers in (
                (TABLE, {**csv, "Accept": "text/csv", "Accept-Encoding": "gzip"}),
                (b"a,b\n1,2\n", {**csv, "Accept": "application/vnd.apache.arrow.stream, text/csv"}),
                (b"a,b\n1,x\n", csv),
                (b"{", {"Content-Type": "application/json"}),
            ):
                requests.post(url, body, headers=headers, timeout=LONGEST)
            requests.get(f"{live.service.url}/nothing", timeout=LONGEST)
            with socket.create_connection(("127.0.0.1", live.service.port), LONGEST) as client:
                client.sendall(LoadRequest.of(1).to_bytes()[:-5])

    thread = Thread(target=send_odd_requests, name="others")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _proportional(pid: int) -> float:
    """Return a process's memory in MiB; pages that several share are counted once in all."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(rollup.partition("\nPss:")[2].split()[0]) / 1024


def _files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))

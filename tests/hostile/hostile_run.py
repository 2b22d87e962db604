"""Sends every hostile input to a live service of two workers, while another client is served.

`make hostile` sends each once and writes the table of docs/reliability.md; `make hostile
MINUTES=60` sends all of them again and again for an hour, and compares memory and open files after
the last round with those after the third, when both workers have had nearly all, in its own table;
`ONLY="npy YAML"` selects inputs by words in their names. It exits with 1 if an input without an
`open` note exceeded a limit, or if memory has grown by more than a tenth.
"""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import numpy as np
import pandas as pd
from all_inputs import INPUTS
from hostile_inputs import MIB, HostileInput
from sklearn.linear_model import LinearRegression

import mmf_core as mmf
from commands import wait_until, wait_until_ready
from mmf_core.processes import process_tree, pss
from services import Service, serve

LONGEST = 120.0
MOST_MIB = 1500.0
"""A worker that uses this much, or `LONGEST` seconds, is killed: the machine has other users."""
OTHER_CLIENT = 1.0
"""Seconds within which another client gets its response meanwhile."""
PAUSE = 0.05
RETAINED = 16 * MIB
"""Memory left by the last input, which could hide that of the next one."""
WARM_UP = 3
"""Rounds until memory is compared: workers are replaced in the first, then each has half of all."""
RELEASED = 20.0
"""Seconds until workers have returned freed memory, and a task process has ended."""
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
APP = """
import os
import time
from datetime import date, datetime

import numpy as np

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
registry.artifact("model.joblib").load()  # its profile is what drift is counted against
TABLE = mmf.DataFrame(format=mmf.JSON)
STRICT = mmf.DataFrame(schema={"a": float, "b": float})
WHOLE = mmf.DataFrame(schema={"a": int, "b": int})


@registry.target(returns=TABLE, default=True)
def table(data=mmf.DataFrame()):
    return data


@registry.target(returns=TABLE)
def strict(data=STRICT):
    return data


@registry.target(returns=TABLE)
def whole(data=WHOLE):
    return data


@registry.target(returns=mmf.Array(format=mmf.JSON))
def array(data=mmf.Array()):
    return data


@registry.target(returns=mmf.Dict(format=mmf.JSON))
def tree(data=mmf.Dict()):
    return data


@registry.target(returns=mmf.Array(format=mmf.JSON))
def picture(data=mmf.Img()):
    return np.array(data.shape)


@registry.target(returns=TABLE)
def lenient(data=mmf.DataFrame(schema={"a": float, "b": mmf.Column(date)}, lenient=True)):
    return data


@registry.target(returns=TABLE)
def keep(data=mmf.DataFrame(schema={"a": float}, extra="keep")):
    return data[["a"]]


@registry.target(returns=TABLE, batch=True)
def rows(data=mmf.DataFrame(schema={"a": float}, extra="keep")):
    return data[["a"]]


@registry.target(returns=mmf.List(mmf.Integer()))
def numbers(data=mmf.List(mmf.Integer())):
    return data


@registry.target(returns=mmf.Date())
def day(data=mmf.Date()):
    return data


@registry.target(returns=mmf.Stream(mmf.String()))
def words(text=mmf.String()):
    for word in text.split(" "):
        yield word


@registry.target(returns=mmf.String())
def text(text=mmf.String()):
    return text


@registry.target(returns=mmf.Float())
def pause(seconds=mmf.Float()):
    time.sleep(seconds)
    return seconds


@registry.target(returns=mmf.File())
def file(data=mmf.File()):
    os.makedirs("names", exist_ok=True)
    open(os.path.join("names", data.name or "none"), "wb").close()
    return mmf.FileBytes(data, data.name, data.media_type)


@registry.target(returns=TABLE)
def zoned(data=mmf.DataFrame(schema={"t": mmf.Column(datetime, tz="Europe/Berlin")})):
    return data.head(1)


app = create_app(registry)
"""


@dataclass
class Result:
    """The effect of an input."""

    input: HostileInput
    status: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    mib: float = 0.0
    wait: float = 0.0
    error: str = ""

    def faults(self) -> list[str]:
        """List the bounds that were exceeded."""
        bounds = {
            self.error: not self.error,
            f"status {self.status}": self.error or self.status in self.input.statuses,
            # Other processes take CPU time: then the time of the service counts.
            f"{self.seconds:.1f} s": min(self.seconds, max(self.cpu, self.seconds / 10))
            <= self.input.seconds,
            f"{self.mib:.0f} MiB": self.mib <= self.input.mib,
            f"another client waited {self.wait:.1f} s": self.wait <= OTHER_CLIENT,
        }
        return [reason for reason, holds in bounds.items() if not holds]

    def cells(self) -> list[str]:
        """Return a row of the table."""
        return [
            self.input.name,
            self.input.protocol,
            str(self.status or "none"),
            f"{self.cpu:.2f}",
            f"{self.mib:.0f}",
            f"{1000 * self.wait:.0f}",
            f"open: {self.input.open}" if self.input.open else "",
        ]


class Meter(Thread):
    """Measures a service while a request runs, and kills a worker that uses far too much.

    A process that starts meanwhile shares memory from its fork: only its additions count.
    """

    def __init__(self, service: Service) -> None:
        super().__init__(daemon=True)
        self.master = service.process.pid
        self._first: dict[int, int] = {}
        self.peak = self._grown()
        self.killed = ""
        self._ended = Event()
        self._since = time.monotonic()

    def run(self) -> None:
        while not self._ended.wait(PAUSE):
            grown = self._grown()
            self.peak = max(self.peak, grown)
            seconds = time.monotonic() - self._since
            if grown / MIB > MOST_MIB or seconds > LONGEST:
                self.killed = f"ended after {seconds:.0f} s"
                largest = max(children(self.master), key=resident)
                os.kill(largest, signal.SIGKILL)
                self._since = time.monotonic()

    def stop(self) -> float:
        """Return the maximum growth of the service in MiB."""
        self._ended.set()
        self.join()
        return max(self.peak, self._grown()) / MIB

    def _grown(self) -> int:
        sizes = {pid: resident(pid) for pid in process_tree(self.master)}
        return sum(size - self._first.setdefault(pid, size) for pid, size in sizes.items())


class OtherClient(Thread):
    """Requests small predictions continuously, each on a new connection."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.longest = 0.0
        self._port = port
        self._ended = Event()

    def run(self) -> None:
        while not self._ended.wait(PAUSE):
            started = time.monotonic()
            with suppress(OSError, HTTPException):
                send(self._port, "/strict", "text/csv", b"a,b\n1,2\n", {})
            self.longest = max(self.longest, time.monotonic() - started)

    def stop(self) -> float:
        """Return the longest time of a request, in seconds."""
        self._ended.set()
        self.join()
        return self.longest


def children(master: int) -> list[int]:
    """Return the processes under the master."""
    return process_tree(master)[1:] or [master]


def resident(pid: int) -> int:
    """Return a process's own memory in bytes; 0 if it has ended."""
    with suppress(OSError, ValueError):
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
        return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE")
    return 0


def share(pid: int) -> int:
    """Return a process's memory with its share of shared pages, in bytes; 0 if it has ended."""
    with suppress(OSError):
        return pss(pid)
    return 0


def memory(master: int) -> int:
    """Return the memory of the master and its descendants, without shared pages, in bytes."""
    return sum(map(resident, process_tree(master)))


def cpu_seconds(master: int) -> float:
    """Return the CPU time of the master and all its past and present descendants."""
    ticks = 0
    for pid in process_tree(master):
        with suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            ticks += sum(map(int, stat[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def open_files(master: int) -> int:
    """Return how many files the master and the workers have open."""
    count = 0
    for pid in process_tree(master):
        with suppress(OSError):
            count += len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return count


def send(
    port: int,
    path: str,
    media_type: str,
    body: bytes,
    headers: dict[str, str],
    method: str = "POST",
) -> int:
    """Send a request, read its response, and return the status."""
    connection = HTTPConnection("127.0.0.1", port, timeout=LONGEST + 30)
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # it was rejected before its end
            connection.request(method, path, body, {"Content-Type": media_type, **headers})
        response = connection.getresponse()
        while response.read(MIB):
            pass
        return response.status
    finally:
        connection.close()


def attack(service: Service, hostile: HostileInput) -> Result:
    """Send an input and measure what it does."""
    body = hostile.body()
    meter, client = Meter(service), OtherClient(service.port)
    result = Result(hostile)
    meter.start()
    client.start()
    started, before = time.monotonic(), cpu_seconds(service.process.pid)
    try:
        for _ in range(hostile.times):
            if hostile.send:
                result.status = hostile.send(service.port)
                continue
            result.status = send(
                service.port,
                hostile.path,
                hostile.media_type,
                body,
                hostile.headers,
                hostile.method,
            )
    except (OSError, HTTPException) as error:
        result.error = f"{type(error).__name__}: {error}"
    result.seconds = time.monotonic() - started
    result.cpu = cpu_seconds(service.process.pid) - before
    result.mib, result.wait = meter.stop(), client.stop()
    if meter.killed:
        result.error = meter.killed
    return result


def renew(service: Service) -> None:
    """Have the master replace all workers, one after the other."""
    master = service.process.pid
    for worker in children(master):
        with suppress(ProcessLookupError):  # it ran a task
            os.kill(worker, signal.SIGTERM)
        wait_until(lambda old=worker: old not in children(master) and len(children(master)) > 1)
        wait_until_ready(service.process, f"{service.url}/health/ready")
    warm_up(service)


def warm_up(service: Service) -> None:
    """Import the libraries, in both workers."""
    for path in ("/table", "/strict", "/whole"):
        for _ in range(6):
            send(service.port, path, "text/csv", b"a,b\n1,2\n", {})


@contextmanager
def hostile_service(folder: Path) -> Iterator[Service]:
    """Run the service that is attacked, with two workers."""
    settings = {
        "WEB_CONCURRENCY": "2",
        "MMF_LOG_LEVEL": "error",
        "OPENBLAS_NUM_THREADS": "1",
        "MMF_TASKS_DIR": str(folder / "tasks"),
        "MMF_TASK_WORKERS": "1",
        "MMF_WEBHOOK_SECRET": "whsec_" + "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
        "MMF_ADMIN_HTTP": "1",
        "MMF_FEEDBACK": "1",
        "MMF_DRIFT_SECONDS": "3600",
        "MMF_PAYLOAD_LOG": str(folder / "payloads"),
        "MMF_PAYLOAD_LOG_SECONDS": "5",  # what waits to be written is not growth
    }
    reference = pd.DataFrame({"a": np.arange(100.0)})
    model = LinearRegression().fit(reference, reference["a"])
    mmf.save_model(model, folder / "model.joblib", example=reference.head(), reference=reference)
    with (
        (folder / "log").open("wb") as log,
        serve("gunicorn", folder, log, APP, **settings) as service,
    ):
        warm_up(service)
        yield service


def main(minutes: float, words: list[str]) -> int:
    """Attack with the selected inputs, print each row, and return whether all limits held."""
    chosen = [hostile for hostile in INPUTS if not words or any(w in hostile.name for w in words)]
    is_bad = False
    with TemporaryDirectory() as folder, hostile_service(Path(folder)) as service:
        tree = service.process.pid
        rounds, end, own = 0, time.monotonic() + 60 * minutes, memory(tree)
        usages = []
        while not rounds or time.monotonic() < end:
            for hostile in chosen:
                if not rounds and memory(tree) > own + RETAINED:
                    renew(service)
                result = attack(service, hostile)
                faults = result.faults()
                is_bad = is_bad or bool(faults and not hostile.open)
                if not rounds:
                    write(result.cells())
                print(f"| {' | '.join(result.cells())} | {'; '.join(faults)}", flush=True)
            time.sleep(RELEASED)
            rounds += 1
            usage = (sum(map(share, process_tree(tree))) / MIB, open_files(tree))
            print(f"after round {rounds}: {usage[0]:.0f} MiB, {usage[1]} open files", flush=True)
            if rounds >= WARM_UP:
                usages.append(usage)
                elapsed = minutes + (time.monotonic() - end) / 60
                write_growth(elapsed, rounds, rounds * len(chosen), usages)
        if usages:
            (first, files), (last, last_files) = usages[0], usages[-1]
            is_bad = is_bad or last > 1.1 * first or last_files > files + 8
    return int(is_bad)


def write_growth(minutes: float, rounds: int, inputs: int, usages: list[tuple[float, int]]) -> None:
    """Replace the row of the table that compares memory and open files after the rounds."""
    sizes, files = zip(*usages, strict=True)
    cells = (
        f"{minutes:.0f}",
        str(rounds),
        f"{inputs:,}",
        *(f"{memory:.0f}" for memory in (sizes[0], min(sizes), max(sizes), sizes[-1])),
        str(files[0]),
        str(files[-1]),
    )
    page = PAGE.read_text(encoding="utf-8")
    row = re.compile(r"(<!-- hostile growth -->\n\|.*\n\|.*\n)(?:\|.*\n)?")
    assert row.search(page), f"no <!-- hostile growth --> in {PAGE}"
    PAGE.write_text(row.sub(rf"\1| {' | '.join(cells)} |\n", page), encoding="utf-8")


def write(row: list[str]) -> None:
    """Replace the row with the same first two cells, or append it to the table."""
    page = PAGE.read_text(encoding="utf-8")
    match = re.search(r"<!-- hostile -->\n(.*?)<!-- end -->", page, re.DOTALL)
    assert match, f"no <!-- hostile --> in {PAGE}"
    line = f"| {' | '.join(row)} |"
    key = line.split(" | ")[:2]
    old = match[1].splitlines()
    new = [line if old_line.split(" | ")[:2] == key else old_line for old_line in old]
    new += [] if line in new else [line]
    PAGE.write_text(page.replace(match[1], "\n".join([*new, ""])), encoding="utf-8")


if __name__ == "__main__":
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    sys.exit(main(float(os.environ.get("MINUTES") or 0), sys.argv[1:]))

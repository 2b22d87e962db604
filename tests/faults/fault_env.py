"""The environment of a fault: separate services, and a steady load on one port."""

import json
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live_load import Live, living
from steady_load import BIAS, MAIN, WEIGHTS, Load, Tally, steady_load


@dataclass
class FaultEnv:
    """A folder, a rate, the number or amount of a fault, and the outcome."""

    folder: Path
    rate: float
    times: int
    tally: Tally = field(default_factory=Tally)
    pause: float = 1.0  # seconds between two faults
    may_lose: int = 0
    note: str = ""
    shared: Live | None = None

    @contextmanager
    def service(self, name: str = "service", **options: Any) -> Iterator[Live]:
        """Run a service from a folder of this name, or yield the shared one."""
        if self.shared is not None and not options:
            yield self.shared
            return
        folder = self.folder / name
        if not folder.exists():
            folder.mkdir(parents=True)
            save_model(folder)
        with living(folder, MAIN, **options) as live:
            yield live

    @contextmanager
    def load(self, port: int) -> Iterator[Load]:
        """Send requests to a port continuously and record the outcomes."""
        with steady_load(port, self.rate, self.pause) as load:
            self.tally = load.tally
            yield load

    def faults(self) -> list[str]:
        """List what must not happen: a wrong response, or more lost ones than `may_lose`."""
        lost = self.tally.lost if len(self.tally.lost) > self.may_lose else []
        return self.tally.wrong + lost


@dataclass(frozen=True)
class Fault:
    """A fault: its title, and its number or amount in the short and the long form.

    0 omits it from the short form. `lacks` returns why it is unavailable on this machine.
    """

    title: str
    short: int
    long: int
    happen: Callable[[FaultEnv], None]
    lacks: Callable[[], str]

    @property
    def name(self) -> str:
        return self.happen.__name__


FAULTS: list[Fault] = []


def fault(
    title: str, *, short: int, long: int, lacks: Callable[[], str] = str
) -> Callable[[Callable[[FaultEnv], None]], Callable[[FaultEnv], None]]:
    """Register a function that causes a fault."""

    def register(happen: Callable[[FaultEnv], None]) -> Callable[[FaultEnv], None]:
        FAULTS.append(Fault(title, short, long, happen, lacks))
        return happen

    return register


def save_model(folder: Path) -> None:
    """Write the model that MAIN loads."""
    (folder / "model.json").write_text(json.dumps({"weights": WEIGHTS, "bias": BIAS}))


def replace_model(live: Live) -> None:
    """Replace the model by an identical file, and wait until new workers serve."""
    old = live.workers
    new = live.folder / "model.new"
    new.write_bytes((live.folder / "model.json").read_bytes())
    new.replace(live.folder / "model.json")
    live.wait_for_others(old)


def processes(live: Live) -> set[int]:
    """Return the master and its workers."""
    return {live.service.process.pid, *live.workers}


def missing(program: str, package: str) -> Callable[[], str]:
    """Return a message if a program is not installed."""
    reason = f"{program} is missing: apt-get install {package}"
    return lambda: "" if shutil.which(program) else reason


@contextmanager
def open_files(most: int) -> Iterator[None]:
    """Raise the limit of open files of this process until the block ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(most, hard)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
